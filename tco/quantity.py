"""Quantities: what a rate is multiplied by, as a function of the daily volume.

Every quantity is one of seven shapes of the volume V (tokens per day): the volume itself, a linear combination, the
part between two levels, a staircase, the highest of several, the one that is cheapest, or what other months have a say
in. All are piecewise affine and left-continuous, which is what makes every crossover solvable in closed form.

The same nodes compute in three number systems. Coefficients are `Fraction` (exact mode), or float arrays of shape
``(draw,)``; the volume in `At` is an object array of `Fraction`, or floats of shape ``(volume, 1)`` so that a result is
``(volume, draw)`` with draws contiguous; what is certain keeps a last axis of one. With `At.rows` each evaluation point
picks its own draw and results are flat. Over time the months of a plan take the place of the volumes, each with its
own: coefficients may then be of shape ``(month, draw)``, exact ones ``(month,)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


class Pool:
    """Scratch arrays for evaluating a quantity block after block: no block allocates what one before it has.

    How often each node is needed is counted beforehand, so that after its last use an array is written over. Only
    arrays of the pool's shape (volume, draw) are pooled. Results belong to the pool: they last until the next block.
    """

    __slots__ = ("left", "memo", "owned", "shape", "spare", "uses")

    def __init__(self, q: Quantity, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.owned: list[Array] = []
        self.spare: list[Array] = []
        self.left: dict[int, int] = {}
        """How often each array in use will yet be read, by its id."""
        self.memo: dict[tuple[int, bool], Array] = {}
        self.uses: dict[tuple[int, bool], int] = {}
        """How often a node is read, at the volume (False) and at the deciding volume (True)."""
        self._count(q, False)

    def at(self, volumes: Array, into: Array | None = None) -> At:
        """Begin a block: evaluate at these volumes, (volume,), all above 0, as `quantity.at` does.

        into: an array for this block alone, used first: a sum that begins in it mostly ends in it.
        """
        self.begin()
        self.spare += [] if into is None else [into]
        v = volumes[:, np.newaxis]
        return At(v, v * (1.0 - SAME), None, self)

    def begin(self, known: Sequence[tuple[Quantity, Array]] = ()) -> None:
        """Forget what has been evaluated. known: values that quantities have whatever they would be (`At.hold`)."""
        self.memo = {(id(q), deciding): values for q, values in known for deciding in (False, True)}
        self.left.clear()
        self.spare = [*self.owned]

    def take(self) -> Array:
        """An array of the pool's shape, its contents undefined, to be read once."""
        if self.spare:
            out = self.spare.pop()
        else:
            out = _aligned(self.shape)
            self.owned.append(out)
        self.left[id(out)] = 1
        return out

    def read(self, array: Any) -> bool:
        """Note that an operand has been read; whether it was for the last time, and it is the pool's."""
        left = self.left.get(id(array))
        if left is None:
            return False
        if left > 1:
            self.left[id(array)] = left - 1
            return False
        del self.left[id(array)]
        return True

    def drop(self, array: Array) -> None:
        """Read an operand without a result to write over it."""
        if self.read(array):
            self.spare.append(array)

    def apply(self, ufunc: Any, operands: tuple[Any, ...]) -> Array:
        """ufunc(*operands), written over an operand that is not needed again or into a spare array."""
        out, pooled = None, False
        for x in operands:
            if id(x) in self.left:
                pooled = True
                if self.read(x):
                    if out is None:
                        out = x
                    else:
                        self.spare.append(x)
        if out is not None:
            self.left[id(out)] = 1
        elif pooled or np.broadcast(*operands).shape == self.shape:
            out = self.take()
        return ufunc(*operands, out=out)  # type: ignore[no-any-return]

    def value(self, q: Quantity, at: At) -> Array:
        """The value of a node, evaluated once a block. Each caller reads it exactly once."""
        key = (id(q), at.deciding)
        hit = self.memo.get(key)
        if hit is None:
            hit = self.memo[key] = q._value(at)
            if id(hit) in self.left:
                self.left[id(hit)] += self.uses.get(key, 1) - 1
        return hit

    def _count(self, q: Quantity, deciding: bool) -> None:
        key = (id(q), deciding)
        self.uses[key] = self.uses.get(key, 0) + 1
        if self.uses[key] == 1:
            for inner, decides in q.inner():
                self._count(inner, deciding or decides)


