"""What a server of one's own draws: as an option states it, as its GPUs were measured, as the catalogue says."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from tco.lineitem import Figure
from tco.options.base import At, Context, Unusable
from tco.options.fleet.capacity import Capacity
from tco.options.fleet.known import measured_watts
from tco.options.fleet.ownership import Power

Sum = tuple[Figure, ...]


class Draw(NamedTuple):
    """What one server draws, W, each a sum of figures; `idle` is None where nothing is known of it."""

    busy: Sum
    idle: Sum | None


def total(figures: Sum) -> Fraction:
    """A sum at its point."""
    return sum((Fraction(f.value) for f in figures), Fraction(0))


class Watts(NamedTuple):
    """Where the draw of one server is known from."""

    at: At
    context: Context
    power: Power | None
    gpus: Figure
    """In one server."""
    gpu: str | None
    """The GPU in the catalogue's words; None where nobody says."""
    known: Callable[[str, str], Figure | None]
    """A figure of the catalogue's entry by its key and unit."""
    whole: Callable[[Figure], Figure]
    """What the catalogue says of its server, of one with so many GPUs."""

    def draw(self, *blamed: str) -> Draw:
        """As stated, else the whole server's or its GPUs' watts of the catalogue."""
        always, idle = self._stated("watts"), self._stated("idle_watts")
        if always is not None:
            return Draw((always,), None)
        busy = self._stated("busy_watts") or self._of_catalogue()
        if busy is None:
            expected = "`watts`, or `idle_watts` and `busy_watts`, under `power`"
            raise Unusable(self.at.fault("nothing says what a server draws", *blamed, expected=expected))
        return self._ordered((busy,), idle)

    def measured(self, capacity: Capacity | None) -> Draw | None:
        """What the GPUs drew when the capacity was measured, with what the catalogue says of the host beside them; None
        where the option states what a busy server draws, or nothing was measured of such GPUs."""
        if self._stated("watts") is not None or self._stated("busy_watts") is not None:
            return None
        watts = None if capacity is None else measured_watts(capacity, self.gpu)
        if watts is None:
            return None
        host = self._host()
        name, notes = self.at.name, self.context.notes
        said = f"{float(watts.busy.value):g} W measured of a busy GPU ({watts.of})"
        if host is None:
            text = f"the {said} are not used: the catalogue does not say what the host draws beside its GPUs"
            notes.assume(name, f"{text} (`busy_watts`)")
            return None
        beside = f"its host {float(total(host)):g} W as the catalogue says" if host else "its host is not in it"
        notes.assume(name, f"a server draws the {said} for each of its GPUs; {beside}")
        busy = (watts.busy.times(self.gpus), *host)
        stated = self._stated("idle_watts")
        if stated is not None or watts.idle is None:
            return self._ordered(busy, stated)
        return Draw(busy, (watts.idle.times(self.gpus), *host))

    def _stated(self, key: str) -> Figure | None:
        value = None if self.power is None else getattr(self.power, key)
        return None if value is None else Figure(key, value, "W", self.at.home("owned", "power", key))

    def _ordered(self, busy: Sum, idle: Figure | None) -> Draw:
        """A draw whose stated idle watts are not above the busy ones."""
        least = sum((getattr(f.value, "least", f.value) for f in busy), Fraction(0))
        if idle is not None and getattr(idle.value, "most", idle.value) > least:
            expected = f"at most the {float(total(busy)):g} W it draws when busy"
            raise Unusable(
                self.at.fault("it draws more idle than busy", "owned", "power", "idle_watts", expected=expected)
            )
        return Draw(busy, None if idle is None else (idle,))

    def _host(self) -> Sum | None:
        """A server at full load less its GPUs at theirs; nothing where nobody says what the server draws, None where
        only the part of its GPUs is not known."""
        system, gpu = self.known("system_watts", "W"), self.known("gpu_watts", "W")
        factor = self.known("system_watts_factor", "of its GPUs' power")
        if system is not None:
            server = self.whole(system)
        elif gpu is not None and factor is not None:
            server = gpu.times(self.gpus, factor)
        else:
            return ()
        if gpu is None or server.value < gpu.value * self.gpus.value:
            return None
        return server, gpu.times(self.gpus, factor=-1)

    def _of_catalogue(self) -> Figure | None:
        system, gpu = self.known("system_watts", "W"), self.known("gpu_watts", "W")
        if system is not None:
            return self.whole(system)
        if gpu is None:
            return None
        factor = self.known("system_watts_factor", "of its GPUs' power")
        if factor is None:
            text = f"a server draws what its GPUs draw, {float(gpu.value):g} W each: its host is not in it"
            self.context.notes.assume(self.at.name, text)
        return gpu.times(self.gpus, *(() if factor is None else (factor,)))
