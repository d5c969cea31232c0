"""Rows in time order, in constant memory: runs sorted and laid aside in one unnamed file, then merged."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import IO

import numpy as np

from tco.traffic.batch import Batch, Ints, joined

RUN = 32 << 20
"""Bytes of the log that are sorted at once."""
SLICE = 256 << 10
"""Bytes of a run that are held while runs are merged."""
ROW = 200
"""Bytes that a row takes at least, beside its texts."""


def in_order(batches: Iterable[Batch], run: int = RUN, part: int = SLICE) -> Iterator[Batch]:
    """All rows by time; those of one stamp as they stood. Nothing comes before all is read.

    The file aside has no name: however the process ends, nothing of it is left. Raises OSError where the disk is full.
    """
    held: list[Batch] = []
    size = 0
    runs: list[list[int]] = []
    with tempfile.TemporaryFile(prefix="tco-trace-") as aside:
        for batch in batches:
            if not batch.rows:
                continue
            held.append(batch)
            size += _size(batch)
            if size >= run:
                runs.append(_lay_aside(held, aside, part))
                held, size = [], 0
        if not runs:
            if held:
                yield from _sliced(_sorted(joined(held)), part)
            return
        if held:
            runs.append(_lay_aside(held, aside, part))
            held.clear()
        yield from _merged([_read(aside, places) for places in runs])


def _size(batch: Batch) -> int:
    return max(batch.size, ROW * batch.rows)


def _sorted(batch: Batch) -> Batch:
    assert batch.at is not None
    return batch.take(np.argsort(batch.at, kind="stable"))


def _sliced(batch: Batch, part: int) -> Iterator[Batch]:
    rows = max(1, batch.rows * part // max(1, _size(batch)))
    for start in range(0, batch.rows, rows):
        yield batch.take(np.arange(start, min(start + rows, batch.rows)))


def _lay_aside(held: list[Batch], aside: IO[bytes], part: int) -> list[int]:
    """Where each slice of the sorted run lies: its start, and the end of the last."""
    places = [aside.seek(0, 2)]
    for piece in _sliced(_sorted(joined(held)), part):
        pickle.dump(piece, aside, pickle.HIGHEST_PROTOCOL)
        places.append(aside.tell())
    return places


def _read(aside: IO[bytes], places: list[int]) -> Iterator[Batch]:
    for start, end in pairwise(places):
        aside.seek(start)
        piece: Batch = pickle.loads(aside.read(end - start))
        yield piece


def _merged(runs: list[Iterator[Batch]]) -> Iterator[Batch]:
    """Runs, each in time order and one after the other as they stood in the log, as one.

    Taken at once is what no run can still come before: up to the earliest last row of the slices at hand, and of the
    runs after that one only what is earlier still, so that rows of one stamp stay as they stood.
    """
    heads = [(head, rest) for rest in runs if (head := next(rest, None)) is not None]
    while heads:
        lasts = [int(_at(head)[-1]) for head, _ in heads]
        limit = min(lasts)
        first = lasts.index(limit)
        taken: list[Batch] = []
        left: list[tuple[Batch, Iterator[Batch]]] = []
        for i, (head, rest) in enumerate(heads):
            count = int(np.searchsorted(_at(head), limit, side="right" if i <= first else "left"))
            if count:
                taken.append(head.take(np.arange(count)))
            if count < head.rows:
                left.append((head.take(np.arange(count, head.rows)) if count else head, rest))
            elif (more := next(rest, None)) is not None:
                left.append((more, rest))
        heads = left
        yield _sorted(joined(taken))


def _at(batch: Batch) -> Ints:
    assert batch.at is not None
    return batch.at
