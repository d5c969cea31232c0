"""Requests of a session that wait for one another."""

from __future__ import annotations

from typing import NamedTuple

from tco.traffic.request import Request

REMEMBERED = 100_000
"""Ends that are kept for those that may yet wait for them."""


class Item(NamedTuple):
    """A request to be sent."""

    row: int
    own: int | None
    """Microseconds since the run's zero at which its own time comes; None in a closed loop."""
    request: Request


class Chains:
    """Who waits for whom. Only what has an id within a session can be waited for."""

    def __init__(self, factor: float) -> None:
        """Think times are divided by `factor`."""
        self._factor = factor
        # By a hash of session and id, and the end with its success in one number: half the memory of the names.
        self._under_way: dict[int, list[Item]] = {}
        self._ended: dict[int, int] = {}
        self.waiting = 0
        self.forgotten = 0
        """Ends that were let go to keep memory small: who would have waited for one of them does not."""

    def knows(self, request: Request) -> bool:
        """What it waits for was taken here."""
        if request.after is None or request.session is None:
            return False
        before = hash((request.session, request.after))
        return before in self._under_way or before in self._ended

    def take(self, item: Item) -> int | None:
        """When it is due: 0 for at once in a closed loop. None where it waits, and `end` will give it."""
        request = item.request
        if request.session is None:
            return item.own or 0
        due: int | None = item.own or 0
        if request.after is not None:
            before = hash((request.session, request.after))
            waiters = self._under_way.get(before)
            if waiters is not None:
                waiters.append(item)
                self.waiting += 1
                due = None
            elif before in self._ended:
                ended = self._ended[before]
                due = self._due(item, ended >> 1, bool(ended & 1))
        if request.id is not None:
            self._under_way.setdefault(hash((request.session, request.id)), [])
        return due

    def after(self, item: Item) -> Item:
        """The item, due at the earliest when what it waits for has ended here with its think time."""
        request = item.request
        if item.own is None or request.session is None or request.after is None:
            return item
        ended = self._ended.get(hash((request.session, request.after)))
        return item if ended is None else item._replace(own=self._due(item, ended >> 1, bool(ended & 1)))

    def end(self, request: Request, end: int, succeeded: bool) -> list[tuple[int, Item]]:
        """It ended at `end`. Those that waited for it, each with when it is due."""
        if request.session is None or request.id is None:
            return []
        me = hash((request.session, request.id))
        waiters = self._under_way.pop(me, [])
        self._ended[me] = end << 1 | succeeded
        if len(self._ended) > REMEMBERED:
            del self._ended[next(iter(self._ended))]
            self.forgotten += 1
        self.waiting -= len(waiters)
        return [(self._due(item, end, succeeded), item) for item in waiters]

    def clear(self) -> None:
        """Nobody waits any more."""
        for waiters in self._under_way.values():
            waiters.clear()
        self.waiting = 0

    def _due(self, item: Item, end: int, succeeded: bool) -> int:
        """The later of its own time and the end before it with the think time; after a failure, without."""
        if item.own is None:  # a closed loop has no time but now
            return 0
        think = item.request.think if succeeded else None
        return max(item.own, end + round((think or 0) / self._factor * 1e6))
