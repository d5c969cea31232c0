"""How numbers and findings are said, once for every output."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from tco.analysis.compare import Band, Comparison, Crossing, Pair, Standing
from tco.units import format_money, format_tokens

CATEGORIES = {"api": "API", "endpoint": "endpoint", "gpu": "GPUs", "people": "people", "fixed": "fixed"}


def money(amount: Decimal | Fraction, currency: str) -> str:
    """To the cent."""
    return format_money(amount, currency)


def rate(amount: Fraction, currency: str) -> str:
    """A rate or unit cost, to six significant digits."""
    return f"{significant(amount)} {currency}"


def significant(amount: Fraction, digits: int = 6) -> str:
    """Plain decimal notation to so many significant digits, trailing zeros dropped; integers in full."""
    if not amount:
        return "0"
    exponent = len(str(abs(amount.numerator))) - len(str(amount.denominator))
    if abs(amount) < Fraction(10) ** exponent:
        exponent -= 1
    places = max(digits - 1 - exponent, 0)
    scaled = round(amount * 10**places)
    text = f"{Decimal(scaled).scaleb(-places):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def tokens(volume: Fraction | float) -> str:
    """A volume, short."""
    return format_tokens(volume)


def percent(share: Fraction | float) -> str:
    """A share in per cent, one decimal where it matters."""
    value = float(share) * 100
    return f"{value:.0f} %" if value >= 10 or value == int(value) else f"{value:.1f} %"


def verdict(c: Comparison) -> str:
    """The answer in one sentence."""
    at = f"at {tokens(c.volume)} tokens/day"
    r = c.recommendation
    if r.option is None:
        return f"No option can serve this workload {at}."
    best = c.standing(r.option)
    cost = f"{money(best.ledger.total, c.currency)} a month"
    if r.runner_up is None:
        return f"{best.name} is the only option that can serve this workload {at}: {cost}."
    second = c.standing(r.runner_up)
    if r.too_close:
        return (
            f"Too close to call {at}: {best.name} ({cost}) and {second.name} "
            f"({money(second.ledger.total, c.currency)}) are {percent(r.margin)} apart."
        )
    return (
        f"{best.name} is cheapest {at}: {cost}, {percent(r.margin)} below {second.name} "
        f"({money(second.ledger.total, c.currency)})."
    )


def changes(c: Comparison) -> str:
    """Where the answer changes next, in one sentence."""
    later = [b for b in c.bands if float(b.lo) >= float(c.volume)]
    here = next((b for b in c.bands if float(b.lo) < float(c.volume) <= float(b.hi)), None)
    parts = []
    if here is not None and here.lo > c.window[0]:
        before = next(b for b in c.bands if b.hi == here.lo)
        parts.append(f"up to {tokens(here.lo)} tokens/day {band_name(before)}")
    if later:
        parts.append(f"above {tokens(later[0].lo)} tokens/day {band_name(later[0])}")
    if not parts:
        return f"The answer is the same from {tokens(c.window[0])} to {tokens(c.window[1])} tokens/day."
    return "It changes: " + "; ".join(parts) + "."


def band_name(band: Band) -> str:
    """Who leads a band."""
    return " = ".join(band.leaders) if band.leaders else "none feasible"


def outcome(pair: Pair) -> str:
    """How two options compare over the whole range, when they do not cross in it."""
    if pair.outcome == "always_a":
        return f"{pair.a} is always cheaper"
    if pair.outcome == "always_b":
        return f"{pair.b} is always cheaper"
    if pair.outcome == "identical":
        return "the same at every volume"
    if pair.outcome == "outside":
        if pair.leader is None:
            return "cross only outside the range"
        return f"{pair.leader} is cheaper throughout; they cross only outside the range"
    return f"{len(pair.crossings)} crossover{'s' if len(pair.crossings) != 1 else ''}"


def crossing_volume(x: Crossing) -> str:
    """The volume of a crossover, with what happens there."""
    if x.kind == "same":
        return f"{tokens(x.since)}–{tokens(x.volume)}"
    return tokens(x.volume)


def crossing_kind(x: Crossing) -> str:
    """What happens at a crossover."""
    return {
        "meet": "they cost the same",
        "step": "just above it",
        "same": "the same over this range",
        "end": "the other can serve no more",
    }[x.kind]


def feasible(s: Standing) -> str:
    """Whether an option can serve the volume, or why not."""
    return "yes" if s.feasible else "no: " + "; ".join(s.reasons)
