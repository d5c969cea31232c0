"""Quantities: what a rate is multiplied by, as a function of the daily volume.

Every quantity is one of five shapes of the volume V (tokens per day): the volume itself, a linear combination, the
part between two levels, a staircase, or the highest of several. All are piecewise affine and left-continuous, which
is what makes every crossover solvable in closed form.

The same nodes compute in three number systems. Coefficients are `Fraction` (exact mode), or float arrays of shape
``(draw,)``; the volume in `At` is an object array of `Fraction`, or floats of shape ``(volume, 1)`` so that a result is
``(volume, draw)`` with draws contiguous. With `At.rows` each evaluation point picks its own draw and results are flat.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

SAME = 2.0**-40
"""Two volumes nearer than this, relatively, are one. Steps are decided at V(1 - SAME) so that rounding in a load can
never buy a replica: 2^-40 is a thousandth of a token at 1e9 tokens a day, and 1000x the rounding of ten products."""

WHOLE = 1 + 2.0**-50
"""A load that does not move with the volume (a full tier) cannot be snapped there: its ratio to a size is a whole
number when within four roundings of it. Far below SAME, so that a step is still seen just above its volume."""

NUDGE = Fraction(1, 2**200)
"""How far "just above" is in exact mode."""

Array = np.ndarray[Any, Any]
Number = Any  # Fraction in exact mode, float or float array of shape (draw,) otherwise


class At:
    """Where to evaluate: the volumes for continuous parts, and the volumes at which steps are decided.

    `rows` (same shape as the volumes, integers) picks the draw of each point; None evaluates all draws.
    """

    __slots__ = ("_decision", "decide", "memo", "rows", "volume")

    def __init__(self, volume: Array, decide: Array, rows: Array | None = None) -> None:
        self.volume, self.decide, self.rows = volume, decide, rows
        self.memo: dict[int, tuple[Quantity, Array]] = {}
        self._decision: At | None = None

    @property
    def exact(self) -> bool:
        return bool(self.volume.dtype == object)

    @property
    def decision(self) -> At:
        """The same points for what lies inside a staircase: everything there is read at the deciding volume."""
        if self.decide is self.volume:
            return self
        if self._decision is None:
            self._decision = At(self.decide, self.decide, self.rows)
        return self._decision

    def pick(self, number: Number) -> Number:
        """A coefficient, reduced to the draw of each point when points carry their own draw."""
        if self.rows is None or not isinstance(number, np.ndarray) or number.ndim == 0 or number.shape[-1] == 1:
            return number
        return number[..., self.rows]


def at(volumes: Sequence[Any] | Array, *, rows: Array | None = None) -> At:
    """Evaluate at these volumes (steps and tiers include their upper end)."""
    v = _volumes(volumes, rows)
    return At(v, v if v.dtype == object else v * (1.0 - SAME), rows)


def just_above(volumes: Sequence[Any] | Array, *, rows: Array | None = None) -> At:
    """Evaluate the limit from above at these volumes."""
    v = _volumes(volumes, rows)
    return At(v, v * (1 + NUDGE) if v.dtype == object else v * (1.0 + SAME), rows)


def _volumes(volumes: Sequence[Any] | Array, rows: Array | None) -> Array:
    if isinstance(volumes, np.ndarray):
        v = volumes
    elif any(isinstance(x, Fraction) for x in volumes):
        v = np.array([Fraction(x) for x in volumes], dtype=object)
    else:
        v = np.asarray(volumes, dtype=np.float64)
    if rows is None and v.ndim == 1 and v.dtype != object:
        v = v[:, np.newaxis]
    return v


class Quantity:
    """A piecewise affine, left-continuous function of the volume. Quantities never change; each is equal to itself."""

    __slots__: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(repr(getattr(self, name)) for name in self.__slots__)})"

    def value(self, at: At) -> Array:
        """The quantity at each point: shape (volume, draw), or the points' own shape in exact or row mode."""
        hit = at.memo.get(id(self))
        if hit is None:
            hit = (self, self._value(at))  # the node is kept beside its value so that an id is never reused
            at.memo[id(self)] = hit
        return hit[1]

    def _value(self, at: At) -> Array:
        raise NotImplementedError

    def kinks(self, window: Any) -> list[Array]:
        """Volumes inside the window where the slope or the value may change: a superset is harmless.

        `window` is a `curve.Window`; `window.where(q, levels)` gives the volumes at which q passes a level.
        """
        raise NotImplementedError

    def __add__(self, other: Quantity) -> Linear:
        return linear(0, (1, self), (1, other))

    def times(self, factor: Number) -> Linear:
        """This quantity scaled by a nonnegative number."""
        return linear(0, (factor, self))


