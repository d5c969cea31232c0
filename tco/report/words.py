"""How numbers and findings are said, once for every output."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from tco.analysis.compare import Comparison, Standing
from tco.analysis.crossings import Band, Crossing, Pair
from tco.units import format_money, format_tokens

CATEGORIES = {"api": "API", "endpoint": "endpoint", "gpu": "GPUs", "people": "people", "fixed": "fixed"}


def money(amount: Decimal | Fraction, currency: str) -> str:
    """To the cent."""
    return format_money(amount, currency)


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
    return f"{value:,.0f} %" if value >= 10 or value == int(value) else f"{value:.1f} %"


def verdict(c: Comparison) -> str:
    """The answer in one sentence, and a second where it names a model that is gone."""
    at = f"at {tokens(c.volume)} tokens/day"
    r = c.recommendation
    if r.option is None:
        return f"No option can serve this workload {at}."
    best = c.standing(r.option)
    cost = f"{money(best.ledger.total, c.currency)} a month"
    gone = f" But {best.name} was switched off on {best.retired}." if best.retired is not None else ""
    if r.runner_up is None:
        return f"{best.name} is the only option that can serve this workload {at}: {cost}.{gone}"
    second = c.standing(r.runner_up)
    other = money(second.ledger.total, c.currency)
    if r.too_close:
        apart = f"{percent(r.margin)} apart" if r.margin else "the same"
        return f"Too close to call {at}: {best.name} ({cost}) and {second.name} ({other}) are {apart}.{gone}"
    return f"{best.name} is cheapest {at}: {cost}, {percent(r.margin)} below {second.name} ({other}).{gone}"


def changes(c: Comparison) -> str:
    """Where the answer changes on either side of the planned volume, in words true of the whole range."""
    volume = float(c.volume)
    if not c.window[0] <= volume <= c.window[1]:
        return f"The plan lies outside the range looked at, {tokens(c.window[0])} to {tokens(c.window[1])} tokens/day."
    here = next(i for i, b in enumerate(c.bands) if volume <= b.hi)
    below, above = c.bands[:here], c.bands[here + 1 :]
    parts = []
    if below:
        start = f"from {edge(below[-1].lo)} " if len(below) > 1 else "up "
        parts.append(f"{start}to {edge(below[-1].hi)} tokens/day {_leads(below[-1])}")
    if above:
        last = above[-1]
        if len(above) == 1:
            parts.append(f"above {edge(last.lo)} tokens/day {_leads(last)}")
        else:
            parts.append(
                f"from {edge(above[0].lo)} to {edge(above[0].hi)} tokens/day {_leads(above[0])}, it changes "
                f"{len(above)} times in all, and above {edge(last.lo)} {_leads(last)}"
            )
    if not parts:
        return f"The answer is the same from {tokens(c.window[0])} to {tokens(c.window[1])} tokens/day."
    sentence = "; ".join(parts)
    return sentence[0].upper() + sentence[1:] + "."


def _leads(band: Band) -> str:
    if not band.leaders:
        return "no option is feasible"
    return f"{band_name(band)} {'are' if len(band.leaders) > 1 else 'is'} cheapest"


def edge(volume: Fraction | float) -> str:
    """A volume at which something changes, to four digits."""
    return format_tokens(volume, 4)


def uncrossed(c: Comparison) -> list[str]:
    """Pairs without a crossover in the range, one sentence for each option that is cheaper than others."""
    always: dict[str, list[str]] = {}
    here: dict[str, list[str]] = {}
    others = []
    for p in c.pairs:
        if p.outcome in ("always_a", "always_b"):
            winner, loser = (p.a, p.b) if p.outcome == "always_a" else (p.b, p.a)
            always.setdefault(winner, []).append(loser)
        elif p.outcome == "outside" and p.leader is not None:
            here.setdefault(p.leader, []).append(p.b if p.leader == p.a else p.a)
        elif not p.crossings:
            others.append(f"{p.a} and {p.b}: {outcome(p)}.")
    return [
        *(f"{winner} is always cheaper than {_listed(losers)}." for winner, losers in always.items()),
        *(
            f"{winner} is cheaper than {_listed(losers)} throughout the range; they cross only outside it."
            for winner, losers in here.items()
        ),
        *others,
    ]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def savings(s: Standing) -> str | None:
    """What a hybrid does to the API's bill and to the whole cost: two shares, seldom the same."""
    if s.savings is None:
        return None

    def change(cut: Fraction) -> str:
        return f"cuts {{}} by {percent(cut)}" if cut >= 0 else f"raises {{}} by {percent(-cut)}"

    bill = change(s.savings.api_bill).format(f"the API bill of {s.savings.against}")
    return f"{s.name} {bill} and {change(s.savings.total).format('the whole cost')}."


def band_name(band: Band) -> str:
    """Who leads a band."""
    return " = ".join(band.leaders) if band.leaders else "none feasible"


def outcome(pair: Pair) -> str:
    """What there is to say of two options over the whole range."""
    if pair.outcome == "identical":
        return "the same at every volume"
    if pair.outcome == "neither":
        return "neither can serve any volume in the range"
    return f"{len(pair.crossings)} crossover{'s' if len(pair.crossings) != 1 else ''}"


MARKS = {"step": "+", "end": "*"}
FOOTNOTES = {
    "step": "+ just above this volume: one of the two steps past the other there",
    "end": "* above this volume the other option cannot serve the load",
    "same": "a range: both cost the same over it",
}


def crossing_volume(x: Crossing) -> str:
    """The volume of a crossover, with a mark that its footnote explains."""
    if x.kind == "same":
        return f"{edge(x.since)}–{edge(x.volume)}"
    return edge(x.volume) + MARKS.get(x.kind, "")


def footnotes(crossings: list[Crossing]) -> list[str]:
    """The footnotes that these crossovers need."""
    kinds = {x.kind for x in crossings}
    return [text for kind, text in FOOTNOTES.items() if kind in kinds]


def feasible(s: Standing) -> str:
    """Whether an option can serve the volume, or why not."""
    return "yes" if s.feasible else "no"


def reasons(c: Comparison) -> list[str]:
    """Why options cannot serve the volume, a sentence each."""
    return [f"{s.name} cannot serve it: {'; '.join(s.reasons)}." for s in c.standings if not s.feasible]
