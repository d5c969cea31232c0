"""A plan's months in one kind of numbers: where lines are evaluated, and every option priced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from tco.analysis.timeline import Era, Timeline
from tco.draws import Draws
from tco.lineitem import Numbers
from tco.options.base import Context
from tco.quantity import Array, At, Number, Pool, Quantity, at
from tco.trends import rows

PIECE = 1024
"""How many draws are worked through at a time: what they need at once stays in a core's own cache."""


class Months:
    """A plan's months in one kind of numbers: the points to evaluate at, and every option priced in each era."""

    def __init__(self, timeline: Timeline, eras: Sequence[Era], inner: Numbers) -> None:
        self.timeline, self.eras, self.inner, self.exact = timeline, eras, inner, inner.exact
        self.volumes = timeline.volumes(inner)
        self.numbers = [timeline.over_time(inner, era.months) for era in eras]
        self.priced = [era.case.price(n) for era, n in zip(eras, self.numbers, strict=True)]
        self.begin()

    def begin(self) -> None:
        """Begin with another option: what other months had a say in is forgotten."""
        self._held: list[list[tuple[Quantity, Array]]] = [[] for _ in self.eras]
        self.points: list[At] = [At(whole.volume, whole.decide) for whole in self._whole]

    @cached_property
    def _whole(self) -> list[At]:
        """The points of each era before anything is known of them."""
        return [at(self.within(self.volumes, era)) for era in self.eras]

    @cached_property
    def _some(self) -> list[list[tuple[slice, At]]]:
        """The same, some draws at a time."""
        every = [slice(first, min(first + PIECE, self._count)) for first in range(0, self._count, PIECE)]
        return [
            [(draws, At(_some(whole.volume, draws), _some(whole.decide, draws), draws)) for draws in every]
            for whole in self._whole
        ]

    def hold(self, era: int, q: Quantity, values: Array) -> None:
        """Take these values, of all months, for a quantity of an era, whatever it would be."""
        own = self.within(values, self.eras[era])
        self.points[era].hold(q, own)
        self._held[era].append((q, own))

    def series(self, of: Mapping[int, Quantity | Callable[[At], Array]]) -> Array:
        """What eras come to at their points, nothing in others, as columns: (month + 1,), or (month + 1, draw) with
        draws worked through piece by piece. Nothing stands before the first month."""
        out: Array = rows([self.inner(0)] * (len(self) + 1), self.exact)
        for i, q in of.items():
            columns = _run([month + 1 for month in self.eras[i].months])
            for draws, point in self._pieces(i, q if isinstance(q, Quantity) else None):
                found = q.value(point) if isinstance(q, Quantity) else q(point)
                if self.exact or (found.shape[-1] == 1 and draws.start == 0):
                    out[columns] = found  # the same in every draw
                    break
                if out.shape[-1] == 1:
                    narrow, out = out, np.empty((len(out), self._count))
                    blank = slice(1) if len(self.eras) == 1 else slice(None)
                    out[blank] = narrow[blank]
                out[columns, draws] = found
        return out

    @property
    def _count(self) -> int:
        return self.inner.count if isinstance(self.inner, Draws) else 1

    def _pieces(self, era: int, q: Quantity | None) -> Iterator[tuple[slice, At]]:
        """The points of an era, some draws at a time. q: what alone is evaluated there; its values last to the next."""
        if self._count <= PIECE:
            yield slice(0, self._count), self.points[era]
            return
        pools: dict[tuple[int, int], Pool] = {}
        for draws, bare in self._some[era]:
            known = [(held, _some(values, draws)) for held, values in self._held[era]]
            pool = None
            if q is not None:
                shape = (len(bare.volume), draws.stop - draws.start)
                pool = pools[shape] if shape in pools else pools.setdefault(shape, Pool(q, shape))
                pool.begin(known)
            point = At(bare.volume, bare.decide, draws, pool)
            for held, values in known:
                point.hold(held, values)
            yield draws, point

    def __len__(self) -> int:
        return len(self.timeline.months)

    def context(self) -> Context:
        """Of the first era: for what does not depend on the month."""
        return self.eras[0].case.context(self.inner)

    def spread(self, values: Sequence[Number]) -> Array:
        """Values of each era, of its months or one for all of them, as those of all months."""
        found: list[Number] = [None] * len(self)
        for era, value in zip(self.eras, values, strict=True):
            whole = isinstance(value, np.ndarray) and len(value) == len(era.months)
            by_month = whole and (self.exact or value.ndim == 2)
            for i, month in enumerate(era.months):
                found[month] = value[i] if by_month else value
        return rows(found, self.exact)

    def within(self, values: Array, era: Era) -> Array:
        """The months of an era."""
        return np.asarray(values[list(era.months)])

    def columns(self, values: Array) -> Array:
        """Months as columns: nothing is paid before the first one."""
        return np.concatenate([values[:1] * 0, values])


def _some(values: Array, draws: slice) -> Array:
    """Of some draws; what is the same in all of them as it is."""
    return values if values.shape[-1] == 1 else np.ascontiguousarray(values[:, draws])


def _run(columns: list[int]) -> slice | list[int]:
    """Columns one after another as a slice."""
    first, last = columns[0], columns[-1]
    return slice(first, last + 1) if last - first + 1 == len(columns) else columns
