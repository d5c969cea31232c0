"""Client processes of one run: this one, and further ones where it cannot keep up."""

from __future__ import annotations

import asyncio
import errno
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import tco
from tco.replay.http.target import KEY_VARIABLE
from tco.replay.load.chains import Item
from tco.replay.load.punctual import Pulse
from tco.replay.load.sending import Hooks
from tco.replay.load.wire import (
    SAID,
    Cancel,
    Ends,
    Finish,
    Idle,
    Orders,
    Room,
    Slots,
    State,
    Stop,
    Take,
    Told,
    Up,
    frame,
    framed,
    unframed,
)

START_S = 30.0
"""How long a process may take to start."""
BYE_S = 5.0
"""How long a process may take to leave before it is killed."""
_START = "import sys; sys.path[:] = sys.argv[1:]; from tco.replay.load.worker import main; main()"

_NOBODY = Hooks(lambda _outcome: None, lambda: None, lambda: None, lambda _error: None)


class Worker:
    """A further client process."""

    def __init__(self) -> None:
        """Starts it. Raises OSError where the system does not allow it."""
        self.given: dict[int, Item] = {}
        """What it was given and has not said to have ended."""
        self.sent = self.in_flight = self.overdue = self.forgotten = 0
        self.pulse = Pulse()
        self.ready = asyncio.Event()
        """It has its orders and room for requests, or never will."""
        self.idle = False
        self.freed: Callable[[int], None] = lambda _held: None
        """Called with the slots it holds after it was told to have fewer."""
        self.up = asyncio.Event()
        """It has started, or never will: then `fate` says why."""
        self.fate: ChildProcessError | None = None
        self._hooks = _NOBODY
        self._died: Callable[[Worker, ChildProcessError], None] = lambda _worker, _error: None
        self._room = 0
        self._take: list[Item] = []
        self._leaving = False
        self._loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                folder = str(Path(tco.__file__).parent.parent)
                path = [folder, *(p for p in sys.path if p and p != folder)]
                command = [sys.executable, "-c", _START, *path]
                surroundings = {name: value for name, value in os.environ.items() if name != KEY_VARIABLE}
                self._process = subprocess.Popen(
                    command, env=surroundings,
                    stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )  # fmt: skip
        except BaseException:
            ours.close()
            raise
        self._writer: asyncio.StreamWriter | None = None
        self._early: list[bytes] = []
        self._conversation = self._loop.create_task(self._converse(ours))

    def begin(self, orders: Orders, hooks: Hooks, died: Callable[[Worker, ChildProcessError], None]) -> None:
        """Tell it what to do. `died` is called where it ends before its time, and nothing after that."""
        self._hooks, self._died = hooks, died
        self._send(framed(pickle.dumps(orders)))
        if self.fate is not None:
            self._loop.call_soon(died, self, self.fate)

    def take(self, item: Item) -> None:
        self.given[item.row] = item
        self._room -= 1
        if not self._take:
            self._loop.call_soon(self._hand_over)
        self._take.append(item)

    def room(self) -> int:
        return self._room

    def slots(self, slots: int) -> None:
        """How many it may have under way; `freed` is told how many it holds."""
        self._tell(Slots(slots))

    def finish(self) -> None:
        self._hand_over()
        self._tell(Finish())

    def stop(self) -> None:
        self._take.clear()
        self._tell(Stop())

    def cancel(self) -> None:
        self._take.clear()
        self._tell(Cancel())

    async def leave(self) -> None:
        """It ends. One that does not is killed."""
        self._leaving = True
        if self._writer is not None:
            self._writer.close()
        try:
            for _ in range(int(BYE_S / 0.02)):
                if self._process.poll() is not None:
                    break
                await asyncio.sleep(0.02)
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            self._conversation.cancel()
            with suppress(asyncio.CancelledError):
                await self._conversation

    def _hand_over(self) -> None:
        if self._take:
            self._tell(Take(self._take))
            self._take = []

    def _tell(self, message: Told) -> None:
        self._send(frame(message))

    def _send(self, text: bytes) -> None:
        if self._writer is None:
            self._early.append(text)
        elif not self._writer.is_closing():
            self._writer.write(text)

    async def _converse(self, ours: socket.socket) -> None:
        reader, self._writer = await asyncio.open_connection(sock=ours)
        try:
            self._writer.write(b"".join(self._early))
            self._early.clear()
            while (text := await unframed(reader)) is not None:
                try:
                    self._heard(text)
                except Exception as error:  # of our own: the run ends, and what else is said is heard meanwhile
                    self._hooks.failed(error)
            if not self._leaving:
                self._gone(await self._fate())
        finally:
            self._writer.close()
            with suppress(ConnectionError):
                await self._writer.wait_closed()

    def _heard(self, text: bytes) -> None:
        said = SAID.decode(text)
        if isinstance(said, Up):
            self.up.set()
        elif isinstance(said, Ends):
            for outcome in said.outcomes:
                self.given.pop(outcome.index, None)
                self._hooks.ended(outcome)
        elif isinstance(said, State):
            self.sent, self.in_flight, self.overdue, self.forgotten = (
                said.sent,
                said.in_flight,
                said.overdue,
                said.forgotten,
            )
            self.pulse = self.pulse.plus(said.pulse)
        elif isinstance(said, Room):
            self.ready.set()
            self._room += said.more
            self._hooks.room()
        elif isinstance(said, Slots):
            self.freed(said.slots)
        elif isinstance(said, Idle):
            self.idle = True
            self._hooks.idle()
        else:
            self._leaving = True
            self._gone(f"a client process failed: {said.where}")

    def _gone(self, why: str) -> None:
        """It ended before its time."""
        self.fate = ChildProcessError(errno.ECHILD, why)
        self.up.set()
        self.ready.set()
        self._died(self, self.fate)

    async def _fate(self) -> str:
        """How it ended, in words."""
        for _ in range(50):
            if self._process.poll() is not None:
                break
            await asyncio.sleep(0.02)
        code = self._process.poll()
        if code is None:
            return "a client process no longer answers"
        if code < 0:
            return f"a client process was killed by {signal.Signals(-code).name}"
        return f"a client process ended with status {code}"


async def started(count: int) -> list[Worker]:
    """So many processes that have started. Raises OSError where one does not."""
    workers: list[Worker] = []
    try:
        for _ in range(count):
            workers.append(Worker())
        async with asyncio.timeout(START_S):
            for worker in workers:
                await worker.up.wait()
                if worker.fate is not None:
                    raise worker.fate
    except BaseException as error:
        await asyncio.gather(*(worker.leave() for worker in workers))
        if isinstance(error, TimeoutError):
            raise ChildProcessError(errno.ECHILD, f"a client process did not start in {START_S:g} s") from None
        raise
    return workers


def most_processes(asked: int | None) -> int:
    """As many as were asked for, else as there are cores for this process."""
    if asked is not None:
        return max(asked, 1)
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return os.cpu_count() or 1
