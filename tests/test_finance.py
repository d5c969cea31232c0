"""Money over time, against closed forms, exact arithmetic and numpy-financial, which is an independent oracle here.

Why the engine has its own: see the two tests at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import numpy_financial
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tco.finance import Payback, annuity, discounted, irr, monthly_rate, npv, payback, yearly

Array = np.ndarray[Any, Any]

NEVER = math.inf

cents = st.integers(-100_000, 100_000).map(lambda c: c / 100)
streams = st.lists(cents, min_size=2, max_size=40).map(np.array)
rates = st.floats(-0.5, 2.0)


def level(first: float, each: float, months: int) -> Array:
    return np.array([first, *[each] * months], dtype=float)


def near(expected: object) -> Any:
    return pytest.approx(expected, rel=1e-12, abs=1e-12)


# --- rates -----------------------------------------------------------------------------------------------------------


def test_twelve_months_compound_to_a_year() -> None:
    assert (1 + monthly_rate(0.08)) ** 12 == near(1.08)
    assert monthly_rate(0.0) == 0.0
    assert yearly(0.01) == near(1.01**12 - 1)
    # (1 + r)^(1/12) - 1 taken as it is written has lost four digits here
    assert monthly_rate(12e-12) == pytest.approx(1e-12, rel=1e-10)


@given(st.floats(-0.99, 1e6))
def test_a_rate_survives_the_way_there_and_back(rate: float) -> None:
    assert yearly(monthly_rate(rate)) == near(rate)


def test_rates_of_draws_are_those_of_each() -> None:
    several = np.array([-0.2, 0.0, 0.08, 3.0])
    assert monthly_rate(several).tolist() == [monthly_rate(r) for r in several.tolist()]
    assert isinstance(monthly_rate(0.08), float)
    assert math.isnan(yearly(math.nan))


@pytest.mark.parametrize("rate", [-1.0, -2.0, np.array([0.1, -1.0])])
def test_a_rate_that_loses_everything_is_refused(rate: Any) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: monthly_rate(rate),
        lambda: yearly(rate),
        lambda: npv(np.ones((2, 2)), rate),
        lambda: annuity(1.0, rate, 12),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="above -1"):
            call()


# --- present value ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("monthly", [0.01, 0.5, -0.02, 1e-9])
@pytest.mark.parametrize("months", [1, 36, 360])
def test_a_level_payment_is_worth_its_closed_form(monthly: float, months: int) -> None:
    worth = -math.expm1(-months * math.log1p(monthly)) / monthly
    assert npv(level(0, 250, months), monthly) == near(250 * worth)
    assert annuity(250 * worth, monthly, months) == near(250)


def test_discounting_by_hand() -> None:
    flows = np.array([100.0, 110.0, 121.0])
    assert discounted(flows, 0.1).tolist() == near([100, 110 / 1.1, 121 / 1.1**2])
    assert npv(flows, 0.1) == near(100 + 100 + 100)


@given(streams)
def test_at_no_rate_it_is_the_sum(flows: Array) -> None:
    assert npv(flows, 0.0) == near(math.fsum(flows))


@given(streams, cents, cents, rates)
def test_npv_is_linear(flows: Array, a: float, b: float, rate: float) -> None:
    other = np.cumsum(flows)[::-1]
    size = float(npv(np.abs(a * flows) + np.abs(b * other), rate))
    assert npv(a * flows + b * other, rate) == pytest.approx(
        a * npv(flows, rate) + b * npv(other, rate), abs=1e-12 * size
    )


@given(streams, rates)
def test_npv_is_that_of_numpy_financial(flows: Array, rate: float) -> None:
    size = float(npv(np.abs(flows), rate))
    assert npv(flows, rate) == pytest.approx(numpy_financial.npv(rate, flows), abs=1e-12 * size)


def test_an_unknown_flow_makes_its_draw_unknown() -> None:
    flows = np.array([[1.0, 1.0], [2.0, math.nan]])
    assert npv(flows, 0.0)[0] == 1 + 2
    assert math.isnan(npv(flows, 0.0)[1])


# --- annuity ---------------------------------------------------------------------------------------------------------


@given(st.floats(1, 1e6), st.floats(-0.5, 1.0), st.integers(1, 360))
def test_an_annuity_is_the_payment_of_numpy_financial(present: float, rate: float, months: int) -> None:
    # its (1 + i)^n - 1 loses digits as i goes to 0, which this one does not
    lost = 1e-12 + 1e-14 / abs(rate) if rate else 1e-12
    if lost < 1e-6:
        assert annuity(present, rate, months) == pytest.approx(-numpy_financial.pmt(rate, months, present), rel=lost)
    assert npv(level(0, annuity(present, rate, months), months), rate) == pytest.approx(present, rel=1e-11)


def test_an_annuity_at_hardly_a_rate_is_the_nth_part() -> None:
    assert annuity(1200, 0.0, 12) == 1200 / 12
    for hardly in (1e-300, 1e-18, -1e-18):
        assert annuity(1200, hardly, 12) == near(1200 / 12)
    # to first order P/n (1 + i (n + 1) / 2)
    assert annuity(1200, 1e-8, 12) == pytest.approx(100 * (1 + 1e-8 * 13 / 2), rel=1e-14)
    assert annuity(np.array([1200.0, 2400.0]), np.array([0.0, 0.0]), 12).tolist() == [100, 200]


def test_an_annuity_of_no_months_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one month, not 0"):
        annuity(1200, 0.01, 0)


# --- internal rate of return -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("monthly", [0.01, 1e-6, 0.4, -0.01, 5.0])
@pytest.mark.parametrize("months", [1, 12, 60])
def test_the_rate_of_an_annuity_is_its_rate(monthly: float, months: int) -> None:
    assert irr(level(-10_000, annuity(10_000, monthly, months), months)) == pytest.approx(monthly, abs=1e-12, rel=1e-12)


@pytest.mark.parametrize(
    ("flows", "rate"),
    [
        ([-1, 1e6], 1e6 - 1),
        ([-1, 1e6, 1e6], (1e6 + math.sqrt(1e12 + 4e6)) / 2 - 1),
        ([-1e6, 1], 1e-6 - 1),
        ([-1, 0, 1e-4], -0.99),
        ([*[0] * 70, -1, 1e6], 1e6 - 1),
        ([-1, *[0] * 119, 1e6], 1e6 ** (1 / 120) - 1),
        ([-1, *[0] * 119, 1e-6], 1e-6 ** (1 / 120) - 1),
        ([-1e6, *[0] * 359, 0, 1, 0, 0], 1e-6 ** (1 / 361) - 1),
        ([-100, 60, 40], 0.0),
        ([-0.3, 0.1, 0.1, 0.1], 0.0),
        ([-1000, 1100], 0.1),
        ([1000, -1100], 0.1),  # a loan, and what it costs
    ],
)
def test_rates_of_few_flows(flows: list[float], rate: float) -> None:
    assert irr(np.array(flows, dtype=float)) == near(rate)


@pytest.mark.parametrize(
    "flows",
    [
        [0, 0, 0],
        [-5],
        [-5, -1, 0],
        [5, 0, 1],
        [-1000, 2500, -1540],  # 10 % and 40 %
        [-1, 2, -1],  # 0 %, where it touches and does not cross
        [-1000, 3600, -4310, 1716],  # 10 %, 20 % and 30 %
        [-100, 150, -50],  # 0 % and -50 %
        [0, math.nan, 1],
        [-100, 50, 60, math.nan],
        [math.nan, -50, 30],
    ],
)
def test_no_rate_is_the_rate(flows: list[float]) -> None:
    assert math.isnan(irr(np.array(flows, dtype=float)))


@pytest.mark.parametrize(
    ("flows", "rate"),
    [
        # hardware paid, saving, replaced: two more changes of sign, and the sums change theirs once
        ([-100, 120, -10, 30], None),
        # never earned back, and sold at the end: backwards the sums change sign once, so it is the only rate
        ([-100, 50, -10, 40], None),
        # (1 - v)(3 + 2v + 3v^2) has no other root than v = 1
        ([-3, 1, -1, 3], 0.0),
    ],
)
def test_one_rate_in_spite_of_several_changes_of_sign(flows: list[float], rate: float | None) -> None:
    found = irr(np.array(flows, dtype=float))
    assert rate is None or found == rate
    roots = [1 / r.real - 1 for r in np.roots(flows[::-1]) if abs(r.imag) < 1e-9 and r.real > 0]
    (only,) = (r for r in roots if r > 0) if sum(flows) > 0 else roots
    assert found == pytest.approx(only, abs=1e-12)


def test_rounding_is_no_change_of_sign() -> None:
    noise = 0.1 + 0.2 - 0.3
    assert noise > 0
    assert irr(np.array([noise, -100, -noise, 110])) == near(1.1 ** (1 / 2) - 1)
    # the sum is level with 0 in month 3 but for its rounding, and goes on without a change
    assert irr(np.array([-0.3, 0.1, 0.1, 0.1, -0.2, 0.1, 0.4])) == near(
        irr(np.array([-3.0, 1.0, 1.0, 1.0, -2.0, 1.0, 4.0]))
    )


@given(
    st.lists(st.integers(1, 10_000), min_size=1, max_size=5), st.lists(st.integers(0, 10_000), min_size=1, max_size=30)
)
def test_the_rate_of_a_purchase_is_that_of_numpy_financial(paid: list[int], saved: list[int]) -> None:
    flows = np.array([*(-p for p in paid), *saved, 1], dtype=float)
    found = irr(flows)
    assert found == pytest.approx(numpy_financial.irr(flows), rel=1e-6, abs=1e-6)
    size = npv(np.abs(flows), found)
    assert npv(flows, found) == pytest.approx(0, abs=1e-13 * size * len(flows))


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=12))
def test_a_rate_brings_npv_to_zero_and_is_given_where_it_is_the_one(flows: list[int]) -> None:
    def turns(amounts: list[int]) -> int:
        sums = [sum(amounts[: k + 1]) for k in range(len(amounts))]
        return sum(a * b < 0 for a, b in pairwise([s for s in sums if s]))

    above, under, rest = turns(flows), turns(flows[::-1]), sum(flows)
    found = irr(np.array(flows, dtype=float))
    if above == 1 and rest:
        assert found > 0
    elif above == 0 and under == 1:
        assert found < 0
    elif above == 0 and rest == 0 and any(flows):
        assert found == 0
    else:
        assert math.isnan(found)
        return
    sizes = np.abs(discounted(np.array(flows, dtype=float), found)).sum()
    assert npv(np.array(flows, dtype=float), found) == pytest.approx(0, abs=1e-11 * sizes)


# --- payback ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("capex", "saved", "interpolated", "month"),
    [
        (1000, 300, 1000 / 300, 4),
        (1200, 100, 12.0, 13),  # level at the end of month 12, below after it
        (0.3, 0.1, 3.0, 4),  # 0.3 - 0.1 - 0.1 - 0.1 is below 0 in binary, and is a tie
        (1201.2, 100.1, 12.0, 13),
        (50, 100, 0.5, 1),
        (0, 100, 0.0, 1),
        (-50, 100, 0.0, 0),
        (2400, 100, NEVER, NEVER),  # level at the end of the horizon
        (2399, 100, 23.99, 24),
        (1, 0, NEVER, NEVER),
        (0, 0, NEVER, NEVER),
        (1, -1, NEVER, NEVER),
    ],
)
def test_capex_over_a_monthly_saving(capex: float, saved: float, interpolated: float, month: float) -> None:
    bill = 700.7
    found = payback(level(capex, bill - saved, 24), level(0, bill, 24))
    assert found.interpolated == near(interpolated)
    assert (found.month, found.reverses) == (month, NEVER)


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        # the cumulative cost of the option less the reference's, month by month
        ([3, 1, -1, -2, 4, -5], Payback(1 + 1 / 2, 2, 4)),
        ([3, 1, -1, 0, -1], Payback(1 + 1 / 2, 2, 3)),  # a tie is no longer below
        ([5, 0, 0, -1], Payback(2.0, 3, NEVER)),
        ([-1, -1, 2], Payback(0.0, 0, 2)),
        ([0, 0, 0], Payback(NEVER, NEVER, NEVER)),
        ([0, 3, -1], Payback(1 + 3 / 4, 2, NEVER)),
        ([-2], Payback(0.0, 0, NEVER)),
    ],
)
def test_first_month_and_reversal(ahead: list[float], expected: Payback) -> None:
    option = np.diff(np.array(ahead, dtype=float), prepend=0.0)
    assert payback(option, np.zeros(len(ahead))) == near(expected)


def test_what_rests_on_an_unknown_flow_is_unknown() -> None:
    bill = level(0, 100, 3)
    bill[3] = math.nan
    early, late = payback(level(150, 0, 3), bill), payback(level(250, 0, 3), bill)
    assert (early.interpolated, early.month) == (1.5, 2)
    assert math.isnan(early.reverses)
    assert all(math.isnan(v) for v in late)


@given(streams, st.integers(0, 10_000))
def test_payback_is_that_of_exact_arithmetic(flows: Array, capex: int) -> None:
    reference = flows[::-1].copy()
    option = flows + 0.0
    option[0] += capex / 100
    sums: list[Fraction] = []
    month, back = NEVER, NEVER
    for t in range(len(flows)):
        exact = [Fraction(round(float(f) * 100)) for f in (option[t], reference[t])]
        sums.append((sums[-1] if t else Fraction(0)) + exact[0] - exact[1])
        if sums[t] < 0 and month == NEVER:
            month = t
        if sums[t] >= 0 and t > month and back == NEVER:
            back = t
    found = payback(option, reference)
    assert (found.month, found.reverses) == (month, back)
    if month == NEVER:
        assert found.interpolated == NEVER
    elif month == 0:
        assert found.interpolated == 0
    else:
        start, end = sums[int(month) - 1], sums[int(month)]
        assert found.interpolated == pytest.approx(float(month - 1 + start / (start - end)), rel=1e-9)


@given(streams, st.integers(1, 10_000))
def test_a_dearer_purchase_pays_back_no_sooner(flows: Array, more: int) -> None:
    reference = np.zeros(len(flows))
    dearer = flows + 0.0
    dearer[0] += more / 100
    assert payback(dearer, reference).month >= payback(flows, reference).month
    assert payback(dearer, reference).interpolated >= payback(flows, reference).interpolated - 1e-9


@given(streams, st.floats(1e-3, 1e3))
def test_a_currency_changes_neither_payback_nor_rate(flows: Array, k: float) -> None:
    reference = flows[::-1]
    assert payback(k * flows, k * reference) == near(payback(flows, reference))
    assert irr(k * flows) == pytest.approx(irr(flows), rel=1e-9, abs=1e-9, nan_ok=True)


def test_discounted_payback_is_later() -> None:
    option, reference, monthly = level(1000, 0, 24), level(0, 100, 24), 0.02
    found = payback(discounted(option, monthly), discounted(reference, monthly))
    # 1000 = 100 (1 - 1.02^-n) / 0.02
    months = -math.log(1 - 1000 * 0.02 / 100) / math.log(1.02)
    assert found.month == math.ceil(months)
    whole = math.floor(months)
    left = 1000 - 100 * (1 - 1.02**-whole) / 0.02
    assert found.interpolated == near(whole + left / (100 * 1.02 ** -(whole + 1)))
    assert found.interpolated > payback(option, reference).interpolated


# --- shapes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("months", [1, 7, 60, 361])
def test_many_streams_are_each_alone_to_the_last_bit(months: int) -> None:
    rng = np.random.default_rng(months)
    draws = 5
    flows = rng.normal(100, 300, (months + 1, draws))
    flows[0] -= 500
    rate = rng.uniform(-0.1, 0.3, draws)
    one = rng.normal(100, 300, months + 1)
    for many in (flows, np.asfortranarray(flows)):
        worth, drawn, rates_ = npv(many, 0.01), npv(many, rate), irr(many)
        against = [payback(many, one), payback(one, many), payback(many, many[:, ::-1])]
        fixed = npv(one, rate)
        assert worth.shape == drawn.shape == rates_.shape == fixed.shape == (draws,)
        assert discounted(many, rate).shape == discounted(one, rate).shape == (months + 1, draws)
        for d in range(draws):
            column = flows[:, d]
            assert worth[d] == npv(column, 0.01)
            assert drawn[d] == npv(column, float(rate[d]))
            assert fixed[d] == npv(one, float(rate[d]))
            np.testing.assert_array_equal(rates_[d], irr(column))
            alone = payback(column, one), payback(one, column), payback(column, flows[:, draws - 1 - d])
            for several, single in zip(against, alone, strict=True):
                assert Payback(*(v[d] for v in several)) == single


def test_further_axes_broadcast() -> None:
    rng = np.random.default_rng(0)
    options, reference = rng.normal(0, 100, (13, 3, 4)), rng.normal(0, 100, (13, 4))
    found = payback(options, reference)
    assert found.month.shape == (3, 4)
    assert irr(options).shape == npv(options, np.full(4, 0.01)).shape == (3, 4)
    for k in range(3):
        np.testing.assert_array_equal(found.interpolated[k], payback(options[:, k], reference).interpolated)
        np.testing.assert_array_equal(irr(options)[k], irr(options[:, k]))


def test_of_one_stream_results_are_floats() -> None:
    flows = level(-100, 10, 24)
    for value in (npv(flows, 0.01), irr(flows), annuity(1, 0.01, 12), yearly(0.01), *payback(flows, flows)):
        assert type(value) is float


def test_streams_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="not of 2 and 3"):
        payback(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="not of 1 and 3"):  # which NumPy would broadcast
        payback(np.zeros(1), np.zeros((3, 5)))
    for nothing in (np.zeros(0), np.array(3.0)):
        with pytest.raises(ValueError, match="a stream of one flow for each time"):
            irr(nothing)


# --- why not numpy-financial -----------------------------------------------------------------------------------------


def test_numpy_financial_takes_one_stream_and_picks_among_rates() -> None:
    """Its `irr` takes one stream at a time, and of 10 % and 40 % says 10 % without a word."""
    two = np.array([-1000.0, 2500.0, -1540.0])
    assert numpy_financial.irr(two) == pytest.approx(0.1)
    assert npv(two, 0.4) == pytest.approx(0, abs=1e-9)
    assert math.isnan(irr(two))

    draws = np.array([[-1000.0, -900.0], [600.0, 500.0], [600.0, 700.0]])
    assert irr(draws).tolist() == near([numpy_financial.irr(draws[:, 0]), numpy_financial.irr(draws[:, 1])])
    with pytest.raises(ValueError):
        numpy_financial.irr(draws)


def test_numpy_financial_takes_one_rate() -> None:
    """A rate for each draw is refused; with as many draws as months it is taken for a rate for each month."""
    flows = level(-1000, 400, 3)
    rate = np.array([0.0, 0.1, 0.2, 0.3])
    each = [numpy_financial.npv(r, flows) for r in rate]
    assert npv(flows, rate).tolist() == near(each)
    mixed = numpy_financial.npv(rate, flows)
    assert mixed == pytest.approx(-1000 + 400 / 1.1 + 400 / 1.2**2 + 400 / 1.3**3)
    with pytest.raises(ValueError):
        numpy_financial.npv(rate[:3], flows)
