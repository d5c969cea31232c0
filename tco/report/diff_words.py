"""How a change of the bill is said, once for every output."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from tco.analysis.change.keys import KeyChange
from tco.analysis.change.limit import Verdict, limited
from tco.analysis.change.record import Bill, Change, Measure, OptionChange, Spend, Turn
from tco.analysis.change.shapley import Block
from tco.analysis.compare import Recommendation
from tco.calendar import Month
from tco.gate.finding import Finding
from tco.report import check_words, plan_words
from tco.report.diff_outcome import Failed
from tco.report.words import edge, listed, money, percent

LONGEST = 60
"""Characters of a value that was typed: what is longer is cut."""
SHOWN_CAUSES = 3
SHOWN_CROSSINGS = 3


def signed(amount: Decimal) -> str:
    """An amount that is more or less, to the cent."""
    return f"{amount:+,.2f}" if amount else "0.00"


def signed_money(amount: Decimal, currency: str) -> str:
    """The same with its currency."""
    return f"{_sign(amount)}{money(abs(amount), currency)}"


def share(of: Fraction | None) -> str:
    """A share that is more or less; a dash where it is of nothing."""
    if of is None:
        return "–"
    return f"{_sign(of)}{percent(abs(of))}"


def _sign(of: Decimal | Fraction) -> str:
    return "+" if of > 0 else "-" if of < 0 else ""


def cause(block: Block) -> str:
    """One cause, or several that only fit together."""
    return block[0] if len(block) == 1 else f"{listed(list(block))} together"


def headline(change: Change) -> str:
    """What is paid before and after, in one sentence."""
    b, currency = change.bill, change.currency
    if change.before is None:
        return f"The scenario is new: {_costs(b, b.after, b.now, currency)}."
    if change.after is None:
        return f"The scenario is gone: {_costs(b, b.before, b.was, currency, 'cost')}."
    if b.was is None or b.now is None:
        was, now = (_costs(b, name, paid, currency) for name, paid in ((b.before, b.was), (b.after, b.now)))
        return f"Before: {was}. After: {now}."
    amount = b.amount
    assert amount is not None
    cost = money(b.now, currency)
    if b.before == b.after:
        if not amount:
            return f"{b.after}{_role(b)} costs {cost} a month, as before."
        instead = f"{cost} a month instead of {money(b.was, currency)}"
        return f"{b.after}{_role(b)} costs {instead}: {_more(amount, b, currency)}."
    return (
        f"{b.after}{_role(b)} costs {cost} a month; before, it was {b.before} at {money(b.was, currency)}: "
        f"{_more(amount, b, currency)}."
    )


def in_all(change: Change) -> str:
    """What is paid over the plan before and after, in a sentence or two; "" where nothing is planned, and where no
    option can be named, which the headline says."""
    s, currency = change.spend, change.currency
    if s is None or s.bill.amount is None:
        return ""
    b, (was, now) = s.bill, (_horizon(s, 0), _horizon(s, 1))
    if b.was is None or b.now is None:
        i, name, paid = (1, b.after, b.now) if b.was is None else (0, b.before, b.was)
        pays = "pays" if i == 1 else "would pay"
        return "" if name is None or paid is None else f"Over {_horizon(s, i)} {name} {pays} {money(paid, currency)}."
    more = _more(b.amount or Decimal(0), b, currency)
    cost, before = money(b.now, currency), money(b.was, currency)
    if s.same_months and b.before == b.after:
        if not b.amount:
            return f"Over {now} it pays {cost}, as before."
        return f"Over {now} it pays {cost} instead of {before}: {more}."
    if s.same_months:
        return f"Over {now} {b.after} pays {cost}; before, {b.before} paid {before}: {more}."
    whose, theirs = ("It", "") if b.before == b.after else (b.after, f"{b.before} paid ")
    return f"{whose} pays {cost} over {now}; before, {theirs}{before} over {was}: {more}. {_other_months(s)}"


def _horizon(s: Spend, side: int) -> str:
    plan = s.plans[side]
    return "" if plan is None else plan_words.horizon(plan)


def _other_months(s: Spend) -> str:
    before, after = s.plans
    assert before is not None and after is not None
    others = []
    if before.months[0] != after.months[0]:
        others.append(f"begins in {plan_words.named(after.months[0])} instead of {plan_words.named(before.months[0])}")
    if len(before.months) != len(after.months):
        others.append(f"is {len(after.months)} months long instead of {len(before.months)}")
    return f"The plan {' and '.join(others)}."


def horizons(s: Spend) -> str:
    """The months of the plan: those of both sides where they are others."""
    return " → ".join(dict.fromkeys(_horizon(s, side) for side in (0, 1) if s.plans[side] is not None))


def unstated(s: Spend) -> Iterator[str]:
    """What holds for a side without a projection."""
    for when, plan, stated in zip(("Before", "After"), s.plans, s.stated, strict=True):
        if plan is not None and not stated:
            yield f"{when} the change there is no `projection`: its volume and prices are held."


def months(found: tuple[Month, ...]) -> str:
    """The months in which another option becomes the cheapest, the first few of many."""
    shown = ", ".join(plan_words.named(month) for month in found[:SHOWN_CROSSINGS])
    more = len(found) - SHOWN_CROSSINGS
    return f"{shown} and {more} more" if more > 0 else shown or "–"


def turn(found: Turn) -> tuple[str, str]:
    """The options of it: from which to which."""
    left = "at first" if found.first else found.left or "none feasible"
    return left, found.taken or "none feasible"


def _costs(bill: Bill, name: str | None, paid: Decimal | None, currency: str, verb: str = "costs") -> str:
    if name is None or paid is None:
        return "the option is not there" if bill.kind == "option" else "no option is feasible"
    return f"{name}{_role(bill)} {verb} {money(paid, currency)} a month"


def _role(bill: Bill) -> str:
    return {"current": ", which runs today,", "recommended": ", the cheapest that is feasible,"}.get(bill.kind, "")


def _more(amount: Decimal, bill: Bill, currency: str) -> str:
    if not amount:
        return "the same"
    of = "" if bill.share is None else f" ({percent(abs(bill.share))})"
    return f"{money(abs(amount), currency)} {'more' if amount > 0 else 'less'}{of}"


def recommendation(change: Change) -> str:
    """The recommendation before and after."""
    if change.before is None or change.after is None:
        there = change.after or change.before
        return "" if there is None else recommended(there.recommendation)
    was, now = (recommended(c.recommendation) for c in (change.before, change.after))
    return now if was == now else f"{was} → {now}"


def recommended(r: Recommendation) -> str:
    """What is recommended, short."""
    if r.option is None:
        return "none feasible"
    return f"{r.option} (too close to call)" if r.too_close else r.option


def answer(change: Change) -> str:
    """What becomes of the recommendation, in a sentence."""
    if change.before is None or change.after is None:
        return f"Recommended{' then' if change.after is None else ''}: {recommendation(change)}."
    was, now = (recommended(c.recommendation) for c in (change.before, change.after))
    return f"The recommendation stays {now}." if was == now else f"The recommendation changes from {was} to {now}."


def because(option: OptionChange | None) -> str:
    """The causes of an option's change, a month and in all, the largest first."""
    if option is None:
        return "–"
    month = _causes(option.month)
    total = "" if option.total is None else _causes(option.total)
    return "; ".join(filter(None, (month, f"in all: {total}" if total else ""))) or "–"