def _aligned(shape: tuple[int, int]) -> Array:
    """An uninitialised array that begins on a line of the cache: a fifth faster than one that does not."""
    size, line = shape[0] * shape[1], 64 // 8
    room = np.empty(size + line)
    skip = -room.ctypes.data % 64 // 8
    return room[skip : skip + size].reshape(shape)


class At:
    """Where to evaluate: the volumes for continuous parts, and the volumes at which steps are decided.

    `rows` (integers, of a shape that broadcasts with the volumes) picks the draw of each point; a slice evaluates those
    draws, None all. `pool`: scratch arrays to compute in.
    """

    __slots__ = ("_decision", "decide", "deciding", "memo", "pool", "rows", "spans", "volume")

    def __init__(
        self,
        volume: Array,
        decide: Array,
        rows: Array | slice | None = None,
        pool: Pool | None = None,
        *,
        deciding: bool = False,
    ) -> None:
        self.volume, self.decide, self.rows, self.pool, self.deciding = volume, decide, rows, pool, deciding
        self.memo: dict[int, tuple[Quantity, Array]] = {}
        self.spans: dict[int, tuple[Quantity, At, tuple[Array, Array]]] = {}
        """Bounds of nodes over the cells that begin here, with where the cells end."""
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
            self._decision = At(self.decide, self.decide, self.rows, self.pool, deciding=True)
        return self._decision

    def hold(self, q: Quantity, values: Array) -> None:
        """Take these values (shaped as the points) for a quantity, whatever it would be: what other points decide."""
        for points in {id(self): self, id(self.decision): self.decision}.values():
            points.memo[id(q)] = (q, values)

    def pick(self, number: Number) -> Number:
        """A coefficient, reduced to the draw of each point when points carry their own draw."""
        if self.rows is None or not isinstance(number, np.ndarray) or number.ndim == 0 or number.shape[-1] == 1:
            return number
        return number[..., self.rows]

    def apply(self, ufunc: Any, *operands: Any) -> Array:
        """ufunc(*operands), in the pool where there is one."""
        return ufunc(*operands) if self.pool is None else self.pool.apply(ufunc, operands)


def at(volumes: Sequence[Any] | Array, *, rows: Array | slice | None = None) -> At:
    """Evaluate at these volumes (steps and tiers include their upper end)."""
    v = _volumes(volumes, rows)
    return At(v, v if v.dtype == object else v * (1.0 - SAME), rows)


def just_above(volumes: Sequence[Any] | Array, *, rows: Array | None = None) -> At:
    """Evaluate the limit from above at these volumes."""
    v = _volumes(volumes, rows)
    return At(v, v * (1 + NUDGE) if v.dtype == object else v * (1.0 + SAME), rows)


