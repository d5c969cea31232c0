"""Block ids of many rows, as one column and where each row ends in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from tco.traffic.batch import Ints
from tco.traffic.columns import Check

_LOW, _HIGH = -(1 << 63), (1 << 63) - 1


def block_columns(
    found: Sequence[Sequence[int]], tokens: Ints, block: int, check: Check, names: tuple[str, str]
) -> tuple[Ints, Ints]:
    """Ids and ends. Dropped are rows with ids of more than 64 bits, and with more blocks than their input has.

    `tokens` are the input's, `block` the tokens of one; `names` what the log calls the ids and the input.
    """
    lengths = np.fromiter(map(len, found), np.int64, len(found))
    try:
        blocks = np.fromiter(chain.from_iterable(found), np.int64, int(lengths.sum()))
    except OverflowError:
        wide = [any(not _LOW <= b <= _HIGH for b in ids) for ids in found]
        check.drop(np.array(wide), f"`{names[0]}` of more than 64 bits")
        found = [[] if bad else ids for bad, ids in zip(wide, found, strict=True)]
        lengths = np.fromiter(map(len, found), np.int64, len(found))
        blocks = np.fromiter(chain.from_iterable(found), np.int64, int(lengths.sum()))
    check.drop(lengths * block >= np.maximum(tokens, 0) + block, f"more `{names[0]}` than `{names[1]}` has blocks")
    return blocks, np.cumsum(lengths)
