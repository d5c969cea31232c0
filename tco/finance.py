"""Money over time: present value, internal rate of return, payback. Pure functions of arrays.

Time is axis 0: column 0 is before the first month, columns 1 to T are paid at each month's end. A stream is an array of
shape (T+1,), or (T+1, draw) with any further axes; against another, those further axes are broadcast. A result of one
stream is a float; of many, an array of their further axes, each the same to the last bit as that stream alone gives.

Flows are finite, or NaN where nothing is known; what rests on a NaN is NaN. Sums in another order differ in their last
bits: what is no more than that rounding counts as zero, so that a tie is a tie whatever its flows look like in binary.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Values = Any  # a float of one stream, a float array over the further axes of many

MONTHS_A_YEAR = 12


def monthly_rate(yearly: Values) -> Values:
    """The monthly rate that compounds to a yearly one: (1 + r)^(1/12) - 1. ValueError at -1 or less."""
    return _plain(np.expm1(_growth(yearly) / MONTHS_A_YEAR))


def yearly(monthly: Values) -> Values:
    """The yearly rate that a monthly one compounds to: (1 + i)^12 - 1; NaN stays NaN. ValueError at -1 or less."""
    return _plain(np.expm1(_growth(monthly) * MONTHS_A_YEAR))


def discounted(flows: Array, monthly: Values) -> Array:
    """Each flow at its value before the first month: flow_t / (1 + i)^t.

    flows: (T+1,) or (T+1, draw). monthly: a float, or (draw,) with a rate for each draw. Returns (T+1,) if both are one
    stream's, else (T+1, draw). ValueError for a rate of -1 or less.
    """
    flows, growth = _stream(flows), _growth(monthly)
    further = np.broadcast_shapes(flows.shape[1:], growth.shape)
    month = _months(flows, 1 + growth.ndim)
    return np.multiply(_deep(flows, 1 + len(further)), _deep(np.exp(-growth * month), 1 + len(further)), order="C")


def npv(flows: Array, monthly: Values) -> Values:
    """Net present value: sum over t of flow_t / (1 + i)^t. Of costs it is a cost.

    flows: (T+1,) or (T+1, draw). monthly: a float, or (draw,). Returns a float or (draw,). ValueError for a rate of -1
    or less.
    """
    each = discounted(flows, monthly)
    # in the order of time either way: NumPy adds a lone column in pairs, which ends in other bits than one among many
    return _plain(np.cumsum(each, axis=0)[-1] if each[0].size == 1 else each.sum(axis=0))


def annuity(present: Values, monthly: Values, months: int) -> Values:
    """The level payment at the end of each of so many months that is worth `present`: P i / (1 - (1 + i)^-n).

    present, monthly: floats or arrays that broadcast. At i = 0 it is its limit, P / n. ValueError for a rate of -1 or
    less, or for less than one month.
    """
    if months < 1:
        raise ValueError(f"an annuity takes at least one month, not {months}")
    growth = _growth(monthly)
    rate = np.expm1(growth)
    per_unit = np.full(growth.shape, 1 / months)
    np.divide(rate, -np.expm1(-months * growth), out=per_unit, where=growth != 0)
    return _plain(np.asarray(present, dtype=float) * per_unit)


class Payback(NamedTuple):
    """When the cumulative cost of an option falls below a reference's. Floats, or arrays of one value a draw.

    Each is a time in months. inf: not within the horizon. NaN: a flow it rests on is not known.
    """

    interpolated: Values
    """The time after which it is below: within the month, linear between its two ends; 0 where it is from the start."""
    month: Values
    """The first whole month at whose end it is below; 0 where it is before the first."""
    reverses: Values
    """The first later month at whose end it is no longer below."""


def payback(option: Array, reference: Array) -> Payback:
    """When the option has paid back against the reference, of the costs of both (positive is paid).

    option, reference: (T+1,) or (T+1, draw), of the same T. Discounted payback is that of discounted costs.

    Below is strictly less; a tie is not yet below. So 1200 now for 100 a month less is level at the end of month 12:
    `interpolated` is 12.0, for after that time it is below; `month` is 13; and on a horizon of 12 months both are inf.
    Costs that are the same all along never pay back. After payback, a tie is a reversal. ValueError where the horizons
    differ.
    """
    option, reference = _stream(option), _stream(reference)
    if len(option) != len(reference):
        raise ValueError(f"two streams of the same months were expected, not of {len(option)} and {len(reference)}")
    depth = max(option.ndim, reference.ndim)
    option, reference = _deep(option, depth), _deep(reference, depth)
    ahead = _cumulated(option - reference, np.abs(option) + np.abs(reference))

    below = ahead < 0
    paid = below.any(axis=0)
    first = below.argmax(axis=0)
    never = np.where(np.isnan(ahead[-1]), np.nan, np.inf)  # a sum stays NaN from its first NaN on

    end = np.take_along_axis(ahead, first[None], axis=0)[0]
    start = np.take_along_axis(ahead, np.maximum(first - 1, 0)[None], axis=0)[0]
    later = paid & (first > 0)
    part = np.divide(start, start - end, out=np.zeros(first.shape), where=later)
    back = (ahead >= 0) & paid & (_months(ahead, ahead.ndim) > first)
    return Payback(
        _plain(np.where(paid, np.where(later, first - 1 + part, 0.0), never)),
        _plain(np.where(paid, first, never)),
        _plain(np.where(back.any(axis=0), back.argmax(axis=0), never)),
    )


def irr(flows: Array) -> Values:
    """The internal rate of return, a month: the i at which sum over t of flow_t / (1 + i)^t is 0.

    flows: net flows, savings positive, (T+1,) or (T+1, draw). Returns a float or (draw,), above -1.

    It is NaN where no rate is the rate. The flows cumulated from the first on change sign at least as often as there
    are rates above 0 (Norstrom, "A Sufficient Condition for a Unique Nonnegative Internal Rate of Return", JFQA 7(3),
    1972); cumulated from the last on, as there are below 0. Defined are: one change of sign from the first on and a sum
    that is not 0, which is the only rate above 0; none, and one from the last on, which is the only rate, below 0; none
    and a sum of 0, where 0 is the only rate. Flows that change sign once are always among them. A stream that gains
    first and pays later has a rate too: what such a loan costs.

    A flow that is no more than what rounding leaves of the sum of their sizes counts as none.
    """
    flows = _stream(flows)
    streams = np.ascontiguousarray(flows.reshape(len(flows), -1).T)
    size = np.abs(streams)
    streams = np.where(size <= _rounding(len(flows)) * size.sum(axis=1, keepdims=True), 0.0, streams)

    onward, backward = (_cumulated(s.T, np.abs(s).T).T for s in (streams, streams[:, ::-1]))
    above, under = _turns(onward), _turns(backward)
    rest = onward[:, -1]
    known = np.isfinite(rest)
    growing = known & (above == 1) & (rest != 0)
    shrinking = known & (above == 0) & (under == 1)
    level = (above == 0) & (rest == 0) & streams.any(axis=1)

    growth = np.where(level, 0.0, np.nan)
    # backwards in time a stream that shrinks is one that grows, so that both are sought above 0
    growth[growing] = _growth_of(streams[growing])
    growth[shrinking] = -_growth_of(np.ascontiguousarray(streams[shrinking, ::-1]))
    return _plain(np.expm1(growth).reshape(flows.shape[1:]))


def _growth_of(streams: Array) -> Array:
    """The one y > 0 at which the sum over t of flow_t e^(-t y) is 0; (stream, month) to (stream,).

    Newton's method on the log of (what has the other sign than the first flow / what has its sign), which is a straight
    line for two flows and nearly one for most streams; by halves where a step leaves the bracket or gets slow.
    """
    rows, months = streams.shape
    lead = (streams != 0).argmax(axis=1)
    # counted from the first flow on: the root is the same, and years of nothing before it do not underflow
    after = np.maximum(np.arange(float(months)) - lead[:, None], 0.0)
    amount = streams[np.arange(rows), lead]
    same = np.where(streams * np.sign(amount)[:, None] > 0, np.abs(streams), 0.0)
    other = np.abs(streams) - same
    # at the root the first flow is at most what the others are worth, were all paid with the first of them
    soonest = (other > 0).argmax(axis=1) - lead
    high = np.log(other.sum(axis=1) / np.abs(amount)) / soonest
    low, y, last = np.zeros(rows), np.zeros(rows), np.full(rows, np.inf)

    result = np.empty(rows)
    open_ = np.arange(rows)
    while open_.size:
        fall = np.exp(-after * y[:, None])
        given, gained = same * fall, other * fall
        a, b = given.sum(axis=1), gained.sum(axis=1)
        excess = np.log(b / a)
        slope = (after * given).sum(axis=1) / a - (after * gained).sum(axis=1) / b
        low, high = np.where(excess > 0, y, low), np.where(excess > 0, high, y)
        step = np.divide(-excess, slope, out=np.full(len(y), np.inf), where=slope != 0)
        slow = (np.abs(step) > np.abs(last) / 2) | (y + step < low) | (y + step > high)
        following = np.where(slow, low + (high - low) / 2, y + step)
        last = following - y
        done = np.abs(last) <= 4 * np.finfo(float).eps * np.maximum(1.0, y)
        y = following
        if done.any():
            result[open_[done]] = y[done]
            kept = ~done
            after, same, other = after[kept], same[kept], other[kept]
            low, high, y, last, open_ = low[kept], high[kept], y[kept], last[kept], open_[kept]
    return result


def _turns(sums: Array) -> Array:
    """How often each row changes sign, zeros left out; (stream, month) to (stream,)."""
    signs = np.sign(sums)
    latest = np.maximum.accumulate(np.where(signs != 0, np.arange(signs.shape[1]), 0), axis=1)
    held = np.take_along_axis(signs, latest, axis=1)
    return np.asarray((held[:, 1:] * held[:, :-1] < 0).sum(axis=1))


def _cumulated(flows: Array, sizes: Array) -> Array:
    """The flows cumulated over time, and 0 where the rounding of amounts of those sizes may be all that is left."""
    sums = np.cumsum(flows, axis=0)
    sums[np.abs(sums) <= _rounding(len(flows)) * np.cumsum(sizes, axis=0)] = 0.0
    return sums


def _rounding(terms: int) -> float:
    """What a sum of so many rounded terms may be off, as a share of the sum of their sizes."""
    return terms * float(np.finfo(float).eps)


def _growth(rate: Values) -> Array:
    """log(1 + rate). ValueError at -1 or less: all would be lost, and more."""
    rates = np.asarray(rate, dtype=float)
    if (rates <= -1).any():
        raise ValueError("a rate must be above -1")
    return np.asarray(np.log1p(rates))


def _stream(flows: Array) -> Array:
    stream = np.asarray(flows, dtype=float)
    if stream.ndim == 0 or len(stream) == 0:
        raise ValueError("a stream of one flow for each time was expected")
    return stream


def _deep(stream: Array, depth: int) -> Array:
    """With axes of one after time, so that further axes broadcast as trailing ones do."""
    return stream.reshape(len(stream), *(1,) * (depth - stream.ndim), *stream.shape[1:])


def _months(stream: Array, depth: int) -> Array:
    """0 to T along axis 0, with so many axes."""
    return np.arange(len(stream)).reshape(-1, *(1,) * (depth - 1))


def _plain(values: Array) -> Values:
    """A float where it is one number."""
    return float(values) if np.ndim(values) == 0 else values
