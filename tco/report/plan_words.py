"""How a plan is said: the answer, when it changes, what pays back, who can serve when. Once for every output."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isinf

from tco.analysis.outcome import (
    Choice,
    Span,
    choice,
    only_with_its_worth,
    serves_throughout,
    serving,
    share_serving,
    unable,
)
from tco.analysis.plan import Payback, Plan, Prospect
from tco.calendar import NAMES, Month
from tco.quantity import Array
from tco.report.words import listed, money, percent, share_of_draws, significant, tokens

NONE = "–"
"""Where there is nothing to say."""
MOST_CHANGES = 3
MOST_PAYBACKS = 3
MOST_SPANS = 3


def named(month: Month) -> str:
    """A month by its name: `Mar 2028`."""
    return f"{NAMES[month.number - 1].capitalize()} {month.year}"


def horizon(p: Plan) -> str:
    """How long the plan is, and from when: `36 months from Jan 2027`."""
    count = len(p.months)
    return f"{count} month{'s' if count != 1 else ''} from {named(p.months[0])}"


def subtitle(p: Plan) -> str:
    """What the plan looks at: its months, the volume at both ends, the date of the prices."""
    volumes = tokens(p.volumes[0])
    if p.volumes[-1] != p.volumes[0]:
        volumes += f" → {tokens(p.volumes[-1])}"
    last = "" if len(p.months) == 1 else f" – {p.months[-1]}"
    return f"{p.months[0]}{last} · {volumes} tokens/day · prices as of {p.as_of}"


# -- the answer -------------------------------------------------------------------------------------------------------


def verdict(p: Plan) -> str:
    """The answer over the whole plan in one sentence, and a second where it names a model that is gone."""
    c = choice(p)
    if c.option is None:
        return _none(p)
    best = p.prospect(c.option)
    leaves = {best.name, *(s.key.part for s in best.costs)}
    doubts = "".join(f" But {n.text}." for n in p.warnings if n.grave and n.option in leaves)
    return f"{_choice(p, c, best)}{doubts}"


def _choice(p: Plan, c: Choice, best: Prospect) -> str:
    over, cost = f"over {horizon(p)}", _spent(p, best)
    sure = "" if c.probability is None else share_of_draws(c.probability)
    least = "pays least" if share_serving(best) in (None, 1.0) else "can serve every month and pays least"
    if c.runner_up is None:
        one = "the only option" if len(p.candidates) == 1 else "the only option that can serve every month"
        if c.too_close:
            return f"Too close to call {over}: {best.name} is {one} ({cost}), and in {sure} of draws."
        return f"{best.name} is {one} {over}: {cost}."
    second = p.prospect(c.runner_up)
    other = _compared(p, second)
    if c.too_close:
        apart = f"{percent(c.margin)} apart" if c.margin else "the same"
        drawn = f", and {best.name} {least} in {sure} of draws" if sure else ""
        both = f"{best.name} ({_compared(p, best)}) and {second.name} ({other})"
        return f"Too close to call {over}: {both} are {apart}{drawn}."
    drawn = f"; it {least} in {sure} of draws" if sure else ""
    return f"{best.name} pays least {over}: {cost}, {percent(c.margin)} below {second.name} ({other}){drawn}."


def _spent(p: Plan, one: Prospect) -> str:
    """What an option pays in all, and at present value where that is another figure."""
    present = f", {_present(p, one)} at present value" if p.discount_rate else ""
    return f"{money(one.total, p.currency)} in total{present}"


def _compared(p: Plan, one: Prospect) -> str:
    """The figure that decides: the present value."""
    return _present(p, one) if p.discount_rate else money(one.total, p.currency)


def _present(p: Plan, one: Prospect) -> str:
    return money(Fraction(one.npv), p.currency)


def _none(p: Plan) -> str:
    """Why nothing can be chosen for the whole plan."""
    able = {name: serving(p.prospect(name)) for name in p.candidates}
    if not any(able.values()):
        return f"No option can serve this workload in any of the {horizon(p)}."
    longest = max(able, key=lambda name: sum(s.last - s.first + 1 for s in able[name]))
    months = sum(s.last - s.first + 1 for s in able[longest])
    return f"No option can serve all {horizon(p)}: {longest} comes closest with {months} ({_when(p, able[longest])})."


def why(p: Plan) -> list[str]:
    """What is worth knowing beside the answer: when it changes, what was ruled out, what pays back."""
    c = choice(p)
    said = [sentence] if (sentence := changes(p)) else []
    if c.cheaper and c.option is not None:
        first = p.prospect(c.cheaper[0])
        more = list(c.cheaper[1:])
        others = f" Nor can {listed(more)}." if more else ""
        reason = "" if first.ruled_out is None else f": {first.ruled_out}"
        said.append(f"{first.name} would pay {_compared(p, first)}, but cannot serve every month{reason}.{others}")
    if c.option is not None and (earlier := _less_in_total(p, p.prospect(c.option))) is not None:
        said.append(earlier)
    return [*said, *paybacks(p, c)]


def _less_in_total(p: Plan, best: Prospect) -> str | None:
    """An option that pays less in all, and not at present value: it pays earlier."""
    others = [p.prospect(name) for name in p.candidates if name != best.name]
    less = [o for o in others if serves_throughout(o) and o.total < best.total]
    if not less:
        return None
    one = min(less, key=lambda o: o.total)
    return f"{one.name} pays less in total ({money(one.total, p.currency)}), but earlier."


def changes(p: Plan) -> str:
    """Which option is cheapest by the month, and when that changes, with the stage it comes to; "" of one option that
    can serve throughout."""
    staged = len({one.stage for one in p.prospects}) > 1

    def leads(option: str | None) -> str:
        if option is None:
            return "no option is feasible"
        stage = p.prospect(option).stage
        return f"{option} is cheapest" + (f" ({stage})" if staged and stage is not None else "")

    first = leads(p.cheapest[0])
    if not p.changes:
        if p.cheapest[0] is None:
            return "In no month is any option feasible."
        return "" if len(p.candidates) == 1 else f"In every month {first}."
    parts = [f"{_when(p, [Span(0, p.changes[0].month - 1)])} {first}"]
    shown = p.changes if len(p.changes) <= MOST_CHANGES else p.changes[:1]
    for i, change in enumerate(shown):
        end = len(p.months) if i + 1 == len(p.changes) else p.changes[i + 1].month
        parts.append(f"{_when(p, [Span(change.month, end - 1)])} {leads(change.after)}")
    if len(shown) < len(p.changes):
        last = p.changes[-1]
        parts.append(
            f"it changes {len(p.changes)} times in all, and from {named(p.months[last.month])} on {leads(last.after)}"
        )
    return f"Month by month, {'; '.join(parts)}."


# -- payback ----------------------------------------------------------------------------------------------------------


def paybacks(p: Plan, c: Choice) -> list[str]:
    """What the chosen option pays back against what runs today; where that is chosen, what the others do."""
    if p.current is None:
        return ["No `current` is stated: there is nothing to pay back against."] if len(p.prospects) > 1 else []
    if c.option is not None and c.option != p.current:
        return [_against(p, p.prospect(c.option))]
    others = [one for one in p.prospects if one.payback is not None]
    if not others:
        return []
    back = sorted((o for o in others if not isinf(_payback_of(o).interpolated)), key=lambda o: o.npv)
    today = f"{p.current} runs today" + (", and pays least" if c.option == p.current and not c.too_close else "")
    if not back:
        what = "the other option does not pay" if len(others) == 1 else "no other option pays"
        return [f"{today}: {what} back by {named(p.months[-1])}."]
    shown = "; ".join(f"{o.name} {_pays_back(p, _payback_of(o))}" for o in back[:MOST_PAYBACKS])
    return [f"{today}: {shown}."]


def _payback_of(one: Prospect) -> Payback:
    assert one.payback is not None
    return one.payback


def _against(p: Plan, one: Prospect) -> str:
    """What an option saves against what runs today, and when it has paid back."""
    today = p.prospect(p.current or "")
    saved = today.total - one.total
    share = f" ({percent(Fraction(abs(saved)) / Fraction(abs(today.total)))})" if today.total else ""
    what = f"pays {money(abs(saved), p.currency)}{share} {'less' if saved >= 0 else 'more'} in total"
    back = _pays_back(p, _payback_of(one))
    if only_with_its_worth(p, one):
        back += ", with what its hardware is worth then"
    if p.discount_rate and one.discounted_payback is not None and not isinf(_payback_of(one).interpolated):
        later = one.discounted_payback
        if isinf(later.interpolated):
            back += ", discounted not in the plan"
        elif later.interpolated:
            back += f", discounted after {later.interpolated:.1f} ({at_column(p, later.month)})"
    drawn, never = "", share_never(one)
    if never is not None and isinf(_payback_of(one).interpolated) and never < 1:
        drawn = f", and does in {share_of_draws(1 - never)} of draws"
    elif never:
        drawn = "" if isinf(_payback_of(one).interpolated) else f"; in {share_of_draws(never)} of draws it does not"
    short = "" if serves_throughout(today) else f" But {today.name} cannot serve every month of that."
    return f"Against {today.name}, which runs today, {one.name} {what}; it {back}{drawn}.{short}"


def _pays_back(p: Plan, found: Payback) -> str:
    if isinf(found.interpolated):
        return f"does not pay back by {named(p.months[-1])}"
    turn = "" if isinf(found.reverses) else f" until {at_column(p, found.reverses)}, when it has paid more again"
    if not found.interpolated:
        return f"has paid less from the start{turn}"
    return f"pays back after {found.interpolated:.1f} months ({at_column(p, found.month)}){turn}"


def at_column(p: Plan, column: float) -> str:
    """The month of a column; column 0 is before the first."""
    return named(p.months[int(column) - 1]) if column >= 1 else "the start"


def payback_cell(p: Plan, found: Payback | None) -> str:
    """Months and the month by name: `14.3 (Mar 2028)`."""
    short = months_cell(found)
    return f"{short} ({at_column(p, found.month)})" if found is not None and short[:1].isdigit() else short


def months_cell(found: Payback | None) -> str:
    """A payback in months."""
    if found is None:
        return NONE
    if isinf(found.interpolated):
        return "never"
    return f"{found.interpolated:.1f}" if found.interpolated else "from the start"


def reversal_cell(p: Plan, found: Payback | None) -> str:
    """The month from which what was paid back is lost again."""
    return NONE if found is None or isinf(found.reverses) else at_column(p, found.reverses)


def borrowed(p: Plan) -> list[str]:
    """Options that have paid back only with what their hardware is worth at the end, a sentence each."""
    return [
        f"{one.name} has paid back only with what its hardware is worth at the end of the plan."
        for one in p.prospects
        if only_with_its_worth(p, one)
    ]


def payback_spread(one: Prospect) -> str:
    """P10 and P90 of the payback in months: `never` where so many draws have none, a dash where nothing moves it."""
    if one.outlook is None or one.outlook.payback is None:
        return NONE
    low, high = (float(one.outlook.percentile(one.outlook.payback, share)) for share in (0.1, 0.9))
    if low == high:
        return NONE
    return " – ".join("never" if isinf(v) else f"{v:.1f}" for v in (low, high))


def share_never(one: Prospect) -> float | None:
    """The share of draws in which an option does not pay back within the plan."""
    if one.outlook is None or one.outlook.payback is None:
        return None
    values: Array = one.outlook.payback
    return float((values == float("inf")).mean())


# -- who can serve when -----------------------------------------------------------------------------------------------


def feasible(p: Plan, one: Prospect) -> str:
    """When an option can serve, short."""
    able = serving(one)
    last = len(p.months) - 1
    if not able:
        return "no"
    if len(able) == 1:
        first, end = able[0]
        if (first, end) == (0, last):
            unknown = next((c.stage for c in one.checks if c.status == "unknown"), None)
            drawn = share_serving(one)
            if drawn is not None and drawn < 1:
                return f"in {share_of_draws(drawn)} of draws"
            return "yes" if unknown is None else f"{unknown}?"
        if first == 0:
            return f"until {named(p.months[end])}"
        if end == last:
            return f"from {named(p.months[first])}"
    return f"{sum(s.last - s.first + 1 for s in able)} of {last + 1} months"


def reasons(p: Plan) -> list[str]:
    """What keeps options from serving, and when: a sentence each."""
    said = []
    for one in p.prospects:
        for reason, when in unable(one).items():
            months = "" if one.ruled_out is not None else f" {_when(p, when)}"
            said.append(f"{one.name} cannot serve it{months}: {reason}.")
    return said


def _when(p: Plan, found: Sequence[Span]) -> str:
    """Spans of months in words: `from Mar 2028 on`, `in Nov 2027`, `from Nov 2027 to Jan 2028`."""
    last = len(p.months) - 1
    if len(found) > MOST_SPANS:
        count = sum(s.last - s.first + 1 for s in found)
        return f"in {count} of {last + 1} months, the first {named(p.months[found[0].first])}"

    def one(s: Span) -> str:
        if s == (0, last):
            return "in every month"
        if s.last == last and s.first < last:
            return f"from {named(p.months[s.first])} on"
        if s.first == 0:
            return f"until {named(p.months[s.last])}" if s.last else f"in {named(p.months[0])}"
        if s.first == s.last:
            return f"in {named(p.months[s.first])}"
        return f"from {named(p.months[s.first])} to {named(p.months[s.last])}"

    return listed([one(s) for s in found])


def count(value: Fraction) -> str:
    """Replicas or posts, to four digits."""
    return significant(value, 4)
