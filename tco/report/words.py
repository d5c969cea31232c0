"""How numbers and findings are said, once for every output."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil, isclose, isinf

from tco.analysis.compare import Comparison, Flip, Standing
from tco.analysis.crossings import Band, Crossing, Pair
from tco.analysis.feasibility import ruled_out
from tco.analysis.uncertainty import Spread
from tco.lineitem import KEY_JOINT, Figure
from tco.options.base import Note
from tco.ranges import Range
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


def figure(value: Fraction) -> str:
    """A number, and the bounds of one that is a range."""
    if not isinstance(value, Range):
        return significant(value)
    bounds = f"{significant(value.low)} – {significant(value.high)}"
    return f"{significant(value)} ({'P10 – P90 ' if value.shape == 'lognormal' else ''}{bounds})"


def tokens(volume: Fraction | float) -> str:
    """A volume, short."""
    return format_tokens(volume)


def percent(share: Fraction | float) -> str:
    """A share in per cent, one decimal where it matters."""
    value = float(share) * 100
    if 0 < value < 0.05:
        return "under 0.1 %"
    return f"{value:,.0f} %" if value >= 10 or value == int(value) else f"{value:.1f} %"


def verdict(c: Comparison) -> str:
    """The answer in one sentence, and a second where it names a model that is gone."""
    at = f"at {tokens(c.volume)} tokens/day"
    r = c.recommendation
    if r.option is None:
        return f"No option can serve this workload {at}."
    best = c.standing(r.option)
    cost = f"{money(best.ledger.total, c.currency)} a month"
    doubts = [note.text for note in c.warnings if note.grave and note.option in (best.name, *best.leaves)]
    gone = "".join(f" But {text}." for text in doubts)
    if r.runner_up is None and r.too_close:
        sure = share_of_draws(r.probability or 0.0)
        return f"Too close to call {at}: only {best.name} can serve it ({cost}), and in {sure} of draws.{gone}"
    if r.runner_up is None:
        return f"{best.name} is the only option that nothing rules out {at}: {cost}.{gone}"
    second = c.standing(r.runner_up)
    other = money(second.ledger.total, c.currency)
    if r.too_close:
        apart = f"{percent(r.margin)} apart" if r.margin else "the same"
        sure = (
            ""
            if r.probability is None
            else f", and {best.name} is cheapest in {share_of_draws(r.probability)} of draws"
        )
        return f"Too close to call {at}: {best.name} ({cost}) and {second.name} ({other}) are {apart}{sure}.{gone}"
    sure = "" if r.probability is None else f"; cheapest in {share_of_draws(r.probability)} of draws"
    return f"{best.name} is cheapest {at}: {cost}, {percent(r.margin)} below {second.name} ({other}){sure}.{gone}"


def why(c: Comparison) -> list[str]:
    """What decided, and what would have to be true for the next option to win."""
    r = c.recommendation
    said = []
    if r.ruled_out and r.option is not None:
        first = c.standing(r.ruled_out[0])
        cost = money(first.ledger.total, c.currency)
        more = list(r.ruled_out[1:])
        others = f" So {'is' if len(more) == 1 else 'are'} {listed(more)}." if more else ""
        said.append(f"{first.name} would cost {cost} but is ruled out: {'; '.join(first.reasons)}.{others}")
    if r.flips and r.runner_up is not None:
        said.append(f"{r.runner_up} would win with {', or '.join(map(_flip, r.flips))}.")
    if r.option is not None and (saving := c.standing(r.option).saving) is not None:
        amount = money(abs(saving.amount), c.currency)
        less = "less" if saving.amount >= 0 else "more"
        said.append(
            f"{r.option} costs {amount} a month ({percent(abs(saving.share))}) {less} than {saving.current} today."
        )
    if r.stage is not None and c.staged:
        said.append(f"Stage: {r.stage}.")
    return said


def _flip(f: Flip) -> str:
    if f.what == "volume":
        return f"a volume {f.of} {edge(f.value)} tokens/day ({f.value / f.now:.4g} × the plan)"
    if f.what == "price":
        return f"its {CATEGORIES.get(f.of, f.of)} {at_least(f.value)} cheaper"
    return f"its GPUs {at_least(f.value)} busy, by other work too, instead of {percent(f.now)}"


def at_least(share: float) -> str:
    """A share in per cent, rounded up: what is printed suffices."""
    digits = 0 if share >= 0.1 else 1
    return f"{ceil(share * 100 * 10**digits - 1e-9) / 10**digits:,.{digits}f} %"


def against(s: Standing) -> str:
    """What an option costs more or less than what runs today."""
    if s.saving is None:
        return "–"
    return f"{-s.saving.amount:+,.2f}"


def spread(of: Spread) -> str:
    """P10 and P90 of an amount, short; a dash where nothing moves it."""
    if isclose(of.p10, of.p90):
        return "–"
    return f"{format_tokens(of.p10)} – {format_tokens(of.p90)}"


def spread_of_volumes(of: Spread, window: tuple[float, float]) -> str:
    """P10 and P90 of a volume: `above` the range where so many draws have none in it."""

    def one(volume: float) -> str:
        return f"above {edge(window[1])}" if isinf(volume) else edge(volume)

    return one(of.p10) if of.p10 == of.p90 else f"{one(of.p10)} – {one(of.p90)}"


def share_of_draws(share: float) -> str:
    """A share of draws in per cent: of a few hundred, no decimals, but never rounded to all or none."""
    if 0 < share < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < share < 1 else f"{share:.0%}".replace("%", " %")


def sureness(c: Comparison) -> list[str]:
    """Who is cheapest in how many draws, and what was drawn."""
    u = c.uncertainty
    if u is None:
        return []
    said = []
    leaders = sorted((name for name, share in u.cheapest.items() if share), key=lambda name: -u.cheapest[name])
    if leaders:
        shares = ", ".join(f"{name} in {share_of_draws(u.cheapest[name])}" for name in leaders)
        said.append(f"Cheapest at the plan: {shares} of draws.")
    names = list(dict.fromkeys(map(range_name, u.ranges)))
    shown = ", ".join(names[:MOST_RANGES]) + (
        f" and {len(names) - MOST_RANGES} more" if len(names) > MOST_RANGES else ""
    )
    said.append(f"Drawn: {shown}.")
    return said


MOST_RANGES = 8


def gathered(notes: Sequence[Note]) -> list[str]:
    """Notes in words, one that holds for several options said once."""
    whose: dict[str, list[str]] = {}
    for note in notes:
        whose.setdefault(note.text, []).append(note.option)
    return [f"{', '.join(names)}: {text}" if any(names) else text for text, names in whose.items()]


def range_name(figure: Figure) -> str:
    """A range by its keys: `own-gpus.people.fte`, `input_tokens`."""
    keys = figure.home.key.split(KEY_JOINT)
    if figure.home.source:  # of a catalogue: the entry's name, and what of it
        return f"{figure.home.source.partition(':')[0]}: {figure.name}"
    for part in (["options"], ["workload", "classes"], ["workload"]):
        if keys[: len(part)] == part:
            return ".".join(keys[len(part) :])
    return ".".join(keys) if figure.home.key else figure.name


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
    out = {s.name for s in c.standings if ruled_out(s.checks) is not None}
    for p in c.pairs:
        if {p.a, p.b} & out:
            continue  # what is ruled out at every volume is said where its reason stands
        if p.outcome in ("always_a", "always_b"):
            winner, loser = (p.a, p.b) if p.outcome == "always_a" else (p.b, p.a)
            always.setdefault(winner, []).append(loser)
        elif p.outcome == "outside" and p.leader is not None:
            here.setdefault(p.leader, []).append(p.b if p.leader == p.a else p.a)
        elif not p.crossings:
            others.append(f"{p.a} and {p.b}: {outcome(p)}.")
    return [
        *(f"{winner} is never dearer than {listed(losers)}." for winner, losers in always.items()),
        *(
            f"{winner} is cheaper than {listed(losers)} throughout the range; they cross only outside it."
            for winner, losers in here.items()
        ),
        *others,
    ]


def listed(names: list[str]) -> str:
    """Names in a sentence."""
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
    if not s.feasible:
        return "no"
    return f"{s.unknown[0].stage}?" if s.unknown else "yes"


def reasons(c: Comparison) -> list[str]:
    """Why options cannot serve the volume, a sentence each."""
    return [f"{s.name} cannot serve it: {'; '.join(s.reasons)}." for s in c.standings if not s.feasible]
