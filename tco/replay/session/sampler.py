"""Looks at server and GPUs every second of a run, and writes what it sees into the journal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tco.replay.http import server

if TYPE_CHECKING:
    from tco.replay.http.client import Client
    from tco.replay.load.run import Beside
    from tco.replay.load.watch import Watch
    from tco.replay.session.power import Gpus

EVERY_S = 1.0
ANSWER_S = 5.0
"""A page of metrics that takes longer is given up: the server has other things to do."""
GAUGES = ("running", "waiting", "kv_usage")

Note = Callable[[str, dict[str, Any]], None]


def load(note: Note, watch: Watch, model: str) -> Beside:
    """Notes `load`: the gauges of the server, with `at_s` on the clock of the run."""

    async def look(client: Client) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                found = await asyncio.wait_for(server.metrics(client, model), ANSWER_S)
            except TimeoutError:
                continue
            if found is not None:
                gauges = {name: value for name, value in found.known().items() if name in GAUGES}
                note("load", {"at_s": _at(watch), **gauges})

    return look


def power(note: Note, watch: Watch, gpus: Gpus) -> Beside:
    """Notes `power`: watts and utilisation of each GPU. The driver is asked in a thread: it may take its time."""

    async def look(client: Client) -> None:  # noqa: ARG001
        while True:
            await asyncio.sleep(EVERY_S)
            reading = await asyncio.to_thread(gpus.read_or_none)
            if reading is not None:
                note("power", {"at_s": _at(watch), **reading._asdict()})

    return look


def _at(watch: Watch) -> float:
    return round(time.monotonic() - (watch.zero or 0.0), 3)
