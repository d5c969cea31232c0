"""Units: what a person types as a number, a rate, money or a duration, read into exact fractions.

Pure: no I/O, no third-party import. Every function takes what YAML hands over (text, `int`, `Decimal`) and
also the `Fraction` and `float` of a Python caller; a float is read as its shortest decimal, so 0.7 is seven
tenths. Whatever is wrong with the input, the one exception is `UnitError`, and no input is slow.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import Literal, NamedTuple

from tco import numerals
from tco.numerals import UnitError, case_hint, number, scientific_hint, start

__all__ = [
    "Flow",
    "Money",
    "UnitError",
    "format_money",
    "format_tokens",
    "parse_count",
    "parse_fraction",
    "parse_money",
    "parse_rate",
    "parse_seconds",
    "parse_share",
    "scientific_hint",
]

TrafficUnit = Literal["tokens", "requests"]
Period = Literal["second", "minute", "hour", "day", "month", "year"]


class Flow(NamedTuple):
    """So many tokens or requests per period."""

    amount: Fraction
    unit: TrafficUnit
    per: Period


class Money(NamedTuple):
    """An amount of one currency (ISO 4217 code), plain (`per` is None) or per a period or a billed thing."""

    amount: Fraction
    currency: str
    per: str | None


_COUNT = "a number of 0 or more, such as 250, 1,500 or 33.3M"
_SHARE = "a share from 0 to 1, such as 70% or 0.7"
_FRACTION = "a factor of 0 or more, such as 130% or 1.3"
_RATE = "a rate such as 33.3M tokens/day or 100k requests/month"
_SECONDS = "a duration such as 500ms, 30 s, 3 min or 2 h"

_SIGNS = {"$": "USD", "€": "EUR", "₹": "INR", "£": "GBP"}
_SIGN_OF = {code: sign for sign, code in _SIGNS.items()}

_TIME: dict[str, Period] = {
    "s": "second", "sec": "second", "second": "second", "min": "minute", "minute": "minute",
    "h": "hour", "hr": "hour", "hour": "hour", "d": "day", "day": "day", "mo": "month", "month": "month",
    "y": "year", "yr": "year", "year": "year", "annum": "year",
}  # fmt: skip
_SECONDS_IN: dict[Period | None, int] = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_TRAFFIC: dict[str, TrafficUnit] = {
    "token": "tokens", "tok": "tokens",
    "request": "requests", "req": "requests", "query": "requests", "querie": "requests", "call": "requests",
    "task": "requests",
}  # fmt: skip

_PER: dict[str, tuple[str, str]] = {
    "hour": ("hour", "$1.10/hour"),
    "gpu_hour": ("GPU-hour", "$1.10/GPU-hour"),
    "month": ("month", "$8,000/month"),
    "quarter": ("quarter", "$5k/quarter"),
    "year": ("year", "80k USD/year"),
    "day": ("day", "$250/day"),
    "minute": ("minute", "$0.02/minute"),
    "second": ("second", "$0.0003/second"),
    "mtok": ("1M tokens", "$0.80/1M tokens"),
    "request": ("request", "$0.002/request"),
    "seat_month": ("seat-month", "$30/seat-month"),
    "kwh": ("kWh", "$0.12/kWh"),
    "gb": ("GB", "$0.09/GB"),
    "gb_month": ("GB-month", "$0.02/GB-month"),
}
"""What money can be per: how messages name it, and an example."""

_COMPOUND = re.compile(r"(gpu|gb|seat|user)(?:[ /-]| per )?([a-z]+)")
_CURRENCY = re.compile(r"([$€₹£])\s*|([A-Z]{3})(?![A-Za-z])\s*")
_SEPARATOR = re.compile(r"\s*/\s*|\s*\b(?:per|an?)\s+", re.IGNORECASE)


def parse_count(value: object) -> Fraction:
    """A finite number of 0 or more, with a magnitude (``1.5k``, ``4 lakh``) and no unit. Raises UnitError."""
    text, given = start(value, _COUNT)
    if given is not None:
        return given
    amount, rest = number(text, value, _COUNT)
    if rest:
        raise UnitError(value, _COUNT, case_hint(text, rest), "unexpected text after the number")
    return amount


def parse_fraction(value: object) -> Fraction:
    """A factor of 0 or more, as a number or in percent; may exceed 1 (``130%`` is 1.3). Raises UnitError."""
    return _percentage(value, _FRACTION)


def parse_share(value: object) -> Fraction:
    """A share from 0 to 1, as a number or in percent (``70%`` is 0.7). Raises UnitError; 70 is one."""
    share = _percentage(value, _SHARE)
    if share > 1:
        # From 2 on, a bare number can only be a percentage without its sign; 1.3 may be meant as it is.
        forgotten = 2 <= share <= 100 and not str(value).strip().endswith("%")
        raise UnitError(value, _SHARE, f"did you mean `{value}%`?" if forgotten else "", "share above 1")
    return share


def parse_rate(value: object) -> Flow:
    """Tokens or requests per period: ``33.3M tokens/day``, ``5k queries a month``. Raises UnitError."""
    text, given = start(value, _RATE)
    amount, rest = number(text, value, _RATE) if given is None else (given, "")
    if not rest:
        raise UnitError(value, _RATE, message="rate without a unit")
    name, _, period = _split(rest)
    unit = _TRAFFIC.get(_singular(name))
    if unit is None:
        raise UnitError(value, _RATE, case_hint(text, rest), "neither tokens nor requests")
    if not period:
        raise UnitError(value, _RATE, f"did you mean `{text.rstrip('/ ')}/day`?", "rate without a period")
    per = _TIME.get(_singular(period))
    if per is None:
        expected = f"{unit} per second, minute, hour, day, month or year"
        raise UnitError(value, expected, message="unknown period")
    return Flow(amount, unit, per)


def parse_money(value: object, per: frozenset[str | None] = frozenset({None})) -> Money:
    """Money per one of `per` (None in it allows a plain amount): ``$1.10/hour``, ``€3 per 1M tokens``.

    `per` holds names among hour, gpu_hour, day, month, quarter, year, minute, second, mtok, request, seat_month,
    kwh, gb and gb_month. A price per any number of tokens comes back per 1M (`mtok`), one per any number of
    requests per one. Raises UnitError, also where the currency is missing, or what it is per is not among
    `per`.
    """
    expected = _money_expected(per)
    text, given = start(value, expected)
    if given is not None:
        raise UnitError(value, expected, message="money without a currency")
    before, rest = _currency(text)
    amount, rest = number(rest, value, expected)
    after, rest = _currency(rest)
    if before and after and before != after:
        raise UnitError(value, expected, message="two currencies")
    code = before or after
    if not code:
        raise UnitError(value, expected, _currency_hint(text, rest), "money without a currency")
    if not rest:
        if None in per:
            return Money(amount, code, None)
        names = [name for name in per if name]
        hint = f"did you mean `{text}/{_name(names[0])}`?" if len(names) == 1 else ""
        raise UnitError(value, expected, hint, "money without what it is per")
    head, separator, tail = _split(rest)
    if head or not separator:
        raise UnitError(value, expected, case_hint(text, rest), "unexpected text after the amount")
    unit, count = _per(tail, value, expected)
    if unit not in per:
        raise UnitError(value, expected, message=f"money per {_name(unit)} does not fit here")
    return Money(amount * (10**6 if unit == "mtok" else 1) / count, code, unit)


def parse_seconds(value: object) -> Fraction:
    """A duration, in seconds: ``500ms``, ``30 s``, ``3 min``, ``2 h``, ``1 day``. Raises UnitError."""
    text, given = start(value, _SECONDS)
    amount, rest = number(text, value, _SECONDS, magnitudes=False) if given is None else (given, "")
    if not rest:
        raise UnitError(value, _SECONDS, message="duration without a unit")
    if rest.lower() in ("ms", "millisecond", "milliseconds"):
        return amount / 1000
    seconds = _SECONDS_IN.get(_TIME.get(_singular(rest)))
    if seconds is None:
        hint = "did you mean `ms` or `min`?" if rest.lower() == "m" else ""
        raise UnitError(value, _SECONDS, hint, "unknown unit of time")
    return amount * seconds


def format_tokens(amount: Fraction | float, digits: int = 3) -> str:
    """A number to so many significant digits, half to even, with k, M, B or T: 33.3M. ValueError if not finite."""
    exact = _exact(amount)
    if not exact:
        return "0"
    exponent = len(str(abs(exact.numerator))) - len(str(exact.denominator))
    if abs(exact) < Fraction(10) ** exponent:
        exponent -= 1
    step = Fraction(10) ** (exponent - digits + 1)
    rounded = round(exact / step) * step
    # Scaled after rounding: 999,950 rounds to 1,000,000 and must print as 1M, not 1000k.
    scale, letter = next((s for s in numerals.SCALES if abs(rounded) >= s[0]), (1, ""))
    return f"{numerals.written_out(rounded / scale)}{letter}"


def format_money(amount: Fraction | Decimal | float, currency: str) -> str:
    """An amount to the cent, half to even of its exact value: ``$1,234.56``, ``CHF 1,234.56``.

    Raises ValueError for a number that is not finite.
    """
    cents = round(_exact(amount) * 100)
    prefix = _SIGN_OF.get(currency) or f"{currency} "
    return f"{'-' if cents < 0 else ''}{prefix}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def _exact(amount: Fraction | Decimal | float) -> Fraction:
    if isinstance(amount, float | Decimal) and not isfinite(amount):
        raise ValueError(f"not a finite number: {amount}")
    return Fraction(amount)


def _percentage(value: object, expected: str) -> Fraction:
    text, given = start(value, expected)
    if given is not None:
        return given
    amount, rest = number(text, value, expected, magnitudes=False)
    if rest not in ("", "%"):
        raise UnitError(value, expected, message="unexpected text after the number")
    return amount / 100 if rest else amount


def _currency(text: str) -> tuple[str, str]:
    """The currency code at the start of `text` (empty if there is none), and what follows it."""
    match = _CURRENCY.match(text)
    if not match:
        return "", text
    return match[2] or _SIGNS[match[1]], text[match.end() :]


def _currency_hint(text: str, rest: str) -> str:
    code = re.match(r"[a-z]{3}\b", rest)
    if code:
        return f"did you mean `{text.removesuffix(rest)}{code[0].upper()}{rest[3:]}`?"
    return f"did you mean `${text}`?" if text[0].isdigit() else ""


def _per(text: str, value: object, expected: str) -> tuple[str, Fraction]:
    """What money is per, by its key in `_PER`, and how many of it: single tokens, single requests, or one."""
    count, name = Fraction(1), text
    counted = numerals.starts_number(text)
    if counted:
        count, name = number(text if text[0] in "0123456789." else f"1{text}", value, expected)
    traffic = _TRAFFIC.get(_singular(name))
    if traffic and count:
        return ("mtok" if traffic == "tokens" else "request"), count
    if not counted:
        unit = _TIME.get(_singular(name)) or _compound(name.lower())
        if unit in _PER:
            return unit, count
    hint = f"did you mean `{value} tokens`?" if counted and not name and count else ""
    raise UnitError(value, expected, hint, "unknown unit after the amount")


def _compound(name: str) -> str:
    """``gpu-hour`` and ``gpu h`` -> gpu_hour; ``gb`` -> gb; anything else as it is."""
    match = _COMPOUND.fullmatch(name)
    if not match:
        return name
    return f"{'seat' if match[1] == 'user' else match[1]}_{_TIME.get(_singular(match[2]), '')}"


def _name(unit: str) -> str:
    return _PER[unit][0] if unit in _PER else unit


def _money_expected(per: frozenset[str | None]) -> str:
    """Names what is allowed in the order of `_PER`, with the example of the first."""
    units = [unit for unit in _PER if unit in per]
    if not units:
        return "an amount of money such as $1,200 or 80k USD"
    *first, last = [_name(unit) for unit in units]
    listed = f"{', '.join(first)} or {last}" if first else last
    alone = "an amount of money, or " if None in per else ""
    return f"{alone}money per {listed}, such as {_PER[units[0]][1]}"


def _split(text: str) -> tuple[str, str, str]:
    """What stands before the first `/`, `per` or `a`, that separator, and what follows."""
    match = _SEPARATOR.search(text)
    return (text[: match.start()], match[0], text[match.end() :]) if match else (text, "", "")


def _singular(text: str) -> str:
    name = text.strip().lower()
    return name[:-1] if len(name) > 1 and name.endswith("s") else name
