"""Costs around a model: what grows with the traffic beside its tokens, and what is paid once."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from tco.lineitem import WRITTEN_OFF, Figure, LineItem
from tco.options.base import At, Context, ServesTokens, Unusable, class_figures, constant, grossed_up, overheads
from tco.quantity import Number, Quantity, linear
from tco.units import format_money
from tco.workload.demand import Class, Demand

if TYPE_CHECKING:
    from tco.options.costs.stated import UsageCost

BYTES_PER_GB = 10**9
PER_MTOK = 10**6
SHOWN = {"gb": "GB", "mtok": "M tokens", "request": "requests"}


def around_lines(at: At, demand: Demand, context: Context) -> tuple[LineItem, ...]:
    """Of one option: its usage costs for the demand that reaches it, and its one-offs where they are spread."""
    return (*_usage_lines(at, demand, context), *_one_off_lines(at, context))


def requests(demand: Demand, context: Context) -> Quantity:
    """Served requests a month, all classes together."""
    n = context.n
    return linear(0, *((n(1), demand.requests_per_month(c.name, n)) for c in class_figures(demand)))


def request_inputs(demand: Demand) -> tuple[Figure, ...]:
    """The figures that `requests` is made of."""
    found = (f for c in class_figures(demand) for f in demand.inputs[c.name])
    return (*dict.fromkeys(found), demand.traffic.days_per_month)


def overhead_over(at: At, context: Context, words: Sequence[str]) -> str | None:
    """The overhead of an option whose name has one of these words in it; None when there is none."""
    overhead = {**context.scenario.spec.workload.overhead, **getattr(at.spec, "overhead", {})}
    return next((k for k, share in overhead.items() if share and any(w in k.lower() for w in words)), None)


def refuse_lump(at: At, context: Context, words: Sequence[str], beside: str) -> None:
    """`Unusable` where an overhead says by its name that it covers what is stated apart: it would be paid twice."""
    name = overhead_over(at, context, words)
    if name is None:
        return
    own = name in at.spec.overhead
    whose, steps = (at, ("overhead", name)) if own else (context.scenario, ("workload", "overhead", name))
    expected = f"either this overhead or {beside}; `overhead: {{{name}: 0}}` on the option leaves it out"
    message = f"the overhead `{name}` of {at.name} may cover what {beside} would add again"
    raise Unusable(whose.fault(message, *steps, expected=expected, key=True))


def _usage_lines(at: At, demand: Demand, context: Context) -> list[LineItem]:
    """Rate x use of one request x requests, with what is billed beside served ones: a retry crosses the border too.

    What a hybrid states is used once for each request that is handed to it, before its cache and its routes.
    """
    gross = overheads(at, context) if isinstance(at.spec, ServesTokens) else ()
    factor = grossed_up(gross, context.n)
    lines = []
    for name, cost in at.spec.usage_costs.items():
        rate = context.money(at, f"{name}: price", cost.price, "usage_costs", name, "price")
        use, stated = _use(at, name, cost, context)
        if cost.bytes_per_token is not None or (cost.price.per == "mtok" and not stated):
            quantity, inputs = _tokens(demand, context)
            by = _tokens_by_class(demand, context)
        else:
            quantity, inputs, by = requests(demand, context), request_inputs(demand), None
        figures = (*inputs, *gross, *stated, *rate.base)
        line = quantity.times(factor * use)
        lines.append(LineItem("usage", name, line, SHOWN[cost.price.per or ""], context.n(rate), figures, by=by))
    return lines


def _use(at: At, name: str, cost: UsageCost, context: Context) -> tuple[Number, tuple[Figure, ...]]:
    """What one request, or one of its tokens, takes of what is paid for; and the figure that says so."""
    n = context.n
    per = {"gb": n(1) / BYTES_PER_GB, "mtok": n(1) / PER_MTOK}.get(cost.price.per or "", n(1))
    units = {
        "bytes_per_token": "bytes/token",
        "bytes_per_request": "bytes/request",
        "per_request": "times/request",
        "tokens_per_request": "tokens/request",
    }
    for key, unit in units.items():
        value = getattr(cost, key)
        if value is not None:
            figure = Figure(f"{name}: {key}", value, unit, at.home("usage_costs", name, key))
            return n(figure) * per, (figure,)
    return per, ()


def _tokens(demand: Demand, context: Context) -> tuple[Quantity, tuple[Figure, ...]]:
    """Served tokens a month, input and output, and the figures they are made of: of a single class they are a share
    of the volume, whatever a request's size."""
    classes: Sequence[Class] = class_figures(demand)
    terms = ((1, q) for q in _tokens_by_class(demand, context).values())
    sizes = {f for c in classes for f in c.served_inputs} if len(demand.traffic.classes) == 1 else set()
    return linear(0, *terms), tuple(f for f in request_inputs(demand) if f not in sizes)


def _tokens_by_class(demand: Demand, context: Context) -> dict[str, Quantity]:
    """Served tokens a month of each class."""
    n = context.n
    return {c.name: demand.requests_per_month(c.name, n).times(c.served(n)) for c in class_figures(demand)}


def one_offs(at: At, context: Context) -> dict[str, Figure]:
    """What an option pays once, by name."""
    return {
        name: context.money(at, name, money, "one_offs", name)
        for name, money in at.spec.one_offs.items()
        if money.amount
    }


def _one_off_lines(at: At, context: Context) -> list[LineItem]:
    """Each sum over the months it is spread; without a stated number of months none, and a warning with their sum."""
    paid = one_offs(at, context)
    if not paid:
        return []
    whose = at if at.spec.amortise_months is not None else context.scenario
    if whose.spec.amortise_months is None:
        whole = format_money(sum((f.value for f in paid.values()), Fraction(0)), context.currency)
        context.notes.warn(
            at.name,
            f"one-offs of {whole} are in no month's cost, and a plan pays them first: `amortise_months` spreads them",
        )
        return []
    months = whose.figure("amortise_months", "months")
    lines = []
    for name, once in paid.items():
        monthly = once.times(per=(months,), unit=f"{context.currency}/month")
        lines.append(
            LineItem("one-off", name, constant(), "month", context.n(monthly), monthly.base, timing=WRITTEN_OFF)
        )
    return lines
