"""What the lists of a catalogue say of each entry, section by section, and how its figures are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

from tco.catalog.browse import Entry, Row
from tco.ranges import Range
from tco.report.words import significant
from tco.units import format_money

SIGNS = {"USD": "$", "EUR": "€", "INR": "₹", "GBP": "£"}
HUNDRED = Fraction(100)


class Line(NamedTuple):
    """One line of a list: cells by column, those that need room, and the day its figures were checked."""

    name: str
    cells: Sequence[str]
    roomy: Sequence[str]
    checked: date | None
    remark: str = ""
    """What stands under the name where there is no room beside it."""


class Listing(NamedTuple):
    """How a section is listed: its heading, the columns between name and date, and those that need room."""

    title: str
    columns: Sequence[str]
    roomy: Sequence[str]
    lines: Callable[[Entry], Iterable[Line]]
    under: bool = False
    """Whether all that needs room stands under the name where there is none beside it, or only a line's remark."""


def number(value: Fraction) -> str:
    """A number to six digits, with its bounds where it is a range: 30,000 (25,000–40,000)."""
    point = significant(Fraction(value))
    if isinstance(value, Range):
        return f"{point} ({significant(Fraction(value.low))}–{significant(Fraction(value.high))})"
    return point


def money(value: Fraction | None, currency: str) -> str:
    """An amount at full precision with its currency: $0.075, €90,000, CHF 3."""
    return "–" if value is None else f"{sign(currency)}{number(value)}"


def sign(currency: str) -> str:
    """How an amount of a currency begins."""
    return SIGNS.get(currency, f"{currency} ")


def per_mtok(value: Fraction | None) -> str:
    """A price per 1M tokens in full, to the cent at least: 0.075, 2.40."""
    if value is None:
        return "–"
    text = number(value)
    whole, _, decimals = text.partition(".")
    return text if "(" in text else f"{whole}.{decimals.ljust(2, '0')}"


def share(value: Fraction) -> str:
    """A share in per cent, with its bounds where it is a range: 30 % (25–35 %)."""
    text = number(value.scaled(HUNDRED) if isinstance(value, Range) else value * HUNDRED)
    return text.replace(" (", " % (").replace(")", " %)") if "(" in text else f"{text} %"


def _mark(row: Row) -> str:
    return "*" if row.spec.kind == "assumption" else ""


def _held(e: Entry) -> list[Row]:
    return [row for row in e.prices if row.holds]


def _to_come(e: Entry) -> str:
    """Why an entry has no price that holds."""
    dates = [row.spec.as_of for row in e.prices]
    return f"from {min(dates)}" if dates else "–"


def _model(e: Entry) -> Iterable[Line]:
    keys = ("input", "output", "cache_read")
    row = next(iter(_held(e)), None)
    if row is None:
        prices, tiers = [_to_come(e), "", ""], ""
    else:
        known = [row.spec.of(key) for key in keys]
        prices = ["–" if p is None else f"{sign(e.currency)}{per_mtok(p)}" for p in known]
        prices[0] += _mark(row)
        tiers = ", ".join([*(["long context"] if row.spec.long_context else []), *row.spec.tiers])
    retires = str(e.spec.retires or "")
    gone = f"switched off {retires}" if e.spec.retires and e.spec.retires <= e.as_of else ""
    yield Line(e.name, prices, (e.label, tiers, retires), e.checked, gone)


def _offer(e: Entry) -> Iterable[Line]:
    size = gpus(e.spec.gpus, e.spec.gpu)
    held = sorted(_held(e), key=lambda row: row.spec.term)
    for term, group in groupby(held, key=lambda row: row.spec.term):
        rows = list(group)
        per_gpu = sorted(row.spec.per_hour / e.spec.gpus for row in rows)
        cents = [format_money(p, e.currency) for p in (per_gpu[0], per_gpu[-1])]
        cost = cents[0] if cents[0] == cents[1] else f"{cents[0]}–{cents[1].lstrip('$€₹£')}"
        regions = list(dict.fromkeys(row.spec.region for row in rows))
        cells = (size, term, cost + _mark(rows[0]), str(len(regions)))
        yield Line(e.name, cells, (", ".join(regions),), min(row.spec.checked for row in rows))
    if not held:
        yield Line(e.name, (size, "", _to_come(e), ""), ("",), e.checked)


def gpus(count: int, gpu: str) -> str:
    """So many of a GPU."""
    return gpu if count == 1 else f"{count}× {gpu}"


def _person(e: Entry) -> Iterable[Line]:
    (row,) = e.prices
    whole = money(Fraction(row.spec.per_year * row.spec.loading), e.currency)
    cells = (money(row.spec.per_year, e.currency) + _mark(row), whole)
    yield Line(e.name, cells, (number(row.spec.loading), row.spec.role), e.checked)


