"""Numbers of the oracle: a value at a volume, how fast it rises there, and how far to where a decision changes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

F = Fraction
ZERO = F(0)

_SEEN: list[list[Fraction]] = []


@contextmanager
def decisions() -> Iterator[list[Fraction]]:
    """How far above V each rounding and each comparison made inside would turn out otherwise."""
    seen: list[Fraction] = []
    _SEEN.append(seen)
    try:
        yield seen
    finally:
        _SEEN.remove(seen)


def _decided(far: Fraction) -> None:
    if _SEEN and far > 0:
        _SEEN[-1].append(far)


@dataclass(frozen=True)
class Near:
    """A number at V, and its rise for each token a day above V."""

    value: Fraction
    rise: Fraction = ZERO

    def __add__(self, other: Near | Fraction | int) -> Near:
        o = near(other)
        return Near(self.value + o.value, self.rise + o.rise)

    __radd__ = __add__

    def __sub__(self, other: Near | Fraction | int) -> Near:
        o = near(other)
        return Near(self.value - o.value, self.rise - o.rise)

    def __rsub__(self, other: Fraction | int) -> Near:
        return near(other) - self

    def __mul__(self, other: Near | Fraction | int) -> Near:
        o = near(other)
        return Near(self.value * o.value, self.rise * o.value + self.value * o.rise)

    __rmul__ = __mul__

    def __truediv__(self, other: Near | Fraction | int) -> Near:
        o = near(other)
        return Near(self.value / o.value, (self.rise * o.value - self.value * o.rise) / o.value**2)

    def __gt__(self, other: Near | Fraction | int) -> bool:
        o = near(other)
        if self.rise != o.rise:
            _decided((o.value - self.value) / (self.rise - o.rise))
        return (self.value, self.rise) > (o.value, o.rise)

    def ceil(self) -> int:
        """The next whole number, itself when it is whole and does not rise."""
        up = math.floor(self.value) + 1 if self.rise > 0 else math.ceil(self.value)
        if self.rise:
            _decided(((up if self.rise > 0 else up - 1) - self.value) / self.rise)
        return up


def near(x: Near | Fraction | int) -> Near:
    return x if isinstance(x, Near) else Near(F(x))


def least(a: Near | Fraction | int, b: Near | Fraction | int) -> Near:
    return near(b) if near(a) > b else near(a)


def most(a: Near | Fraction | int, b: Near | Fraction | int) -> Near:
    return near(a) if near(a) > b else near(b)


def total(values: Iterable[Near]) -> Near:
    return sum(values, Near(ZERO))
