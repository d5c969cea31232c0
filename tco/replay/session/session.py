"""A session from end to end: the server is looked at, the trace surveyed, the journal begun, runs made and recorded."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from tco.document import Fault, Faults
from tco.replay.http import guard
from tco.replay.http.client import Client
from tco.replay.http.prompts import Bodies
from tco.replay.http.target import Target
from tco.replay.load.source import Source
from tco.replay.measure import sizing
from tco.replay.measure.search import Stage
from tco.replay.outcome import Outcomes, gathered
from tco.replay.record.header import Asked, Header, ServerFacts, read_header
from tco.replay.record.journal import Journal, Recorded, read_journal
from tco.replay.results import NoCapacity
from tco.replay.session.counted import counted, rate_of
from tco.replay.session.finding import CUT, NotMade, Recall, found_in, search
from tco.replay.session.machine import in_words
from tco.replay.session.power import Gpus, NoGpus, Reading
from tco.replay.session.preflight import look, warm_up
from tco.replay.session.provenance import NO_GPU
from tco.replay.session.recount import trace_warnings
from tco.replay.session.runs import ANSWER_S, TOKEN_IDS, Display, Maker, Step, source_of
from tco.replay.session.selection import check_trace, selected
from tco.replay.session.survey import FIRST
from tco.traffic.request import Request
from tco.traffic.trace import open_trace

IDLE_READINGS = 5
"""Of the GPUs' power before anything is sent, a tenth of a second apart."""
EXTENSION = ".journal.jsonl"
OF_A_TRACE = frozenset({".gz", ".zst", ".jsonl", ".ndjson", ".json", ".csv", ".trace"})
"""Ends of a trace's name that are no part of its journal's."""


class Wanted(NamedTuple):
    """What the command line asks for."""

    trace: str
    url: str
    asked: Asked
    model: str | None = None
    allow_remote: tuple[str, ...] = ()
    key: str | None = None
    format: str | None = None
    time_unit: str | None = None
    spread: bool = False
    journal: Path | None = None


class Incomplete(Exception):
    """Something must be said that nobody could know before the server was looked at."""


class Interrupted(Exception):
    """Somebody pressed Ctrl-C: what was measured is in the journal."""


def journal_path(wanted: Wanted) -> Path:
    """Where the session is recorded: by its trace's name, in the current folder, where nothing else is said.

    `documents.trace.jsonl.gz` gives `documents.journal.jsonl`, and `documents.2.journal.jsonl` where that is there.
    """
    if wanted.journal is not None:
        return wanted.journal
    name = Path(Path(wanted.trace).name)
    while name.suffix.lower() in OF_A_TRACE:
        name = name.with_suffix("")
    path, number = Path(f"{name}{EXTENSION}"), 1
    while _has_something(path):
        number += 1
        path = Path(f"{name}.{number}{EXTENSION}")
    return path


def _has_something(path: Path) -> bool:
    return path.exists() and (not path.is_file() or path.stat().st_size > 0)


def start(
    wanted: Wanted, display: Display, *, needs_gpu: bool = False, known: Callable[[Header], None] | None = None
) -> Path:
    """A new session; returns its journal. needs_gpu: a profile is to be written, which says on what it was measured.
    known: is told the header before anything is sent, and may raise Faults.

    Raises Faults, Incomplete and guard.Refused for what is wrong with the input, preflight.Unusable and runs.Gone for
    what is wrong with the server, OSError for the disk, Interrupted.
    """
    path = journal_path(wanted)
    target = guard.check(wanted.url, wanted.allow_remote, wanted.key)
    trace = open_trace(wanted.trace, format=wanted.format, time_unit=wanted.time_unit)  # before anything is asked of it
    if _has_something(path):
        raise _there_already(path)
    with ExitStack() as stack:
        gpus = _gpus(target, display, stack, wanted.asked.gpu)
        idle = [] if gpus is None else [_after_a_moment(gpus.read) for _ in range(IDLE_READINGS)]
        if needs_gpu and gpus is None and wanted.asked.gpu is None:
            raise Incomplete(NO_GPU)
        facts = asyncio.run(_looked(target, wanted.model))
        display.say(f"{facts.title} at {facts.url} serves {facts.model}")
        spread = wanted.asked.seed if wanted.spread else None
        source = Source(wanted.trace, wanted.format, wanted.time_unit, spread, longest=facts.max_model_len)
        surveyed, kept = selected(source, wanted.asked)
        header = Header(
            version=version("tco"),
            started=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            salt=secrets.token_hex(8),
            asked=wanted.asked,
            trace=kept,
            server=facts,
            gpus=None if gpus is None else gpus.facts(idle),
        )
        if known is not None:
            known(header)
        for text in trace_warnings(kept):
            display.say(f"warning: {text}")
        asyncio.run(_warmed(target, facts, trace.block_tokens, surveyed.first, wanted.asked.timeout_s))
        journal = stack.enter_context(Journal.create(path, header.as_dict()))
        display.say(f"recording in {path}")
        _measure(
            header, Recorded(header.as_dict(), (), cut=False), Maker(header, journal, target, gpus, display), display
        )
    return path


