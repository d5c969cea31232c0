"""The queue and the slots: what is served when, on a clock that can stand still."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from faulty.answers import Ask, Step, steps
from faulty.cache import PrefixCache
from faulty.clock import Clock
from faulty.metrics import Metrics
from faulty.settings import Settings


class Job:
    """A request under way."""

    __slots__ = ("arrived", "arrived_ns", "ask", "cached", "digest", "due", "ended_ns", "fault", "freed", "hold",
                 "made", "next", "out", "start", "state", "steps", "timer", "written")  # fmt: skip

    def __init__(self, ask: Ask, fault: str | None, digest: str, out: Writer, arrived_ns: int, arrived: float) -> None:
        self.ask, self.fault, self.digest, self.out = ask, fault, digest, out
        self.arrived_ns, self.arrived = arrived_ns, arrived
        self.start: float | None = None
        self.hold = 0.0
        self.cached = 0
        self.made = 0
        self.due = 0.0
        self.freed = False
        self.written: list[int] = []
        self.ended_ns: int | None = None
        self.state = "waiting"
        self.steps: Iterator[Step] = iter(())
        self.next: Step | None = None
        self.timer: asyncio.TimerHandle | None = None

    def record(self, offset_ns: int) -> dict[str, Any]:
        """As `/record` tells it."""
        return {
            "number": self.ask.number, "digest": self.digest, "chat": self.ask.chat, "fault": self.fault,
            "state": self.state, "prompt_tokens": len(self.ask.ids), "first_ids": self.ask.ids[:4],
            "cached_tokens": self.cached, "asked_tokens": self.ask.tokens, "output_tokens": self.made,
            "arrived_ns": self.arrived_ns, "written_ns": self.written, "ended_ns": self.ended_ns,
            "started_ns": None if self.start is None else offset_ns + int(self.start * 1e9),
        }  # fmt: skip


class Writer:
    """Where an answer goes: a connection."""

    def write(self, data: bytes) -> None:
        raise NotImplementedError

    def finish(self, end: str) -> None:
        """The answer is over: `done`, `fin` or `rst`."""
        raise NotImplementedError


class Engine:
    """Serves jobs in the order of their arrival. Departures follow from the arrivals and the service times alone: a
    timer that fires late delays nothing that comes after it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = Clock()
        self.metrics = Metrics()
        self.cache = PrefixCache(settings.block_tokens, settings.cache_blocks)
        self.jobs: list[Job] = []
        self.count = 0
        self._waiting: deque[Job] = deque()
        self._free: list[float] | None = None
        self._first_seen = False
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """New settings, for what begins from now on. Requests under way go on; slots begin free."""
        if (settings.block_tokens, settings.cache_blocks) != (self.cache.block_tokens, self.cache.blocks):
            self.cache = PrefixCache(settings.block_tokens, settings.cache_blocks)
        self.settings = settings
        queue = settings.service_ms is not None or settings.prefill_per_s is not None
        slots = settings.slots or (1 if queue else None)
        self._free = None if slots is None else [self.clock.now()] * slots
        self._first_seen = False

    def submit(self, job: Job) -> None:
        """A request has come."""
        if not self._first_seen:
            self._first_seen = True
            if self.settings.stall_at_s is not None:
                self.clock.stall(job.arrived_ns / 1e9 + self.settings.stall_at_s, self.settings.stall_s)
        if self.settings.recorded:
            self.jobs.append(job)
        self.metrics.waiting += 1
        self._waiting.append(job)
        self._admit()

    def _admit(self) -> None:
        while self._waiting and (self._free is None or self._free):
            job = self._waiting.popleft()
            start = job.arrived if self._free is None else max(job.arrived, heapq.heappop(self._free))
            self._begin(job, start)

    def _begin(self, job: Job, start: float) -> None:
        counts, ids = self.metrics, job.ask.ids
        job.start, job.state = start, "running"
        job.cached = self.cache.take(ids)
        counts.waiting -= 1
        counts.running += 1
        counts.queries += len(ids)
        counts.cached_tokens += job.cached
        counts.prompt_tokens += len(ids)
        counts.queued[0] += start - job.arrived
        counts.queued[1] += 1
        job.steps, job.hold = steps(job.ask, self.settings, job.fault, job.cached)
        if self._free is not None:
            self._release(job)
        self._arm(job)

    def _release(self, job: Job) -> None:
        """Free the slot when its time is over, by the clock that can stand still."""
        if job.freed:
            return
        assert job.start is not None
        end = job.start + job.hold
        if self.clock.now() < end - 1e-6:
            asyncio.get_running_loop().call_at(self.clock.real(end), self._release, job)
        else:
            self._give_back(job, end)

    def _give_back(self, job: Job, at: float) -> None:
        job.freed = True
        if self._free is not None:
            heapq.heappush(self._free, at)
            self._admit()

    def _arm(self, job: Job) -> None:
        """Wait for the next step."""
        step = next(job.steps, None)
        if step is None:
            return
        assert job.start is not None
        job.next, job.due = step, job.start + step.offset
        when = self.clock.real(job.due)
        loop = asyncio.get_running_loop()
        job.timer = loop.call_at(when, self._step, job)

    def _step(self, job: Job) -> None:
        while True:
            step = job.next
            assert step is not None
            if job.state != "running":
                return
            if self.clock.now() < job.due - 1e-6:  # a stall began after this was armed
                job.timer = asyncio.get_running_loop().call_at(self.clock.real(job.due), self._step, job)
                return
            self._write(job, step)
            if step.end:
                return
            following = next(job.steps, None)
            if following is None:
                return
            assert job.start is not None
            job.next, job.due = following, job.start + following.offset
            if following.offset > step.offset:
                job.timer = asyncio.get_running_loop().call_at(self.clock.real(job.due), self._step, job)
                return

    def _write(self, job: Job, step: Step) -> None:
        if step.tokens:
            now = time.monotonic_ns()
            if not job.made:
                self.metrics.ttft[0] += (now - job.arrived_ns) / 1e9
                self.metrics.ttft[1] += 1
            job.made += step.tokens
            self.metrics.generation_tokens += step.tokens
            if self.settings.recorded:
                job.written.append(now)
        if step.data:
            job.out.write(step.data)
        if step.end and step.end != "hang":
            broken = job.fault in {"error_mid", "leak_mid", "error_first", "reset_mid", "close_mid"}
            self._over(job, "error" if broken else job.ask.finish)
            job.out.finish(step.end)

    def _over(self, job: Job, reason: str) -> None:
        job.ended_ns = time.monotonic_ns()
        job.state = "error" if reason == "error" else "done"
        self.metrics.running -= 1
        self.metrics.finished[reason] += 1
        self.metrics.e2e[0] += (job.ended_ns - job.arrived_ns) / 1e9
        self.metrics.e2e[1] += 1

    def abort(self, job: Job) -> None:
        """The client has gone. What it held is free now."""
        if job.state == "waiting":
            if job in self._waiting:  # else its headers are slow, and it was never counted
                self._waiting.remove(job)
                self.metrics.waiting -= 1
        elif job.state == "running":
            self.metrics.running -= 1
            if not job.freed and self._free is not None:
                self._give_back(job, self.clock.now())
        else:
            return
        job.state, job.ended_ns = "aborted", time.monotonic_ns()
        self.metrics.finished["abort"] += 1
        if job.timer is not None:
            job.timer.cancel()
