"""What a person types, beside what it means; and everything else is a UnitError that says how to type it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tco.units import (
    Flow,
    Money,
    UnitError,
    format_money,
    format_tokens,
    parse_count,
    parse_fraction,
    parse_money,
    parse_rate,
    parse_seconds,
    parse_share,
)

OVER_TIME = frozenset({"hour", "month", "year"})
PRICES = frozenset({"mtok", "request", "gpu_hour"})
PLAIN = frozenset({None})
ALL_PER = frozenset({None, *OVER_TIME, *PRICES, "day", "minute", "second", "kwh", "gb", "gb_month", "seat_month"})


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("250", 250),
        (250, 250),
        (Decimal("0.5"), Fraction(1, 2)),
        (0.1, Fraction(1, 10)),
        (Fraction(1, 3), Fraction(1, 3)),
        ("1,500", 1500),
        ("1_500", 1500),
        ("1,234,567.25", Fraction(123456725, 100)),
        ("12,34,567", 1234567),
        ("4,00,000", 400000),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("+5", 5),
        ("33.3M", 33_300_000),
        ("33.3 M", 33_300_000),
        ("1.5k", 1500),
        ("1.5K", 1500),
        ("2B", 2 * 10**9),
        ("2G", 2 * 10**9),
        ("1T", 10**12),
        ("2 thousand", 2000),
        ("2 million", 2 * 10**6),
        ("3Billion", 3 * 10**9),
        ("4 lakh", 4 * 10**5),
        ("2.5 crore", 25 * 10**6),
        ("0", 0),
        (Decimal("0E-99999999"), 0),
        ("9" * 40, 10**40 - 1),
    ],
)
def test_counts(typed: object, meant: Fraction) -> None:
    assert parse_count(typed) == meant


@pytest.mark.parametrize(
    ("parse", "typed", "meant"),
    [
        (parse_share, "70%", Fraction(7, 10)),
        (parse_share, "70 %", Fraction(7, 10)),
        (parse_share, "0.7", Fraction(7, 10)),
        (parse_share, Decimal("0.7"), Fraction(7, 10)),
        (parse_share, 0.7, Fraction(7, 10)),
        (parse_share, 1, 1),
        (parse_share, "0.05%", Fraction(5, 10_000)),
        (parse_fraction, "130%", Fraction(13, 10)),
        (parse_fraction, Decimal("1.3"), Fraction(13, 10)),
        (parse_fraction, 0, 0),
        (parse_seconds, "500ms", Fraction(1, 2)),
        (parse_seconds, "3 min", 180),
        (parse_seconds, "2 h", 7200),
        (parse_seconds, "30 s", 30),
        (parse_seconds, "1.5 hours", 5400),
        (parse_seconds, "2 days", 2 * 86400),
    ],
)
def test_shares_factors_and_durations(parse: Callable[[object], Fraction], typed: object, meant: Fraction) -> None:
    assert parse(typed) == meant


@pytest.mark.parametrize(
    ("typed", "amount", "unit", "per"),
    [
        ("33.3M tokens/day", 33_300_000, "tokens", "day"),
        ("33.3Mtok/d", 33_300_000, "tokens", "day"),
        ("33.3M tokens per day", 33_300_000, "tokens", "day"),
        ("1 million tokens a day", 10**6, "tokens", "day"),
        ("4 crore tokens per annum", 4 * 10**7, "tokens", "year"),
        ("1T tokens/yr", 10**12, "tokens", "year"),
        ("1 token/s", 1, "tokens", "second"),
        ("100k requests/month", 100_000, "requests", "month"),
        ("2.5 requests/s", Fraction(5, 2), "requests", "second"),
        ("5k queries/day", 5000, "requests", "day"),
        ("1 query an hour", 1, "requests", "hour"),
        ("10 req / min", 10, "requests", "minute"),
        ("10 Calls/hr", 10, "requests", "hour"),
        ("10,000\u00a0requests/day", 10_000, "requests", "day"),
    ],
)
def test_rates(typed: str, amount: Fraction, unit: Any, per: Any) -> None:
    assert parse_rate(typed) == Flow(Fraction(amount), unit, per)


@pytest.mark.parametrize(
    ("typed", "amount", "currency", "per"),
    [
        ("$1.10/hour", Fraction(11, 10), "USD", "hour"),
        ("$ 1.10 / h", Fraction(11, 10), "USD", "hour"),
        ("1.10 $/hour", Fraction(11, 10), "USD", "hour"),
        ("5€/h", 5, "EUR", "hour"),
        ("80k USD/year", 80_000, "USD", "year"),
        ("80kUSD/year", 80_000, "USD", "year"),
        ("USD 80k per year", 80_000, "USD", "year"),
        ("$5 USD/hour", 5, "USD", "hour"),
        ("₹4 lakh/year", 400_000, "INR", "year"),
        ("INR 4 lakh a year", 400_000, "INR", "year"),
        ("$8,000/month", 8000, "USD", "month"),
        ("12 CHF/day", 12, "CHF", "day"),
        ("£9/month", 9, "GBP", "month"),
        ("$2/GPU-hour", 2, "USD", "gpu_hour"),
        ("$2 per gpu hour", 2, "USD", "gpu_hour"),
        ("$0.12/kWh", Fraction(12, 100), "USD", "kwh"),
        ("$0.02/GB-month", Fraction(2, 100), "USD", "gb_month"),
        ("$0.09/GB", Fraction(9, 100), "USD", "gb"),
        ("$30/seat/month", 30, "USD", "seat_month"),
        ("$30 per user per month", 30, "USD", "seat_month"),
        ("$0.80/1M tokens", Fraction(8, 10), "USD", "mtok"),
        ("$0.80/M tokens", Fraction(8, 10), "USD", "mtok"),
        ("$0.80/Mtok", Fraction(8, 10), "USD", "mtok"),
        ("$0.80/million tokens", Fraction(8, 10), "USD", "mtok"),
        ("€3 per 1M tokens", 3, "EUR", "mtok"),
        ("$0.003/1k tokens", Fraction("0.003") * 1000, "USD", "mtok"),
        ("$0.000003/token", 3, "USD", "mtok"),
        ("$0.002/request", Fraction(2, 1000), "USD", "request"),
        ("$3/1,000 requests", Fraction(3, 1000), "USD", "request"),
        ("$3 per 1k queries", Fraction(3, 1000), "USD", "request"),
        ("$250,000", 250_000, "USD", None),
        ("80k USD", 80_000, "USD", None),
        ("5 lakh INR", 500_000, "INR", None),
    ],
)
def test_money(typed: str, amount: Fraction, currency: str, per: str | None) -> None:
    assert parse_money(typed, ALL_PER) == Money(Fraction(amount), currency, per)


def money(per: frozenset[str | None]) -> Callable[[object], Money]:
    return lambda value: parse_money(value, per)


@pytest.mark.parametrize(
    ("parse", "typed", "message", "hint"),
    [
        (parse_count, "", "empty value", ""),
        (parse_count, "   ", "empty value", ""),
        (parse_count, None, "empty value", ""),
        (parse_count, True, "not a number", ""),
        (parse_count, [1], "not a number", ""),
        (parse_count, "nan", "not a number", ""),
        (parse_count, "inf", "not a number", ""),
        (parse_count, "٣", "not a number", ""),
        (parse_count, float("nan"), "not a finite number", ""),
        (parse_count, float("inf"), "not a finite number", ""),
        (parse_count, Decimal("NaN"), "not a finite number", ""),
        (parse_count, Decimal("sNaN"), "not a finite number", ""),
        (parse_count, Decimal("-Infinity"), "not a finite number", ""),
        (parse_count, -1, "negative number", ""),
        (parse_count, "-1", "negative number", ""),
        (parse_count, "\u22121", "negative number", ""),
        (parse_count, "1e5", "scientific notation", "write `100k`"),
        (parse_count, "1.5E+3", "scientific notation", "write `1.5k`"),
        (parse_count, "2e-3", "scientific notation", "write `0.002`"),
        (parse_count, "1e999999", "scientific notation", "write the number out, such as `100k`"),
        (parse_count, Decimal("1e999999"), "number of more than 40 digits", ""),
        (parse_count, Decimal("1e-999999"), "number of more than 40 digits", ""),
        (parse_count, 10**40, "number of more than 40 digits", ""),
        pytest.param(parse_count, 10**100_000, "number of more than 40 digits", "", id="huge"),
        (parse_count, "1" * 41, "number of more than 40 digits", ""),
        (parse_count, "0." + "1" * 40, "number of more than 40 digits", ""),
        pytest.param(parse_count, "1" * 1_000_000, "text too long", "", id="long"),
        (parse_count, "1,23", "thousands separators in the wrong place", "did you mean `1.23`?"),
        (parse_count, "0,125", "thousands separators in the wrong place", "did you mean `0.125`?"),
        (parse_count, "1,2345", "thousands separators in the wrong place", ""),
        (parse_count, "1,234_567", "thousands separators in the wrong place", ""),
        (parse_count, "1_0", "thousands separators in the wrong place", ""),
        (parse_count, "33m", "unexpected text after the number", "did you mean `33M`?"),
        (parse_count, "5 tokens", "unexpected text after the number", ""),
        (parse_count, "1.2.3", "unexpected text after the number", ""),
        (parse_count, "70%", "unexpected text after the number", ""),
        (parse_share, 70, "share above 1", "did you mean `70%`?"),
        (parse_share, "70", "share above 1", "did you mean `70%`?"),
        (parse_share, "1.3", "share above 1", ""),
        (parse_share, "130%", "share above 1", ""),
        (parse_share, "1k", "unexpected text after the number", ""),
        (parse_share, "-5%", "negative number", ""),
        (parse_fraction, "-5%", "negative number", ""),
        (parse_rate, 100, "rate without a unit", ""),
        (parse_rate, "100", "rate without a unit", ""),
        (parse_rate, "5 tokens", "rate without a period", "did you mean `5 tokens/day`?"),
        (parse_rate, "5 tokens/", "rate without a period", "did you mean `5 tokens/day`?"),
        (parse_rate, "5 tokens/week", "unknown period", ""),
        (parse_rate, "5 rps", "neither tokens nor requests", ""),
        (parse_rate, "$5/hour", "not a number", ""),
        (parse_rate, "3m tokens/day", "neither tokens nor requests", "did you mean `3M tokens/day`?"),
        (parse_rate, "1e5 tokens/day", "scientific notation", "write `100k`"),
        (parse_rate, "-5 tokens/day", "negative number", ""),
        (money(OVER_TIME), 80000, "money without a currency", ""),
        (money(OVER_TIME), "80000", "money without a currency", "did you mean `$80000`?"),
        (money(OVER_TIME), "80k usd/year", "money without a currency", "did you mean `80k USD/year`?"),
        (money(OVER_TIME), "$1.10", "money without what it is per", ""),
        (money(frozenset({"hour"})), "$1.10", "money without what it is per", "did you mean `$1.10/hour`?"),
        (money(OVER_TIME), "$5/day", "money per day does not fit here", ""),
        (money(OVER_TIME), "$5/1M tokens", "money per 1M tokens does not fit here", ""),
        (money(PLAIN), "$5/hour", "money per hour does not fit here", ""),
        (money(OVER_TIME), "€5 USD/hour", "two currencies", ""),
        (money(OVER_TIME), "-$5/hour", "negative number", ""),
        (money(OVER_TIME), "$-5/hour", "negative number", ""),
        (money(OVER_TIME), "$1e5/year", "scientific notation", "write `100k`"),
        (money(OVER_TIME), "$/hour", "not a number", ""),
        (money(OVER_TIME), "$5 hour", "unexpected text after the amount", ""),
        (money(OVER_TIME), "$5/", "unknown unit after the amount", ""),
        (money(OVER_TIME), "$5/2 hours", "unknown unit after the amount", ""),
        (money(PRICES), "$5/1M", "unknown unit after the amount", "did you mean `$5/1M tokens`?"),
        (money(PRICES), "$5/0 tokens", "unknown unit after the amount", ""),
        (money(PRICES), "$5/0M tokens", "unknown unit after the amount", ""),
        (money(PRICES), "$5/-1 tokens", "unknown unit after the amount", ""),
        (money(PRICES), "$5/1e6 tokens", "scientific notation", "write `1M`"),
        (parse_seconds, 30, "duration without a unit", ""),
        (parse_seconds, "30", "duration without a unit", ""),
        (parse_seconds, "3m", "unknown unit of time", "did you mean `ms` or `min`?"),
        (parse_seconds, "1h30m", "unknown unit of time", ""),
        (parse_seconds, "1 month", "unknown unit of time", ""),
        (parse_seconds, "1k s", "unknown unit of time", ""),
    ],
)
def test_refused(parse: Callable[[object], object], typed: object, message: str, hint: str) -> None:
    began = time.perf_counter()
    with pytest.raises(UnitError) as caught:
        parse(typed)
    assert time.perf_counter() - began < 0.1
    error = caught.value
    assert error.message == message
    assert error.hint == hint
    assert error.expected
    assert error.expected in str(error)
    assert len(str(error)) < 400


def test_the_error_names_what_is_allowed_with_an_example() -> None:
    def expected(per: frozenset[str | None]) -> str:
        with pytest.raises(UnitError) as caught:
            parse_money("7", per)
        return caught.value.expected

    assert expected(OVER_TIME) == "money per hour, month or year, such as $1.10/hour"
    assert expected(frozenset({"mtok"})) == "money per 1M tokens, such as $0.80/1M tokens"
    assert expected(PLAIN) == "an amount of money such as $1,200 or 80k USD"
    assert expected(frozenset({None, "year"})).startswith("an amount of money, or money per year, such as")


def test_the_parts_of_an_error_of_ones_own() -> None:
    error = UnitError(Decimal("4.50"), "a whole number", "write 4")
    assert (error.value, error.expected, error.hint, error.message) == (
        "4.50",
        "a whole number",
        "write 4",
        "",
    )
    assert str(error) == "`4.50`: expected a whole number (write 4)"
    assert UnitError(None, "one of the two").value == ""


def test_every_example_in_a_message_can_be_typed() -> None:
    for per in ALL_PER - PLAIN:
        with pytest.raises(UnitError) as caught:
            parse_money("7", frozenset({per}))
        assert parse_money(caught.value.expected.rpartition("such as ")[2], frozenset({per})).per == per


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0"),
        (0.5, "0.5"),
        (Fraction(1, 3), "0.333"),
        (0.00123, "0.00123"),
        (12.345, "12.3"),
        (999.4, "999"),
        (999.6, "1k"),
        (1000, "1k"),
        (1234, "1.23k"),
        (100_000, "100k"),
        (33_300_000, "33.3M"),
        (999_499, "999k"),
        (999_950, "1M"),
        (1.5e9, "1.5B"),
        (2.5e12, "2.5T"),
        (1e18, "1,000,000T"),
        (-33.3e6, "-33.3M"),
        (12_350, "12.4k"),
        (12_450, "12.4k"),
    ],
)
def test_tokens_are_shown_in_three_digits(amount: float, shown: str) -> None:
    assert format_tokens(amount) == shown


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (Fraction("1234.56"), "USD", "$1,234.56"),
        (Fraction("0.125"), "EUR", "€0.12"),
        (Fraction("0.135"), "EUR", "€0.14"),
        (Decimal("1e6"), "INR", "₹1,000,000.00"),
        (7, "CHF", "CHF 7.00"),
        (Fraction("-1234.5"), "USD", "-$1,234.50"),
        (Fraction("-0.004"), "USD", "$0.00"),
    ],
)
def test_money_is_shown_to_the_cent_half_to_even(amount: Fraction, currency: str, shown: str) -> None:
    assert format_money(amount, currency) == shown


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_never_shown_as_a_number(amount: float) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        format_tokens(amount)
    with pytest.raises(ValueError, match="not a finite number"):
        format_money(amount, "USD")


ANYTHING = (
    st.text(max_size=200)
    | st.text(alphabet="0123456789.,_%-+eEkMBT $€₹/USDaperhoutknsqiyml", max_size=30)
    | st.integers()
    | st.decimals()
    | st.floats()
    | st.fractions()
    | st.none()
    | st.booleans()
    | st.lists(st.integers(), max_size=2)
)
PARSERS = [parse_count, parse_share, parse_fraction, parse_rate, parse_seconds, money(ALL_PER), money(PLAIN)]


def outcome(parse: Callable[[object], object], value: object) -> object:
    try:
        return parse(value)
    except UnitError as error:
        return error


@given(ANYTHING, st.sampled_from(PARSERS))
def test_anything_is_read_exactly_or_refused(value: object, parse: Callable[[object], object]) -> None:
    result = outcome(parse, value)
    if isinstance(result, UnitError):
        assert result.expected
        return
    amount = result if isinstance(result, Fraction) else result.amount  # type: ignore[attr-defined]
    assert type(amount) is Fraction
    assert amount >= 0


AMOUNTS = st.decimals(min_value=0, max_value=10**12, places=4, allow_nan=False)


@given(AMOUNTS, st.sampled_from([("", 1), ("k", 10**3), (" M", 10**6), ("B", 10**9), (" crore", 10**7)]))
def test_a_count_typed_in_any_magnitude_is_exact(amount: Decimal, magnitude: tuple[str, int]) -> None:
    word, scale = magnitude
    assert parse_count(f"{amount:,f}{word}") == Fraction(amount) * scale


@given(AMOUNTS, st.sampled_from(["USD", "EUR", "INR", "CHF"]))
def test_shown_money_reads_back_to_the_cent(amount: Decimal, currency: str) -> None:
    cents = parse_money(format_money(amount, currency)).amount
    assert abs(cents - Fraction(amount)) <= Fraction(1, 200)


@given(st.integers(1, 999), st.integers(-2, 12))
def test_three_digits_read_back_as_they_were(digits: int, exponent: int) -> None:
    number = Fraction(digits) * Fraction(10) ** exponent
    assert parse_count(format_tokens(number)) == number


@given(st.fractions(min_value=Fraction(1, 10**6), max_value=10**15))
def test_shown_tokens_are_within_half_of_the_third_digit(number: Fraction) -> None:
    shown = parse_count(format_tokens(number))
    assert abs(shown - number) <= number * Fraction(5, 1000)


def test_units_import_nothing_heavy() -> None:
    code = "import sys, tco.units; print({'numpy', 'pydantic', 'yaml'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
