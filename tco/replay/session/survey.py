"""A look through what is to be replayed, before it is: which rows, at which rate, and what a cache could save."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from tco.replay.record.header import Part
from tco.traffic.request import Request

FIRST = 8
"""Requests that are kept as an example of their kind."""

Rows = Iterable[tuple[int, Request]]


class Survey(NamedTuple):
    """What is sent of a trace."""

    rows: int
    """Of one run."""
    parts: tuple[Part, ...]
    """By the seeds in their order; one where every run has the same rows."""
    used: int
    """Rows in any of them."""
    beyond: int
    """Rows in none."""
    sessions: bool
    """Some requests wait for others."""
    real_prompts: bool
    first: tuple[Request, ...]
    tied: int = 0
    """Of one part, the one with the most: requests due at the moment of the one before."""


def survey(read: Callable[[], Rows], block_tokens: int | None, limit: int | None, seeds: int) -> Survey:
    """One or two passes over what may be sent; memory grows with the distinct blocks of a part alone.

    limit: rows of a run; None for all. Where the trace has more, each seed has a part of its own: the first begins it,
    the last ends it, the others lie evenly between. They overlap where they must.
    """
    total = None if limit is None else sum(1 for _ in read())
    starts = [0] if total is None or limit is None else _starts(total, limit, seeds)
    looks = [_Look(start, limit, block_tokens) for start in starts]
    first: list[Request] = []
    sessions = prompts = False
    used = rows = 0
    for index, request in read():
        wanted = False
        for look in looks:
            wanted = look.take(rows, index, request) or wanted
        if wanted:
            used += 1
            sessions = sessions or request.after is not None
            prompts = prompts or request.prompt is not None
            if len(first) < FIRST:
                first.append(request)
        rows += 1
    return Survey(
        min(rows, rows if limit is None else limit),
        tuple(look.part() for look in looks),
        used,
        rows - used,
        sessions,
        prompts,
        tuple(first),
        max(look.tied for look in looks),
    )


def _starts(total: int, limit: int, seeds: int) -> list[int]:
    """The first row of each part; one for all where there is no more than one part's worth."""
    spare = total - limit
    if spare <= 0 or seeds == 1:
        return [0]
    return [round(spare * i / (seeds - 1)) for i in range(seeds)]


class _Look:
    """One part, as it is read."""

    def __init__(self, start: int, limit: int | None, block_tokens: int | None) -> None:
        self._start, self._end, self._block_tokens = start, None if limit is None else start + limit, block_tokens
        self._index = 0
        self._times: tuple[float, float] | None = None
        self._tokens = self._hits = 0
        self._rows = self._recorded = 0
        self._all_recorded = True
        self.tied = 0
        self._seen: set[int] = set()

    def take(self, row: int, index: int, request: Request) -> bool:
        """Whether the part has this row."""
        if row < self._start or (self._end is not None and row >= self._end):
            return False
        if row == self._start:
            self._index = index
        if request.at is not None:
            self.tied += self._times is not None and self._times[1] == request.at
            self._times = (request.at if self._times is None else self._times[0], request.at)
        self._rows += 1
        self._recorded += request.input_tokens or 0
        self._all_recorded = self._all_recorded and request.input_tokens is not None
        if self._block_tokens and request.input_tokens:
            self._tokens += request.input_tokens
            self._hits += _hit(request.blocks, request.input_tokens, self._block_tokens, self._seen)
        return True

    def part(self) -> Part:
        """What it came to."""
        span = None if self._times is None else self._times[1] - self._times[0]
        return Part(
            self._index,
            span,
            self._hits / self._tokens if self._tokens and self._seen else None,
            self._recorded / self._rows if self._rows and self._all_recorded else None,
        )


def _hit(blocks: Sequence[int], tokens: int, block_tokens: int, seen: set[int]) -> int:
    """Tokens at the front that came, in the same order, at the front of an earlier request: what a prefix cache without
    limits would have. What is new is added to `seen`."""
    found, known = 0, True
    for chain in _chains(blocks):
        known = known and chain in seen
        found += known
        seen.add(chain)
    return min(found * block_tokens, tokens)


def _chains(blocks: Sequence[int]) -> Iterator[int]:
    """A number for each block that stands for all before it as well."""
    chain = 0
    for block in blocks:
        chain = hash((chain, block))
        yield chain
