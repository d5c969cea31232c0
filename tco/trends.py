"""Numbers over time: what a figure is in each month of a plan, in any other kind of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from tco.lineitem import Figure, Numbers, Trend
from tco.quantity import Array, Number


class OverTime:
    """The numbers of `inner`, months beside them: what moves over time has shape (month,) in exact numbers and
    (month, draw) in others; what does not is as `inner` has it.

    factor: what a trend multiplies by in each month, in those shapes; None where it changes nothing.
    """

    def __init__(self, inner: Numbers, factor: Callable[[Trend], Array | None]) -> None:
        self.inner, self.factor = inner, factor
        self.exact = inner.exact

    def __call__(self, figure: Figure | Fraction | int) -> Number:
        value = self.inner(figure)
        if isinstance(figure, Figure):
            for part, power in figure.of or ((figure, 1),):
                factor = None if part.trend is None else self.factor(part.trend)
                if factor is not None:
                    value = value * factor**power
        return value


def grown(base: Number, exponents: list[Fraction], exact: bool) -> Array:
    """A factor to the power of each exponent: (month,) of `Fraction`, or (month, draw).

    Whole powers of rationals are exact. A twelfth root is no rational number: in its place stands the nearest float, as
    a `Fraction`, so that all that follows is exact again.
    """
    if not exact:
        powers = np.array([float(e) for e in exponents])[:, np.newaxis]
        return np.asarray(np.asarray(base, dtype=np.float64) ** powers)
    values = [Fraction(base) ** int(e) if e.denominator == 1 else Fraction(float(base) ** float(e)) for e in exponents]
    return rows(values, exact)


def rows(values: Sequence[Number], exact: bool) -> Array:
    """One row a month of `Fraction`s, (month,), or of arrays, (month, draw)."""
    if exact:
        out = np.empty(len(values), dtype=object)
        out[:] = values
        return out
    return np.stack(np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in values)))