class Volume(Quantity):
    """Tokens per day, input + output, served to users."""

    __slots__ = ()

    def _value(self, at: At) -> Array:
        return at.volume

    def kinks(self, window: Any) -> list[Array]:
        return []


VOLUME = Volume()


class Linear(Quantity):
    """const + sum of coefficient x quantity."""

    __slots__ = ("const", "terms")

    def __init__(self, const: Number, terms: tuple[tuple[Number, Quantity], ...]) -> None:
        self.const, self.terms = const, terms

    def _value(self, at: At) -> Array:
        total: Any = at.pick(self.const)
        for coefficient, q in self.terms:
            total = total + at.pick(coefficient) * q.value(at)
        if not self.terms:  # a constant still has the shape of its points
            total = total + np.zeros_like(at.volume) if not at.exact else np.full_like(at.volume, Fraction(total))
        return np.asarray(total)

    def kinks(self, window: Any) -> list[Array]:
        return [k for _, q in self.terms for k in q.kinks(window)]


def linear(const: Number, *terms: tuple[Number, Quantity]) -> Linear:
    """const + sum of coefficient x quantity, flattened to one level over distinct quantities."""
    folded: dict[int, tuple[Number, Quantity]] = {}

    def put(coefficient: Number, q: Quantity) -> None:
        nonlocal const
        if isinstance(q, Linear):
            const = const + coefficient * q.const
            for inner, basis in q.terms:
                put(coefficient * inner, basis)
        else:
            seen = folded.get(id(q))
            folded[id(q)] = (coefficient if seen is None else seen[0] + coefficient, q)

    for coefficient, q in terms:
        put(coefficient, q)
    return Linear(const, tuple(t for t in folded.values() if np.any(np.asarray(t[0]) != 0)))


class Part(Quantity):
    """The part of a quantity between two levels: a tier, a quota, a floor, an overflow, the served part of a load.

    `upto` None means no upper level.
    """

    __slots__ = ("above", "q", "upto")

    def __init__(self, q: Quantity, above: Number = 0, upto: Number | None = None) -> None:
        self.q, self.above, self.upto = q, above, upto

    def _value(self, at: At) -> Array:
        above = at.pick(self.above)
        clipped = np.maximum(self.q.value(at), above)
        if self.upto is not None:
            clipped = np.minimum(clipped, at.pick(self.upto))
        return np.asarray(clipped - above)

    def kinks(self, window: Any) -> list[Array]:
        own = [window.where(self.q, level) for level in (self.above, self.upto) if level is not None]
        return [*self.q.kinks(window), *own]


class Steps(Quantity):
    """A staircase: n = clip(ceil(q / size) + spare, least, most). At a multiple exactly, no further step.

    All-units discounts are `spare=-1, most=1`: 0 up to the size included, 1 above it.
    """

    __slots__ = ("least", "most", "q", "size", "spare")

    def __init__(
        self, q: Quantity, size: Number, spare: Number = 0, least: Number = 0, most: Number | None = None
    ) -> None:
        self.q, self.size, self.spare, self.least, self.most = q, size, spare, least, most

    def _value(self, at: At) -> Array:
        inner = at.decision
        return self._round(self.q.value(inner), inner)

    def _round(self, load: Array, at: At) -> Array:
        # the one home of "how many": value, bounds and exact mode all come through here
        size = at.pick(self.size)
        n = np.ceil(load / (size if at.exact else size * WHOLE)) + at.pick(self.spare)
        n = np.maximum(n, at.pick(self.least))
        return np.asarray(n if self.most is None else np.minimum(n, at.pick(self.most)))

    def kinks(self, window: Any) -> list[Array]:
        return [*self.q.kinks(window), window.multiples(self)]


class Highest(Quantity):
    """The highest of several staircases (integers): a fleet sized for its busiest hour."""

    __slots__ = ("of",)

    def __init__(self, of: tuple[Quantity, ...]) -> None:
        self.of = of

    def _value(self, at: At) -> Array:
        return np.asarray(np.maximum.reduce([q.value(at) for q in self.of]))

    def kinks(self, window: Any) -> list[Array]:
        return [k for q in self.of for k in q.kinks(window)]