def go_on(path: Path, url: str | None, allow_remote: tuple[str, ...], key: str | None, display: Display) -> None:
    """Go on with a journal: of a plain replay what had not ended, of a search the runs that are missing.

    Raises as `start` does; Faults also where the trace is no longer the one that was begun with.
    """
    recorded = read_journal(path)
    header = read_header(path, recorded.header)
    if _is_over(header, recorded):
        display.say("this journal is complete: nothing is left to send")
        return
    target = guard.check(url or header.server.url, allow_remote, key)
    check_trace(path, header)
    with ExitStack() as stack:
        gpus = _gpus(target, display, stack, None) if header.gpus is not None else None
        facts = asyncio.run(_looked(target, header.server.model))
        _check_server(path, header.server, facts, display)
        like = [request for _, request in islice(source_of(header, header.asked.seed).requests(), FIRST)]
        asyncio.run(_warmed(target, facts, header.trace.block_tokens, like, header.asked.timeout_s))
        journal = stack.enter_context(Journal.resume(path))
        _measure(header, recorded, Maker(header, journal, target, gpus, display), display)


def _there_already(path: Path) -> Faults:
    """Why a journal cannot be begun at a file that has something in it, and what to do instead."""
    what, hint = "this journal is there already, and is never written over", f"go on with it by `--resume {path}`"
    try:
        recorded = read_journal(path)
        if _is_over(read_header(path, recorded.header), recorded):
            hint = "that one is complete"
    except Faults:
        what, hint = "this file is there already, and is no journal", ""
    return Faults([Fault(str(path), 0, 0, what, "another one by `--journal FILE`", hint)])


def _is_over(header: Header, recorded: Recorded) -> bool:
    """All that was asked for was measured."""
    objectives = header.asked.objectives
    runs = [counted(r, objectives, header.asked.gpus) for r in recorded.runs if r.about]
    if header.asked.find_capacity:
        found = found_in(header, runs, objectives)
        return not (isinstance(found, NoCapacity) and found.reason == CUT)
    return bool(runs) and runs[0].whole


def _measure(header: Header, recorded: Recorded, maker: Maker, display: Display) -> None:
    if header.asked.find_capacity:
        _search(header, recorded, maker, display)
        return
    asked = header.asked
    going_on = recorded.runs[0] if recorded.runs else None
    speedup = None if asked.concurrency is not None else asked.speedup or 1.0
    load = f"{asked.concurrency} at a time" if speedup is None else f"{speedup:g} times the recorded rate"
    step = Step(1, speedup, asked.concurrency, asked.seed, f"{header.trace.name}, {load}")
    if maker.make(step, going_on).reason == "interrupted":
        raise Interrupted


def _search(header: Header, recorded: Recorded, maker: Maker, display: Display) -> None:
    """Runs until the search has its answer. What was made before is recalled."""
    objectives = header.asked.objectives
    runs = [counted(r, objectives, header.asked.gpus) for r in recorded.runs if r.about]
    recall, number, stage = Recall(runs), max((r.run for r in recorded.runs), default=0), None
    guessed = False
    display.say(sizing.in_words(objectives, header.trace, header.asked.seeds))

    def told(now: Stage) -> None:
        nonlocal stage
        stage = now

    def probe(speedup: float | None, concurrency: int | None, seed: int) -> tuple[int, Outcomes, float]:
        nonlocal number, guessed
        try:
            return recall(speedup, concurrency, seed)
        except NotMade:
            number += 1
        assert stage is not None
        if stage.seconds_left is not None and not guessed:
            guessed = True
            runs = "1 run is" if stage.left == 1 else f"{stage.left} runs are"
            said = f"about {runs} left, about {_in_words(stage.seconds_left)}"
            display.say(f"{said}; runs that bracket the interval, and those made twice, come on top")
        load = f"{concurrency} at a time" if stage.rate is None else f"{stage.rate:.4g} requests/s"
        title = f"run {number} of about {number + stage.left - 1}: {load}, seed {seed}"
        ended = maker.make(Step(number, speedup, concurrency, seed, title))
        if ended.reason == "interrupted":
            raise Interrupted
        outcomes = gathered(ended.outcomes)
        return number, outcomes, rate_of(outcomes, concurrency)

    search(header, objectives, probe, told)


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def _gpus(target: Target, display: Display, stack: ExitStack, named: str | None) -> Gpus | None:
    """The GPUs of this machine, where the server is on it. named: as the user did; of `CPU` there is none to read."""
    if (named or "").upper() == "CPU":
        return None
    if target.remote:
        display.say("GPU power is not measured: the server is on another machine")
        return None
    try:
        return stack.enter_context(closing(Gpus()))
    except NoGpus as why:
        display.say(f"GPU power is not measured: {why}")
        return None


async def _looked(target: Target, model: str | None) -> ServerFacts:
    async with Client(target, timeout_s=ANSWER_S, first_byte_s=ANSWER_S) as client:
        facts = await look(client, target, model)
    return facts if target.remote else msgspec.structs.replace(facts, host=in_words())


async def _warmed(
    target: Target, facts: ServerFacts, block_tokens: int | None, like: Sequence[Request], timeout_s: float
) -> None:
    """With prompts that nothing is replayed with."""
    bodies = Bodies(facts.model, f"warm-up {secrets.token_hex(8)}", block_tokens, TOKEN_IDS)
    async with Client(target, timeout_s=timeout_s, first_byte_s=timeout_s) as client:
        await warm_up(client, bodies, like)


def _check_server(path: Path, before: ServerFacts, now: ServerFacts, display: Display) -> None:
    """The same software with the same limits, or what is measured is not one thing. Raises Faults."""
    if (before.title, before.max_model_len) != (now.title, now.max_model_len):
        was, found = (f"{s.title} with at most {s.max_model_len} tokens" for s in (before, now))
        raise Faults([Fault(str(path), 1, 1, "the server is another one than at the start", was, value=found)])
    display.say(f"{now.title} at {now.url} serves {now.model}")


def _after_a_moment(read: Callable[[], Reading]) -> Reading:
    time.sleep(0.1)
    return read()
