"""A further client process: sends what the first one gives it, and says what became of it."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import socket
import traceback

from tco.replay.http.client import Client
from tco.replay.http.prompts import Bodies
from tco.replay.http.target import Key, Target
from tco.replay.load.closed_loop import ClosedLoop
from tco.replay.load.event_loop import callbacks_fail_to, precise_loop, undisturbed
from tco.replay.load.open_loop import OpenLoop
from tco.replay.load.sending import Hooks
from tco.replay.load.wire import (
    TOLD,
    Broken,
    Ends,
    Finish,
    Idle,
    Orders,
    Room,
    Said,
    Slots,
    State,
    Stop,
    Take,
    Told,
    Up,
    frame,
    unframed,
)
from tco.replay.outcome import Outcome

ASK_FOR = 16
"""Requests are asked for by so many at a time."""
EVERY_S = 0.25
"""Between two reports of how it fares."""


def main() -> None:
    """Serve the socket that is this process's standard input, until it is closed."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a terminal sends it to all: the first process says what to do
        signal.signal(number, signal.SIG_IGN)
    end = socket.socket(fileno=os.dup(0))
    loop = precise_loop()
    try:
        with undisturbed():
            loop.run_until_complete(_serve(end))
    finally:
        loop.close()


async def _serve(end: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=end)
    said = Saying(writer)
    said.say(Up())
    try:
        text = await unframed(reader)
        if text is not None:
            orders: Orders = pickle.loads(text)
            target = Target(*orders[:6], key=None if orders.key is None else Key(orders.key))
            async with Client(target, timeout_s=orders.timeout_s, first_byte_s=orders.first_byte_s) as client:
                await Serving(orders, client, reader, said).serve()
    except Exception as error:
        said.say(Broken(_where(error)))
        said.flush()
    finally:
        writer.close()


class Saying:
    """Messages to the first process, those of one turn of the event loop as one write."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._ends: list[Outcome] = []
        self._others: list[bytes] = []
        self._soon = False

    def ended(self, outcome: Outcome) -> None:
        """A request ended."""
        self._ends.append(outcome)
        self._later()

    def say(self, message: Said) -> None:
        """Anything else, after the outcomes that came before it."""
        if self._ends:
            self._others.append(frame(Ends(self._ends)))
            self._ends = []
        self._others.append(frame(message))
        self._later()

    def flush(self) -> None:
        """Write it now."""
        self._soon = False
        if self._ends:
            self._others.append(frame(Ends(self._ends)))
            self._ends = []
        if self._others and not self._writer.is_closing():
            self._writer.write(b"".join(self._others))
        self._others = []

    def _later(self) -> None:
        if not self._soon:
            self._soon = True
            self._loop.call_soon(self.flush)


class Serving:
    """What this process does for the first one."""

    def __init__(self, orders: Orders, client: Client, reader: asyncio.StreamReader, said: Saying) -> None:
        self._reader = reader
        self._said = said
        self._asked_for = 0
        """Requests that there was room for and that did not come yet."""
        self._error: BaseException | None = None
        bodies = Bodies(orders.model, orders.salt, orders.block_tokens, orders.token_ids)
        hooks = Hooks(said.ended, self._ask, self._idle, self._failed)
        self._sending: OpenLoop | ClosedLoop
        if orders.pace.closed:
            sending = ClosedLoop(client, bodies, orders.pace, orders.zero_ns, hooks, 0, self._freed)
            sending.start()
            self._sending = sending
        else:
            self._sending = OpenLoop(client, bodies, orders.pace, orders.zero_ns, hooks)

    async def serve(self) -> None:
        """Until the other side closes. Raises what failed here."""
        callbacks_fail_to(self._failed)
        reports = asyncio.ensure_future(self._report())
        self._ask()
        try:
            while (text := await unframed(self._reader)) is not None:
                self._hear(TOLD.decode(text))
        finally:
            reports.cancel()
            await self._sending.close()
        if self._error is not None:
            raise self._error

    def _hear(self, told: Told) -> None:
        sending = self._sending
        if isinstance(told, Take):
            self._asked_for -= len(told.items)
            for item in told.items:
                sending.take(item)
            self._ask()
        elif isinstance(told, Slots):
            assert isinstance(sending, ClosedLoop)
            sending.want(told.slots)
        elif isinstance(told, Finish):
            sending.finish()
        elif isinstance(told, Stop):
            sending.stop()
        else:
            sending.cancel()

    def _ask(self) -> None:
        more = self._sending.room() - self._asked_for
        if more >= ASK_FOR:
            self._asked_for += more
            self._said.say(Room(more))

    def _freed(self, held: int) -> None:
        self._said.say(Slots(held))

    def _idle(self) -> None:
        self._say_state()
        self._said.say(Idle())

    def _failed(self, error: BaseException) -> None:
        self._error = self._error or error
        self._reader.feed_eof()

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            self._say_state()

    def _say_state(self) -> None:
        sending = self._sending
        pulse = sending.punctual.take()
        self._said.say(State(sending.sent, sending.in_flight, sending.overdue(), sending.chains.forgotten, pulse))


def _where(error: BaseException) -> str:
    """What failed and in which line of the program; no text of the error, which may repeat data or a key."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