def _causes(measure: Measure) -> str:
    parts = sorted(measure.parts, key=lambda p: -abs(p.amount))
    return ", ".join(f"{cause(p.causes)} {signed(p.amount)}" for p in parts)


def why(change: Change) -> str:
    """The causes that matter most, each with what was changed, in a sentence; "" where nothing is split."""
    option = change.detailed
    measures = [] if option is None else [m for m in (option.month, option.total) if m is not None]
    measure = next((m for m in measures if any(p.amount for p in m.parts)), None)
    if option is None or measure is None:
        return ""
    said = []
    for part in sorted((p for p in measure.parts if p.amount), key=lambda p: -abs(p.amount))[:SHOWN_CAUSES]:
        keys = [f"{k.path} {_was_now(k)}" for k in change.changed if k.cause in part.causes][:SHOWN_CAUSES]
        what = f" ({', '.join(keys)})" if keys else ""
        said.append(f"{cause(part.causes)} {signed(part.amount)}{what}")
    when = "a month" if measure is option.month else over(change)
    return f"Why, in {change.currency} {when}: {', '.join(said)}."


def _was_now(change: KeyChange) -> str:
    if change.before is None or change.after is None:
        return "added" if change.before is None else "removed"
    return f"{_cut(change.before)} → {_cut(change.after)}"


