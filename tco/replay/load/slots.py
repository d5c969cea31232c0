"""The slots of a closed loop over several client processes: together never more than there are."""

from __future__ import annotations

from collections.abc import Callable


class Slots:
    """Who holds how many of `total` slots. What a process is to give up is passed on once it is free there."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._tell: list[Callable[[int], None]] = []
        self._wanted: list[int] = []
        self._held: list[int] = []
        self._told: list[int] = []

    def join(self, tell: Callable[[int], None], held: int = 0) -> int:
        """A further process, told how many it may have by `tell`. Returns its number."""
        self._tell.append(tell)
        self._wanted.append(held)
        self._held.append(held)
        self._told.append(held)
        return len(self._held) - 1

    def share(self, weights: list[float]) -> None:
        """Share them out anew, by weight: at least one for each that has a weight, where there are so many."""
        whole = sum(weights)
        some = [w > 0 for w in weights]
        least = some if sum(some) <= self._total else [False] * len(weights)
        rest = self._total - sum(least)
        bounds = [round(rest * sum(weights[: i + 1]) / whole) for i in range(len(weights))]
        self._wanted = [one + b - a for one, a, b in zip(least, [0, *bounds], bounds, strict=False)]
        for number in range(len(self._tell)):
            self._say(number)
        self._grant()

    def freed(self, number: int, held: int) -> None:
        """A process that is to have fewer says how many it still holds."""
        held = max(held, self._wanted[number])
        if held < self._held[number]:
            self._held[number] = held
            self._grant()

    def _grant(self) -> None:
        free = self._total - sum(self._held)
        for number in range(len(self._tell)):
            more = min(free, self._wanted[number] - self._held[number])
            if more > 0:
                self._held[number] += more
                free -= more
                self._say(number)

    def _say(self, number: int) -> None:
        """Where it differs from what the process was told last: also that it may keep what it was to give up."""
        slots = min(self._wanted[number], self._held[number])
        if slots != self._told[number]:
            self._told[number] = slots
            self._tell[number](slots)
