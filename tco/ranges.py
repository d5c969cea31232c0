"""Numbers that nobody knows exactly, and sizes that differ from request to request.

Both are exact fractions to whoever does not ask: a `Range` is its point (mode, midpoint or median), a `Distribution`
its mean. Draws ask a range for its quantiles; a price that depends on the length of a request asks a distribution how
much lies above a threshold. Arithmetic with either gives a plain `Fraction`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from typing import Any

from tco.numerals import UnitError

KEYS = ({"low", "high"}, {"low", "mode", "high"}, {"p10", "p90"})
"""The ways to write a range: uniform, triangular, lognormal."""

Z90 = 1.2815515655446004
"""The standard normal's 90th percentile."""

FAR = 4.7534243088228987
"""And what one number in a million lies beyond: as far as a lognormal number is taken to reach."""


class Range(Fraction):
    """A number between bounds: uniform with the midpoint as its point, triangular with its mode, lognormal with its
    median. `low` and `high` are the bounds, or the 10th and 90th percentile of a lognormal one, which ends at `cap`."""

    __slots__ = ("cap", "high", "low", "shape")
    low: Fraction
    high: Fraction
    shape: str
    cap: Fraction | None

    def __new__(
        cls, shape: str, low: Fraction, point: Fraction, high: Fraction, cap: Fraction | int | None = None
    ) -> Range:
        self: Range = super().__new__(cls, point)
        self.shape, self.low, self.high = shape, low, high
        self.cap = None if cap is None else Fraction(cap)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (Range, (self.shape, self.low, Fraction(self), self.high, self.cap))

    def __copy__(self) -> Range:
        return self

    def __deepcopy__(self, memo: Any) -> Range:
        return self

    def __bool__(self) -> bool:
        """Whether it is ever anything but zero."""
        return bool(self.high)

    @property
    def least(self) -> Fraction:
        """The lowest that it is ever drawn as; of a lognormal one, but once in a million."""
        return Fraction(self) / self._far if self.shape == "lognormal" else self.low

    @property
    def most(self) -> Fraction:
        """The highest that it is ever drawn as; of a lognormal one, but once in a million."""
        if self.shape != "lognormal":
            return self.high
        far = Fraction(self) * self._far
        return far if self.cap is None else min(far, self.cap)

    @property
    def _far(self) -> Fraction:
        return Fraction(float(self.high / self.low) ** (FAR / (2 * Z90)))

    def scaled(self, factor: Fraction) -> Range:
        """The range of this number times a certain positive one."""
        cap = None if self.cap is None else self.cap * factor
        return Range(self.shape, self.low * factor, Fraction(self) * factor, self.high * factor, cap)

    def quantiles(self, u: Any) -> Any:
        """The values below which a share u of the range lies; u and result are float arrays (draw,)."""
        import numpy as np

        low, point, high = float(self.low), float(Fraction(self)), float(self.high)
        if self.shape == "uniform":
            return low + (high - low) * u
        if self.shape == "triangular":
            at_mode = (point - low) / (high - low)
            rising = low + np.sqrt(u * (high - low) * (point - low))
            falling = high - np.sqrt((1 - u) * (high - low) * (high - point))
            return np.where(u < at_mode, rising, falling)
        from statistics import NormalDist

        sigma = np.log(high / low) / (2 * Z90)
        z = np.array([NormalDist().inv_cdf(x) for x in u.tolist()])
        drawn = np.sqrt(low * high) * np.exp(sigma * z)
        return drawn if self.cap is None else np.minimum(drawn, float(self.cap))


def is_range(value: object) -> bool:
    """Whether a value of YAML is written as a range."""
    return isinstance(value, Mapping) and set(value) in KEYS


def parse_range(value: Mapping[str, Any], parse: Callable[[Any], Fraction], most: int | None = None) -> Fraction:
    """A range whose bounds are read by `parse`; a plain number where they are all the same. Raises UnitError.

    most: what no number may exceed, 1 for a share. A lognormal one goes beyond its `p90`, and stops there.
    """
    if not is_range(value):
        raise UnitError(_shown(value), "one number, or a range: {low, high}, {low, mode, high} or {p10, p90}", "")
    bounds = {key: parse(bound) for key, bound in value.items()}
    ordered = [bounds[key] for key in ("low", "mode", "high", "p10", "p90") if key in bounds]
    if ordered != sorted(ordered):
        raise UnitError(_shown(value), " at most ".join(f"`{k}`" for k in _ordered(value)), "")
    if ordered[0] == ordered[-1]:
        return ordered[0]
    if "p10" in bounds:
        low, high = bounds["p10"], bounds["p90"]
        if not low:
            raise UnitError(_shown(value), "`p10` above 0: a lognormal number is never 0", "")
        return Range("lognormal", low, _root(low * high), high, most)
    low, high = bounds["low"], bounds["high"]
    if "mode" in bounds:
        return Range("triangular", low, bounds["mode"], high)
    return Range("uniform", low, (low + high) / 2, high)


