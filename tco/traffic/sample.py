"""Parts of a trace: a stretch of time, the busiest one, a share of its sessions, its first rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from hashlib import blake2b

import numpy as np

from tco.traffic.batch import Batch, Ints

_WHOLE = 1 << 64


def between(batches: Iterable[Batch], start: int | None, end: int | None) -> Iterator[Batch]:
    """Requests from `start` on and before `end`, nanoseconds; None is without bound. Batches are in time order."""
    for batch in batches:
        assert batch.at is not None
        low = 0 if start is None else int(np.searchsorted(batch.at, start))
        high = batch.rows if end is None else int(np.searchsorted(batch.at, end))
        if low < high:
            yield batch.take(np.arange(low, high))
        if high < batch.rows:
            return


def busiest(batches: Iterable[Batch], length: int) -> int:
    """Where the stretch of so many nanoseconds begins that has the most requests: the first of them, at a request."""
    waiting: Ints = np.zeros(0, np.int64)
    best, where = 0, 0
    for batch in batches:
        assert batch.at is not None
        waiting = np.concatenate((waiting, batch.at))
        done = int(np.searchsorted(waiting, waiting[-1] - length, side="right"))
        best, where = _busier(waiting, done, length, best, where)
        waiting = waiting[done:]
    return _busier(waiting, len(waiting), length, best, where)[1]


def _busier(at: Ints, starts: int, length: int, best: int, where: int) -> tuple[int, int]:
    """The best of what was found and the stretches that begin at the first `starts` of these times."""
    if not starts:
        return best, where
    counts = np.searchsorted(at, at[:starts] + length) - np.arange(starts)
    most = int(counts.argmax())
    return (int(counts[most]), int(at[most])) if counts[most] > best else (best, where)


def share_of_sessions(batches: Iterable[Batch], share: Fraction, seed: int) -> Iterator[Batch]:
    """About so large a share of the sessions, each whole, drawn by seed; a request without one stands for itself."""
    limit = share * _WHOLE
    key = seed.to_bytes(16, "big")
    number = 0
    for batch in batches:
        names = batch.session or [None] * batch.rows
        drawn = [f"r{number + i}" if name is None else f"s{name}" for i, name in enumerate(names)]
        number += batch.rows
        kept = np.array([_drawn(name, key) < limit for name in drawn], np.bool_)
        if kept.any():
            yield batch.take(kept)


def _drawn(name: str, key: bytes) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest(), "big")


def first(batches: Iterable[Batch], rows: int) -> Iterator[Batch]:
    """The first so many requests."""
    for batch in batches:
        if batch.rows >= rows:
            yield batch.take(np.arange(rows))
            return
        rows -= batch.rows
        yield batch


def from_zero(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Batches whose times count from the first request."""
    zero = None
    for batch in batches:
        if batch.at is None:
            yield batch
        elif batch.rows:
            zero = batch.at[0] if zero is None else zero
            yield batch._replace(at=batch.at - zero)