def _volumes(volumes: Sequence[Any] | Array, rows: Array | slice | None) -> Array:
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
        if at.pool is not None:
            return at.pool.value(self, at)
        hit = at.memo.get(id(self))
        if hit is None:
            hit = (self, self._value(at))  # the node is kept beside its value so that an id is never reused
            at.memo[id(self)] = hit
        return hit[1]

    def _value(self, at: At) -> Array:
        raise NotImplementedError

    def bounds(self, lo: At, hi: At) -> tuple[Array, Array]:
        """What the quantity is at least and at most in each cell [lo, hi] of volume: two arrays shaped as values.

        No value computed anywhere in the cell lies outside, rounding included: a bound is found by the operations
        that find a value, and each of them is monotone. Steps are decided from `lo.decide` to `hi.decide`, so that
        ``at(lo), just_above(hi)`` bounds both sides of both ends. `lo` remembers the bounds up to one `hi`.
        """
        hit = lo.spans.get(id(self))
        if hit is None or hit[1] is not hi:
            hit = (self, hi, self._bounds(lo, hi))
            lo.spans[id(self)] = hit
        return hit[2]

    def _bounds(self, lo: At, hi: At) -> tuple[Array, Array]:
        raise NotImplementedError

    def inner(self) -> Iterator[tuple[Quantity, bool]]:
        """What it is made of; with each whether it is read at the deciding volume. One entry per reading."""
        return iter(())

    @property
    def flat(self) -> bool:
        """Whether it is constant between its kinks, whatever they are: made of staircases alone."""
        return False

    @property
    def sign(self) -> int:
        """At any volume above 0, as far as is seen at a glance: 1 more than zero, 0 not less, -1 unknown."""
        return -1

    def kinks(self, window: Any) -> list[Any]:
        """Volumes inside the window where the slope or the value may change: a superset is harmless.

        `window` is a `curve.Window`, or a range of each of many draws (`curve.runs.Runs`). `window.where(q, level)`
        gives the volumes at which q passes a level, `window.multiples(steps)` those at which a staircase steps.
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

    def _bounds(self, lo: At, hi: At) -> tuple[Array, Array]:
        return lo.volume, hi.volume

    @property
    def sign(self) -> int:
        return 1

    def kinks(self, window: Any) -> list[Any]:
        return []


VOLUME = Volume()


class Linear(Quantity):
    """const + sum of coefficient x quantity."""

    __slots__ = ("const", "terms")

    def __init__(self, const: Number, terms: tuple[tuple[Number, Quantity], ...]) -> None:
        self.const, self.terms = const, terms

    def _value(self, at: At) -> Array:
        total: Any = None if self.terms and _surely(self.const, 0) else at.pick(self.const)
        for coefficient, q in self.terms:
            term = q.value(at)
            if not _surely(coefficient, 1):
                term = at.apply(np.multiply, at.pick(coefficient), term)
            total = term if total is None else at.apply(np.add, total, term)
        if not self.terms:  # a constant still has the shape of its points
            total = total + (np.full_like(at.volume, Fraction(0)) if at.exact else np.zeros_like(at.volume))
        return np.asarray(total)

    def _bounds(self, lo: At, hi: At) -> tuple[Array, Array]:
        # "+ 0" and "x 1" are exact: what `_value` leaves out makes no difference
        low: Any = lo.pick(self.const)
        high = low
        for coefficient, q in self.terms:
            c = lo.pick(coefficient)
            ends = q.bounds(lo, hi)
            x, y = c * ends[0], c * ends[1]
            if np.any(np.asarray(coefficient) < 0):
                x, y = np.minimum(x, y), np.maximum(x, y)
            low, high = low + x, high + y
        if not self.terms:
            low = high = low + np.zeros_like(lo.volume)
        return np.asarray(low), np.asarray(high)

    def inner(self) -> Iterator[tuple[Quantity, bool]]:
        return ((q, False) for _, q in self.terms)

    @property
    def flat(self) -> bool:
        return all(q.flat for _, q in self.terms)

    @property
    def sign(self) -> int:
        if np.any(np.asarray(self.const) < 0):
            return -1
        signs = [
            -1 if np.any(np.asarray(c) < 0) else min(q.sign, int(np.all(np.asarray(c) > 0))) for c, q in self.terms
        ]
        return -1 if -1 in signs else max(signs, default=0)

    def kinks(self, window: Any) -> list[Any]:
        return [k for _, q in self.terms for k in q.kinks(window)]


def _surely(number: Number, value: int) -> bool:
    """Whether a number is this value in every draw, as far as that is seen at a glance."""
    if isinstance(number, np.ndarray):
        return number.size == 1 and bool(number.item() == value)
    return bool(number == value)


def linear(const: Number, *terms: tuple[Number, Quantity]) -> Linear:
    """const + sum of coefficient x quantity, flattened to one level over distinct quantities."""
    folded: dict[int, tuple[Number, Quantity]] = {}

    def put(coefficient: Number, q: Quantity) -> None:
        nonlocal const
        if isinstance(q, Linear):
            if not _surely(q.const, 0):
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
        return self._clip(self.q.value(at), at)

    def _clip(self, value: Array, at: At) -> Array:
        above = at.pick(self.above)
        clipped = at.apply(np.maximum, value, above)
        if self.upto is not None:
            clipped = at.apply(np.minimum, clipped, at.pick(self.upto))
        return np.asarray(at.apply(np.subtract, clipped, above))

    def _bounds(self, lo: At, hi: At) -> tuple[Array, Array]:
        low, high = self.q.bounds(lo, hi)
        return self._clip(low, lo), self._clip(high, hi)

    def inner(self) -> Iterator[tuple[Quantity, bool]]:
        yield self.q, False

    @property
    def flat(self) -> bool:
        return self.q.flat

    @property
    def sign(self) -> int:
        return 0

    def kinks(self, window: Any) -> list[Any]:
        if self.q.flat:  # it passes a level only where it jumps
            return self.q.kinks(window)
        own = [window.where(self.q, level) for level in (self.above, self.upto) if level is not None]
        return [*self.q.kinks(window), *own]


class Steps(Quantity):
    """A staircase: n = clip(ceil(q / size) + spare, least, most). At a multiple exactly, no further step.

    All-units discounts are `spare=-1, most=1`: 0 up to the size included, 1 above it.
    """

    __slots__ = ("_lowest", "_ratio", "least", "most", "q", "size", "spare")

    def __init__(
        self, q: Quantity, size: Number, spare: Number = 0, least: Number = 0, most: Number | None = None
    ) -> None:
        self.q, self.size, self.spare, self.least, self.most = q, size, spare, least, most
        self._ratio: Linear | None = None
        self._lowest: int | None = None

    def __repr__(self) -> str:
        return f"Steps({self.q!r}, {self.size!r}, {self.spare!r}, {self.least!r}, {self.most!r})"

    @property
    def ratio(self) -> Linear:
        """The load in sizes, of floats: one product where the load is a multiple of something, and never a quotient."""
        if self._ratio is None:
            per = 1.0 / (self.size * WHOLE)
            single = isinstance(self.q, Linear) and len(self.q.terms) == 1
            self._ratio = linear(0, (per, self.q)) if single else Linear(0, ((per, self.q),))
        return self._ratio

    def _value(self, at: At) -> Array:
        inner = at.decision
        return self._round(self.q.value(inner) / self.size if at.exact else self.ratio.value(inner), inner)

    def _round(self, ratio: Array, at: At) -> Array:
        # the one home of "how many": value, bounds and exact mode all come through here
        n = at.apply(np.ceil, ratio)
        if not _surely(self.spare, 0):
            n = at.apply(np.add, n, at.pick(self.spare))
        if at.pool is None or not self._above_least:  # else a pass over the block that changes nothing
            n = at.apply(np.maximum, n, at.pick(self.least))
        return np.asarray(n if self.most is None else at.apply(np.minimum, n, at.pick(self.most)))

    @property
    def _above_least(self) -> bool:
        """Whether it is never below its least, as far as is seen at a glance, at volumes above 0."""
        if self._lowest is None:
            self._lowest = self.ratio.sign  # a load of more than nothing takes one at least
        return self._lowest >= 0 and bool(np.all(np.asarray(self.least) <= self._lowest + np.asarray(self.spare)))

    def _bounds(self, lo: At, hi: At) -> tuple[Array, Array]:
        lo, hi = lo.decision, hi.decision
        low, high = self.ratio.bounds(lo, hi)
        return self._round(low, lo), self._round(high, hi)

    def inner(self) -> Iterator[tuple[Quantity, bool]]:
        yield self.ratio, True

    @property
    def flat(self) -> bool:
        return True

    def kinks(self, window: Any) -> list[Any]:
        if self.q.flat:  # it passes a multiple only where it jumps
            return self.q.kinks(window)
        return [*self.q.kinks(window), window.multiples(self)]


class Held(Quantity):
    """What other months have a say in: servers that are kept once they are bought, what a year settles. At one volume
    it is as the volume has it; over months `At.hold` says what it is. Nothing folds it into a sum, so that all that
    rests on it sees the same."""

    __slots__ = ("q",)

    def __init__(self, q: Quantity) -> None:
        self.q = q

    def _value(self, at: At) -> Array:
        return self.q.value(at)

    def _bounds(self, lo: At, hi: At) -> tuple[Array, Array]:
        return self.q.bounds(lo, hi)

    def inner(self) -> Iterator[tuple[Quantity, bool]]:
        yield self.q, False

    @property
    def flat(self) -> bool:
        return self.q.flat

    @property
    def sign(self) -> int:
        return self.q.sign

    def kinks(self, window: Any) -> list[Any]:
        return self.q.kinks(window)


class Highest(Quantity):
    """The highest of several staircases (integers): a fleet sized for its busiest hour."""

    __slots__ = ("of",)

    def __init__(self, of: tuple[Quantity, ...]) -> None:
        self.of = of

    def _value(self, at: At) -> Array:
        return _highest([q.value(at) for q in self.of], at)

    def _bounds(self, lo: At, hi: At) -> tuple[Array, Array]:
        ends = [q.bounds(lo, hi) for q in self.of]
        return _highest([low for low, _ in ends], lo), _highest([high for _, high in ends], hi)

    def inner(self) -> Iterator[tuple[Quantity, bool]]:
        return ((q, False) for q in self.of)

    @property
    def flat(self) -> bool:
        return all(q.flat for q in self.of)

    def kinks(self, window: Any) -> list[Any]:
        return [k for q in self.of for k in q.kinks(window)]


def _highest(values: list[Array], at: At) -> Array:
    highest = values[0]
    for value in values[1:]:
        highest = at.apply(np.maximum, highest, value)
    return np.asarray(highest)


class Cheapest(Quantity):
    """Of several values the one whose cost is lowest, the first where costs are equal: the cheapest mix of GPU types.

    Costs are compared where steps are decided, and must be constant between their kinks (staircases and sums of them):
    two of them then change order at a kink of one, and nowhere else. Two costs nearer than SAME, relatively, are equal,
    so that rounding cannot prefer the later of two that cost the same (in exact mode equal means equal).
    """

    __slots__ = ("costs", "values")

    def __init__(self, costs: tuple[Quantity, ...], values: tuple[Quantity, ...]) -> None:
        if not costs or len(costs) != len(values):
            raise ValueError(f"each value needs its cost: {len(values)} values, {len(costs)} costs")
        if not all(q.flat for q in costs):
            raise ValueError("costs to choose by must be staircases, or sums of them")
        self.costs, self.values = costs, values

    def _value(self, at: At) -> Array:
        inner = at.decision
        costs = [q.value(inner) for q in self.costs]
        values = [q.value(at) for q in self.values]
        lowest, chosen = costs[0], values[0]
        for cost, value in zip(costs[1:], values[1:], strict=True):
            lower = cost < _less(lowest, at)
            lowest, chosen = np.where(lower, cost, lowest), np.where(lower, value, chosen)
        if at.pool is not None:
            for read in (*costs, *values):
                if read is not chosen:
                    at.pool.drop(read)
        return np.asarray(chosen)

    def _bounds(self, lo: At, hi: At) -> tuple[Array, Array]:
        costs = [q.bounds(lo.decision, hi.decision) for q in self.costs]
        values = [q.bounds(lo, hi) for q in self.values]
        lowest = np.minimum.reduce(np.broadcast_arrays(*(high for _, high in costs)))
        low: Any = np.inf
        high: Any = -np.inf
        for cost, value in zip(costs, values, strict=True):
            # one that is chosen may be dearer than the lowest by what counts as equal
            may = _less(cost[0], lo, 2) <= lowest
            low = np.minimum(low, np.where(may, value[0], np.inf))
            high = np.maximum(high, np.where(may, value[1], -np.inf))
        return np.asarray(low), np.asarray(high)

    def inner(self) -> Iterator[tuple[Quantity, bool]]:
        yield from ((q, True) for q in self.costs)
        yield from ((q, False) for q in self.values)

    @property
    def flat(self) -> bool:
        return all(q.flat for q in self.values)

    def kinks(self, window: Any) -> list[Any]:
        return [k for q in (*self.costs, *self.values) for k in q.kinks(window)]


def _less(cost: Array, at: At, hairs: int = 1) -> Array:
    """A cost, less what counts as equal."""
    return cost if at.exact else np.asarray(cost - hairs * SAME * np.abs(cost))