def _ordered(value: Mapping[str, Any]) -> list[str]:
    return [key for key in ("low", "mode", "high", "p10", "p90") if key in value]


def _shown(value: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{k}: {v}" for k, v in value.items()) + "}"


def _root(square: Fraction) -> Fraction:
    """The square root to 60 bits and more: medians of lognormal ranges are irrational."""
    scale = 1 << max(0, 128 - square.numerator.bit_length() + square.denominator.bit_length())
    return Fraction(isqrt(square.numerator * square.denominator * scale * scale), square.denominator * scale)


class Distribution(Fraction):
    """Sizes that differ from request to request, by points (share of requests, size) of their quantile function, linear
    in between; both ascend, the shares from 0 to 1. As a number it is its mean."""

    __slots__ = ("points",)
    points: tuple[tuple[Fraction, Fraction], ...]

    def __new__(cls, points: Sequence[tuple[Fraction, Fraction]]) -> Distribution:
        mean = sum(((q - p) * (a + b) / 2 for (p, a), (q, b) in pairwise(points)), Fraction(0))
        self: Distribution = super().__new__(cls, mean)
        self.points = tuple(points)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (Distribution, (self.points,))

    def __copy__(self) -> Distribution:
        return self

    def __deepcopy__(self, memo: Any) -> Distribution:
        return self

    @property
    def most(self) -> Fraction:
        """The largest size."""
        return self.points[-1][1]

    def above(self, threshold: Any) -> tuple[Any, Any]:
        """The share of requests strictly larger than a threshold, and their tokens per request of all: a `Fraction`
        each, or float arrays of the threshold's shape."""
        import numpy as np

        share: Any = 0 * threshold
        tokens: Any = 0 * threshold
        for (p, a), (q, b) in pairwise(self.points):
            if isinstance(threshold, Fraction):
                part = (q - p) * (int(a > threshold) if a == b else (b - min(max(threshold, a), b)) / (b - a))
                size = (max(threshold, a) + b) / 2
            else:
                width, low, high = float(q - p), float(a), float(b)
                clipped = np.clip(threshold, low, high)
                part = width * ((low > threshold) * 1.0 if a == b else (high - clipped) / (high - low))
                size = (clipped + high) / 2
            share, tokens = share + part, tokens + part * size
        return share, tokens


def is_distribution(value: object) -> bool:
    """Whether a value of YAML is written as a distribution: quantiles up to a `max`, or a `histogram`."""
    return isinstance(value, Mapping) and ("max" in value or "histogram" in value)


def parse_distribution(
    value: Mapping[str, Any], parse: Callable[[Any], Fraction], parse_share: Callable[[Any], Fraction]
) -> Fraction:
    """Sizes as quantiles (`{p50: 900, p90: 4k, max: 20k}`, `min` 0 unless stated) or as a histogram of upper edges and
    shares (`{histogram: {1k: 60%, 8k: 40%}}`). A plain number where all sizes are the same. Raises UnitError."""
    expected = "quantiles such as {p50: 900, p90: 4k, max: 20k}, or {histogram: {1k: 60%, 8k: 40%}}"
    points: list[tuple[Fraction, Fraction]]
    if "histogram" in value:
        rows = value["histogram"]
        if len(value) > 1 or not isinstance(rows, Mapping) or not rows:
            raise UnitError(_shown(value), expected, "")
        edges = [(parse(edge), parse_share(share)) for edge, share in rows.items()]
        if sum((s for _, s in edges), Fraction(0)) != 1:
            raise UnitError(_shown(value), "shares that add up to 100 %", "")
        points, below = [(Fraction(0), Fraction(0))], Fraction(0)
        for edge, share in edges:
            below += share
            points.append((below, edge))
    else:
        points = [(Fraction(0), parse(value["min"]) if "min" in value else Fraction(0))]
        for key, size in value.items():
            if key not in ("min", "max"):
                name = str(key)
                if not (name[:1] == "p" and name[1:].replace(".", "", 1).isdigit() and 0 < Fraction(name[1:]) < 100):
                    raise UnitError(name, expected, "")
                points.append((Fraction(name[1:]) / 100, parse(size)))
        points = [*sorted(points), (Fraction(1), parse(value["max"]))]
    if any(a > b or p >= q for (p, a), (q, b) in pairwise(points)):
        raise UnitError(_shown(value), "sizes that grow with their quantiles", "")
    return points[0][1] if points[0][1] == points[-1][1] else Distribution(points)
