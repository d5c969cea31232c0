"""What wrong answers cost: repair of those that are noticed, the damage of those that are not, and people who look.

Failures that are asked again are no line of their own: they are billed and carried like any overhead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tco.lineitem import Figure, LineItem
from tco.options.base import At, Context, ServesTokens, Unusable
from tco.options.costs.keys import RETRY
from tco.options.costs.usage import refuse_lump, request_inputs, requests
from tco.workload.demand import Demand

if TYPE_CHECKING:
    from tco.options.costs.stated import Quality

CATEGORY = "quality"
RATES = ("failure_rate", "undetected_failure_rate")
COVERS_REPAIR = ("lump", "repair")
"""An overhead with such a name may hold the repair of failures."""


def failure_lines(at: At, demand: Demand, context: Context) -> tuple[LineItem, ...]:
    """Failures at what each costs: served requests that reach the option x rate, noticed and unnoticed apart."""
    spec: Quality | None = at.spec.quality
    if spec is None:
        return ()
    lines = []
    if spec.failure_rate is not None and spec.on_failure is not None and not isinstance(spec.on_failure, str):
        repair = context.money(at, "on_failure", spec.on_failure, "quality", "on_failure")
        lines.append(_line("repair of failures", at, "failure_rate", repair, demand, context))
    if spec.undetected_failure_rate:
        damage = _bad_answer(at, context)
        if damage is not None:
            lines.append(_line("undetected bad answers", at, "undetected_failure_rate", damage, demand, context))
    return tuple(lines)


def review_lines(at: At, demand: Demand, context: Context) -> tuple[LineItem, ...]:
    """Answers that people look at: served requests that reach the option x share x what looking at one costs."""
    spec: Quality | None = at.spec.quality
    if spec is None or spec.review is None:
        return ()
    review = context.money(at, "review", spec.review, "quality", "review")
    return (_line("review", at, "review_share", review, demand, context),)


def _line(label: str, at: At, share: str, rate: Figure, demand: Demand, context: Context) -> LineItem:
    part = Figure(share, getattr(at.spec.quality, share), "of served requests", at.home("quality", share))
    quantity = requests(demand, context).times(context.n(part))
    inputs = (*request_inputs(demand), part, *rate.base)
    return LineItem(CATEGORY, label, quantity, "requests", context.n(rate), inputs)


def _bad_answer(at: At, context: Context) -> Figure | None:
    """What one wrong answer costs: the option's own figure, else the workload's; a warning where neither is stated."""
    name = "bad_answer_costs"
    if at.spec.quality.bad_answer_costs is not None:
        return context.money(at, name, at.spec.quality.bad_answer_costs, "quality", name)
    stated = context.scenario.spec.workload.bad_answer_costs
    if stated is None:
        context.notes.warn(at.name, f"no `{name}`: what its undetected failures cost is unknown, not zero")
        return None
    return context.money(context.scenario, name, stated, "workload", name)


def states_failures(at: At) -> bool:
    """Whether an option says how often its own answers are wrong."""
    return at.spec.quality is not None and any(getattr(at.spec.quality, k) is not None for k in RATES)


def check_quality(at: At, context: Context) -> None:
    """`Unusable` where a retry would be asked of what asks nobody, or a failure is within an overhead already."""
    spec: Quality | None = at.spec.quality
    if spec is None or spec.on_failure is None:
        return
    if spec.on_failure == RETRY and not isinstance(at.spec, ServesTokens):
        expected = "what a repair of one costs, or `retry` on its parts"
        message = f"`{at.name}` processes no tokens itself that could be billed again"
        raise Unusable(at.fault(message, "quality", "on_failure", expected=expected))
    refuse_lump(at, context, COVERS_REPAIR, "`on_failure`")
    if spec.on_failure == RETRY:
        for name in {**context.overhead, **at.spec.overhead}:
            if name.lower().startswith("retr"):
                context.notes.warn(
                    at.name, f"the overhead `{name}` beside `on_failure: retry`: the same retry must not be in both"
                )


def expected_rates(options: Iterable[At], context: Context) -> tuple[str, ...]:
    """The failure figures that the options of a comparison are to state: those that some of them do, and the
    undetected ones where a wrong answer has a price."""
    specs = [at.spec.quality for at in options if at.spec.quality is not None]
    priced = {RATES[1]} if context.scenario.spec.workload.bad_answer_costs is not None else set()
    return tuple(k for k in RATES if k in priced or any(getattr(q, k) is not None for q in specs))


def warn_of_missing(rates: Sequence[str], at: At, context: Context) -> None:
    """Warn of an option that does not state what others do: it only looks cheaper."""
    missing = [k for k in rates if at.spec.quality is None or getattr(at.spec.quality, k) is None]
    if missing:
        keys = " and ".join(f"`{k}`" for k in missing)
        context.notes.warn(at.name, f"no {keys} in its `quality`: what that costs is unknown, not zero")
