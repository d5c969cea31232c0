"""All draws of a quantity at many volumes: the whole array, or only its percentiles.

Worked off in blocks of a few volumes with all their draws: a block stays in the processor's cache, and what reduces
over draws needs nothing but its block.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from tco.quantity import Array, Pool, Quantity

BLOCK = 50_000
"""Numbers in a block, about: 400 kB an array, and few arrays are in use at a time."""


def sweep(q: Quantity, volumes: Sequence[float] | Array, draws: int, *, out: Array | None = None) -> Array:
    """The quantity at each volume (tokens per day) in every draw: (volume, draw), written to `out` if given.

    Its coefficients have shape (draw,) or (1,); steps and tiers include their upper end, as in `quantity.at`.
    """
    v = np.asarray(volumes, dtype=np.float64)
    if out is None:
        out = np.empty((len(v), draws))
    elif out.shape != (len(v), draws):
        raise ValueError(f"the output has shape {out.shape}, not {(len(v), draws)}")
    for i, block, _ in _blocks(q, v, draws, out):
        target = out[i : i + len(block)]
        if block.__array_interface__["data"] != target.__array_interface__["data"]:
            target[:] = block
    return out


def percentiles(
    q: Quantity, volumes: Sequence[float] | Array, draws: int, shares: Sequence[float] = (0.1, 0.9)
) -> Array:
    """What a share of the draws does not exceed, at each volume: (share, volume).

    Always a value that some draw has (`np.percentile(..., method="inverted_cdf")`). Nothing but the result is kept.
    """
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError(f"shares lie between 0 and 1: {', '.join(f'{share:g}' for share in shares)}")
    v = np.asarray(volumes, dtype=np.float64)
    place = [max(math.ceil(draws * share) - 1, 0) for share in shares]
    out = np.empty((len(shares), len(v)))
    for i, block, pool in _blocks(q, v, draws):
        rows = slice(i, i + len(block))
        if block.shape[1] == 1:  # the same in every draw
            out[:, rows] = block[:, 0]
            continue
        if id(block) not in pool.left:  # not an array that may be reordered
            own = pool.take()
            own[:] = block
            block = own  # noqa: PLW2901
        below = 0
        for nth in sorted(set(place)):
            # one rank at a time, each among what lies above the one before: several at once take five times as long
            block[:, below:].partition(nth - below, axis=-1)
            below = nth + 1
        for share, nth in enumerate(place):
            out[share, rows] = block[:, nth]
    return out


def _blocks(q: Quantity, volumes: Array, draws: int, out: Array | None = None) -> Iterator[tuple[int, Array, Pool]]:
    """Where each block begins, its values (volume, draw) or (volume, 1), and the pool they may belong to.

    out: the values may, or may not, lie in it already.
    """
    if not np.all(volumes > 0):
        raise ValueError("volumes are more than 0 tokens a day")
    height = max(1, BLOCK // draws)
    pool = None
    for i in range(0, len(volumes), height):
        some = volumes[i : i + height]
        if pool is None or pool.shape[0] != len(some):
            pool = Pool(q, (len(some), draws))
        value = q.value(pool.at(some, None if out is None else out[i : i + height]))
        if value.shape[1] not in (1, draws):
            raise ValueError(f"the quantity has {value.shape[1]} draws, not {draws}")
        yield i, value, pool