def limits_changed(change: Change) -> str:
    """What was changed of the budgets and rules that it is held against; "" where nothing was."""
    found = [key(k) for k in change.changed if k.path.partition(".")[0] in ("budgets", "checks")]
    return f"What it is held against changed: {'; '.join(found)}." if found else ""


def key(change: KeyChange) -> str:
    """A key or a figure that is another one, with its place."""
    if change.before is None or change.after is None:
        what = "added" if change.before is None else "removed"
        value = change.after if change.before is None else change.before
        return f"{change.path}: {what}, {_cut(value or '')} ({change.where})"
    return f"{change.path}: {_cut(change.before)} → {_cut(change.after)} ({change.where})"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def volumes(found: tuple[float, ...]) -> str:
    """The volumes of crossovers, the first few of many."""
    shown = ", ".join(edge(v) for v in found[:SHOWN_CROSSINGS])
    more = len(found) - SHOWN_CROSSINGS
    return f"{shown} and {more} more" if more > 0 else shown or "–"


def able(change: Change) -> Iterator[str]:
    """The options that can serve the workload no more, or can now."""
    for o in change.options:
        was, now = o.feasible
        if was and now is False:
            reasons = [s.reasons for c in (change.after,) if c is not None for s in c.standings if s.name == o.name]
            why = f": {'; '.join(reasons[0])}" if reasons and reasons[0] else ""
            yield f"{o.name} cannot serve it any more{why}."
        elif was is False and now:
            yield f"{o.name} can serve it now."


def limit(verdict: Verdict, change: Change) -> str:
    """Whether a limit on the increase holds."""
    text = verdict.limit.text + ("" if verdict.limit.of == "month" else " in all")
    if verdict.holds is None:
        return f"The limit of {text} could not be evaluated: {verdict.why}."
    bill = limited(verdict.limit, change)
    assert bill is not None
    when = "a month" if verdict.limit.of == "month" else over(change)
    return f"{'Within' if verdict.holds else 'Above'} the limit of {text}: {rise(bill, change.currency, when)}."


def rise(bill: Bill, currency: str, when: str = "") -> str:
    """By how much a bill rises, with its share: `+$500.00 a month (+10 %)`."""
    amount = bill.amount
    assert amount is not None
    of = f" ({share(bill.share)})" if bill.share else ""
    return f"{signed_money(amount, currency)}{when and f' {when}'}{of}"


def over(change: Change) -> str:
    """For how long it is paid: `over 36 months`; where that changes, of both."""
    assert change.spend is not None
    counts = dict.fromkeys(len(plan.months) for plan in change.spend.plans if plan is not None)
    return f"over {' → '.join(map(str, counts))} months"


def rise_in_all(change: Change, when: bool = True) -> str:
    """By how much what is paid over the plan rises: `+$20,000.00 over 36 months (+10 %)`."""
    assert change.spend is not None
    return rise(change.spend.bill, change.currency, over(change) if when else "")


def crossed(finding: Finding) -> str:
    """A budget or a rule that holds no more."""
    said = [f"Newly {finding.status}: {check_words.heading(finding)}: {check_words.outcome(finding)}"]
    if finding.crossing is not None:
        said.append(f"first crossed in {check_words.crossing(finding.crossing, finding.unit)}")
    said.append(f"owner: {finding.owner}" if finding.owner is not None else "no owner is stated")
    return "; ".join(said) + "."


def unchecked(why: str) -> str:
    """A budget or a rule that says nothing."""
    return f"A budget could not be evaluated: {why}."


def failed(one: Failed) -> str:
    """A scenario that could not be compared."""
    more = len(one.messages) - 1
    others = f" (and {more} more)" if more > 0 else ""
    return f"{one.file} could not be compared: {one.messages[0]}{others}"