RATES = {
    "requests_per_s": "requests/s",
    "output_tokens_per_s": "output/s",
    "total_tokens_per_s": "tokens/s",
    "prefill_tokens_per_s": "input/s",
    "decode_tokens_per_s": "output/s",
}


def _capacity(e: Entry) -> Iterable[Line]:
    spec = e.spec
    known = [(getattr(spec, key), unit) for key, unit in RATES.items() if getattr(spec, key) is not None]
    rate = ", ".join(f"{number(value)} {unit}" for value, unit in known)
    cached = "" if spec.cached_tokens is None else f" ({number(spec.cached_tokens)} cached)"
    mix = (
        f"{number(spec.input_tokens)} in{cached}, {number(spec.output_tokens)} out"
        if spec.input_tokens is not None
        else ""
    )
    objective = spec.objective if spec.measured is None else f"{spec.objective}, {spec.provenance}"
    roomy = (gpus(spec.gpus_per_replica, spec.gpu), mix, objective)
    yield Line(e.name, (rate + _mark(e.prices[0]),), roomy, e.checked)


def _open(e: Entry) -> Iterable[Line]:
    spec = e.spec
    weights = spec.weights_gb.of("bf16")
    cells = (
        f"{significant(spec.parameters_b, 4)}B{_mark(e.prices[0])}",
        f"{significant(spec.active_parameters_b, 4)}B",
        "–" if weights is None else f"{number(weights)} GB",
        f"{number(spec.max_context_tokens)}",
    )
    yield Line(e.name, cells, (spec.licence,), e.checked)


def _hardware(e: Entry) -> Iterable[Line]:
    spec = e.spec
    held = _held(e)
    price = money(held[-1].spec.price, e.currency) + _mark(held[-1]) if held else _to_come(e)
    if spec.system_watts:
        watts = f"{number(spec.system_watts.value)} W"
    else:
        watts = f"{number(spec.gpu_watts.value)} W/GPU" if spec.gpu_watts else ""
    yield Line(
        e.name,
        (price,),
        (gpus(spec.gpus, spec.gpu), watts, spec.name),
        e.checked,
        ", ".join(filter(None, (spec.name, watts))),
    )


def _price(key: str, per: str) -> Callable[[Entry], Iterable[Line]]:
    def lines(e: Entry) -> Iterable[Line]:
        row = next(iter(_held(e)), None)
        cell = _to_come(e) if row is None else f"{money(getattr(row.spec, key), e.currency)} {per}{_mark(row)}"
        yield Line(e.name, (cell,), (e.label,), e.checked)

    return lines


def _pue(e: Entry) -> Iterable[Line]:
    yield Line(e.name, (number(e.spec.pue) + _mark(e.prices[0]),), (e.spec.name,), e.checked)


def _colocation(e: Entry) -> Iterable[Line]:
    row = next(iter(_held(e)), None)
    key = "per_server_month" if row is not None and row.spec.per_kw_month is None else "per_kw_month"
    power = "power included" if e.spec.includes_power else "without power"
    for line in _price(key, "a server" if key == "per_server_month" else "a kW")(e):
        yield line._replace(roomy=(power, e.label))


def _rate(e: Entry) -> Iterable[Line]:
    row = next(iter(_held(e)), None)
    cell = _to_come(e) if row is None else f"{number(row.spec.usd)}{_mark(row)}"
    yield Line(e.name, (cell, f"since {row.spec.as_of}" if row else ""), (), e.checked)


OFFERS = ("GPU", "term", "per GPU-hour", "regions"), ("where",), _offer
LISTINGS = {
    "models": Listing("APIs, per 1M tokens", ("input", "output", "cached"), ("model", "also", "ends"), _model),
    "gpus": Listing("rented by the hour", *OFFERS),
    "endpoints": Listing("managed, by the hour", *OFFERS),
    "people": Listing("a full year of one person", ("paid", "in all"), ("loading", "role"), _person),
    "capacity": Listing("what one replica sustains", ("rate",), ("GPUs", "mix", "objective"), _capacity, True),
    "open_weights": Listing("models to run oneself", ("parameters", "active", "bf16", "context"), ("licence",), _open),
    "hardware": Listing("to buy", ("price",), ("GPUs", "power", "what"), _hardware, True),
    "electricity": Listing("per kWh", ("price",), ("where",), _price("per_kwh", "a kWh"), True),
    "pue": Listing("power of a site over that of its computers", ("PUE",), ("where",), _pue, True),
    "colocation": Listing("space, a month", ("price",), ("power", "where"), _colocation, True),
    "exchange_rates": Listing("US dollars for one", ("USD", "rate of"), (), _rate),
}
"""How each section is listed; a section without one cannot be."""
