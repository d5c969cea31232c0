"""What a prefix cache without bounds would serve: every block after the first time that it follows what it follows."""

from __future__ import annotations

import numpy as np

from tco.traffic.batch import Batch, Ints
from tco.traffic.distinct import Distinct, Keys

_U = np.uint64
_ID, _PLACE, _LENGTH = _U(0x9E3779B97F4A7C15), _U(0xC2B2AE3D27D4EB4F), _U(0xD6E8FEB86659FD93)
_FACTOR = _U(0xBF58476D1CE4E5B9)


class Prefixes:
    """Counts the tokens of prompts' blocks, and of the blocks that are new: each is missed once, then always hit.

    A block is known by its id and all that stand before it; one that is not full also by its length.
    """

    def __init__(self, block_tokens: int) -> None:
        self._block = block_tokens
        self._whole, self._parts = Distinct(), Distinct(weighed=True)
        self._tokens = 0
        self.blocks = 0

    def add(self, batch: Batch) -> None:
        """The prompts of a batch."""
        if batch.blocks is None or batch.ends is None or not len(batch.blocks):
            return
        counts = np.diff(batch.ends, prepend=0)
        found = keys(batch.blocks, batch.ends - counts, counts)
        short = (counts > 0) & (counts * self._block > batch.input_tokens)
        last = batch.ends[short] - 1
        lengths = batch.input_tokens[short] - (counts[short] - 1) * self._block
        self._parts.add(found[last] + lengths.astype(_U) * _LENGTH, lengths)
        self._whole.add(np.delete(found, last))
        self._tokens += (len(found) - len(last)) * self._block + int(lengths.sum())
        self.blocks += len(found)

    def served(self) -> int:
        """Tokens that the cache would have served; ends the counting."""
        return self._tokens - self._whole.found().distinct * self._block - self._parts.found().weight


def keys(blocks: Ints, starts: Ints, counts: Ints) -> Keys:
    """A word for each block that stands for it and all before it in its prompt.

    `starts` and `counts` say where each prompt's blocks lie. The word is the sum along the prompt, modulo 2^64, of a
    mixture of id and place, by multiplications with odd numbers and shifts.
    """
    place = np.arange(len(blocks), dtype=np.uint64)
    place -= np.repeat(starts.view(np.uint64), counts)
    words = blocks.view(np.uint64) * _ID
    words += np.multiply(place, _PLACE, out=place)
    words ^= np.right_shift(words, _U(32), out=place)
    words *= _FACTOR
    words ^= np.right_shift(words, _U(29), out=place)
    sums = np.cumsum(words, dtype=np.uint64)
    before = np.zeros(len(counts), np.uint64)
    filled = starts > 0
    before[filled] = sums[starts[filled] - 1]
    sums -= np.repeat(before, counts)
    return sums
