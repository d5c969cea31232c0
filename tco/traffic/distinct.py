"""How many different things there are, in constant memory: keys are sorted, laid aside, and merged by range.

A key is 64 bits of a hash, and nothing is estimated: of ten million keys the chance that any two are the same by
accident is one in 400,000, and the count would then be one too low.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from hashlib import blake2b
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Weights = NDArray[np.int64]
HELD = 1 << 20
"""Keys that are held before they are laid aside: 8 MiB, and as much for weights."""
RANGES = 256
"""Parts of all keys that are merged one at a time."""
WORD = 8
_EDGES = (np.arange(RANGES, dtype=np.uint64) << np.uint64(56)).astype(np.uint64)


class Found(NamedTuple):
    """What was counted."""

    distinct: int
    weight: int
    """The weights of the different keys, added up."""
    times: dict[int, int]
    """How many keys came so many times; empty where that was not asked for."""


class Distinct:
    """Counts different keys. `counted`: also how often each came. `weighed`: keys have weights, equal ones equal."""

    def __init__(self, *, counted: bool = False, weighed: bool = False, held: int = HELD) -> None:
        self._counted, self._weighed, self._most = counted, weighed, held
        self._keys: list[Keys] = []
        self._weights: list[Weights] = []
        self._size = 0
        self._aside: IO[bytes] | None = None
        self._runs: list[tuple[int, list[int]]] = []
        """Of each run where it lies in the file, and how many keys are before each range and in all."""

    def add(self, keys: Keys, weights: Weights | None = None) -> None:
        """Keys, and the weight of each."""
        if len(keys):
            self._keys.append(keys)
            if weights is not None:
                self._weights.append(weights)
            self._size += len(keys)
            if self._size >= self._most:
                self._lay_aside()

    def texts(self, names: list[str]) -> None:
        """Texts as keys."""
        digests = b"".join([blake2b(n.encode("utf-8", "surrogatepass"), digest_size=WORD).digest() for n in names])
        self.add(np.frombuffer(digests, np.uint64))

    def found(self) -> Found:
        """The count; ends the counting. Raises OSError where the disk fails."""
        distinct, weight, times = 0, 0, dict[int, int]()
        for keys, weights in self._ranges():
            starts = np.flatnonzero(_new(keys))
            distinct += len(starts)
            if weights is not None:
                weight += int(weights[starts].sum())
            if self._counted:
                sizes, counts = np.unique(np.diff(starts, append=len(keys)), return_counts=True)
                for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
                    times[size] = times.get(size, 0) + count
        if self._aside is not None:
            self._aside.close()
        return Found(distinct, weight, times)

    def _together(self) -> tuple[Keys, Weights | None]:
        """All that is held, sorted; what came twice is there once, unless that is to be counted."""
        keys, weights = _sorted(np.concatenate(self._keys), np.concatenate(self._weights) if self._weighed else None)
        self._keys, self._weights, self._size = [], [], 0
        if not self._counted:
            new = _new(keys)
            keys, weights = keys[new], None if weights is None else weights[new]
        return keys, weights

    def _lay_aside(self) -> None:
        if self._aside is None:
            self._aside = tempfile.TemporaryFile(prefix="tco-trace-")  # noqa: SIM115  (until all is counted)
        keys, weights = self._together()
        start = self._aside.seek(0, 2)
        self._aside.write(keys.tobytes())
        if weights is not None:
            self._aside.write(weights.tobytes())
        self._runs.append((start, [*np.searchsorted(keys, _EDGES).tolist(), len(keys)]))

    def _ranges(self) -> Iterator[tuple[Keys, Weights | None]]:
        if self._aside is None:
            if self._keys:
                yield self._together()
            return
        if self._keys:
            self._lay_aside()
        for i in range(RANGES):
            keys = np.concatenate([self._words(start, edges[i], edges[i + 1]) for start, edges in self._runs])
            weights = None
            if self._weighed:
                parts = [self._words(s + WORD * e[-1], e[i], e[i + 1]).view(np.int64) for s, e in self._runs]
                weights = np.concatenate(parts)
            yield _sorted(keys, weights)

    def _words(self, start: int, first: int, end: int) -> Keys:
        assert self._aside is not None
        self._aside.seek(start + WORD * first)
        return np.frombuffer(self._aside.read(WORD * (end - first)), np.uint64)


def _sorted(keys: Keys, weights: Weights | None) -> tuple[Keys, Weights | None]:
    if weights is None:
        return np.sort(keys), None
    order = np.argsort(keys)
    return keys[order], weights[order]


def _new(keys: Keys) -> NDArray[np.bool_]:
    """Of sorted keys, which are other ones than those before them."""
    new = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=new[1:])
    return new
