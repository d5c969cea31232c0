"""Records of an option over the months of a plan: what each of its lines costs a month, and what is paid when.

What a month's cost holds and what is paid in it differ: hardware is paid when it is bought and costs as it is written
off, a yearly commitment is settled at the year's end, a migration is paid when it comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from tco.lineitem import Figure
from tco.quantity import Array


class Key(NamedTuple):
    """What tells the lines of an option apart."""

    part: str
    """The leaf a hybrid's line belongs to; "" for the option's own."""
    category: str
    label: str
    capital: bool = False
    """Whether it is what is paid for hardware, or got for it."""


class Line(NamedTuple):
    """A line over time, (month,) of `Fraction` or (month, draw)."""

    key: Key
    cost: Array | None
    """What a month costs, as a comparison has it; None for what is in no month's cost."""
    paid: Array | None
    """What is paid at each column, column 0 before the first month; None for what is never paid."""
    inputs: tuple[Figure, ...]
    settled: bool = False
    """Whether it is what the months of a year bear, paid together at the year's end."""


class Course(NamedTuple):
    """An option over time."""

    name: str
    volumes: Array
    """Mean tokens a day of each month."""
    lines: tuple[Line, ...]
    over: tuple[tuple[str, Array], ...]
    """Reasons why it cannot serve, each with the months in which it holds: booleans (month,) or (month, draw)."""
    replicas: Array | None
    """In the busiest hour of each month; None where there is no fleet."""
    gpus: Array | None
    posts: Array | None
    """Full-time posts that are paid for."""

    @property
    def cost(self) -> Array:
        """The cost of each month."""
        return added([self.volumes * 0, *(line.cost for line in self.lines)])

    @property
    def paid(self) -> Array:
        """What is paid at each column."""
        nothing = self.volumes * 0
        return added([np.concatenate([nothing[:1], nothing]), *(line.paid for line in self.lines)])

    @property
    def able(self) -> Array:
        """The months in which it can serve."""
        able = (
            np.ones(len(self.volumes), dtype=bool) if self.volumes.ndim == 1 else np.ones_like(self.volumes, dtype=bool)
        )
        for _, months in self.over:
            able = able & ~months
        return able


def added(arrays: Iterable[Array | None]) -> Array:
    """The sum of those that are there."""
    found = [a for a in arrays if a is not None]
    result = found[0] if len(found) == 1 else found[0] + found[1]
    for a in found[2:]:  # what two sum to is nobody else's: the others are added in place
        if isinstance(result, np.ndarray) and np.broadcast_shapes(result.shape, np.shape(a)) == result.shape:
            np.add(result, a, out=result)
        else:
            result = result + a
    return np.asarray(result)
