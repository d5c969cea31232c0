"""What became of the rows of a log: kept + dropped, each with its reason, is read."""

from __future__ import annotations

from typing import NamedTuple

SHOWN = 5
"""Dropped rows that are shown with their place."""
MOST_REASONS = 100


class Dropped(NamedTuple):
    """A row that was left out, and where."""

    line: int
    col: int
    reason: str


class Tally:
    """Rows of one pass. `read` is what was kept and what was dropped."""

    __slots__ = ("dropped", "first", "kept", "unordered")

    def __init__(self) -> None:
        self.kept = 0
        self.dropped: dict[str, int] = {}
        """Rows by why they were left out."""
        self.first: list[Dropped] = []
        """The first few of them."""
        self.unordered = 0
        """Kept rows that stand behind a later one: they were put in order."""

    @property
    def read(self) -> int:
        """Rows that are not blank, and no header."""
        return self.kept + sum(self.dropped.values())

    def drop(self, reason: str, line: int = 0, col: int = 0, rows: int = 1) -> None:
        """Leave rows out."""
        if reason not in self.dropped and len(self.dropped) >= MOST_REASONS:
            reason = "for other reasons"
        self.dropped[reason] = self.dropped.get(reason, 0) + rows
        if len(self.first) < SHOWN:
            self.first.append(Dropped(line, col, reason))

    def __repr__(self) -> str:
        return f"Tally(read={self.read}, kept={self.kept}, dropped={self.dropped}, unordered={self.unordered})"
