"""Fees of an API by the request and by the use of a tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from tco.document import did_you_mean
from tco.fields import Flow, money
from tco.lineitem import INVOICE, Figure, LineItem
from tco.options.api.hours import WHOLE_DAY, spans, weekdays_apart
from tco.options.base import BY_USE, At, Context, Steps, Unusable, class_figures, grossed_up, overheads
from tco.quantity import Number, Part, Quantity, linear
from tco.units import Money
from tco.workload.demand import Demand

MoneyPerRequest = Annotated[Money, money("request", example="$10/1k requests")]


def request_fees(at: At, demand: Demand, context: Context) -> tuple[LineItem, ...]:
    """A fee for every model call, those of retries and other overhead too, beyond free ones."""
    spec = at.spec
    if spec.request_fee is None:
        return ()
    each, inputs = {}, []
    for c in class_figures(demand):
        each[c.name] = sum((call.times(context.n) for call in c.calls), context.n(0))
        inputs += [] if c.calls_per_request is None else [c.calls_per_request]
    free = spec.free_quota.requests if spec.free_quota is not None else None
    price = context.money(at, "request fee", spec.request_fee, "request_fee", trend=BY_USE)
    used, made_of = _beyond(each, free, ("free_quota", "requests"), at, demand, context)
    figures = (*made_of, *inputs, *price.base)
    calls = _by_class(each, demand, context)
    return (LineItem(INVOICE, "request fees", used, "requests", context.n(price), figures, by=calls),)


def tools(at: At, demand: Demand, context: Context) -> tuple[LineItem, ...]:
    """Uses of each tool, beyond free ones; `Unusable` where one names a class that does not exist."""
    lines = []
    classes = list(demand.traffic.classes)
    for name, tool in at.spec.tools.items():
        stated = tool.per_request
        unknown = [c for c in stated if c not in classes] if isinstance(stated, dict) else []
        if unknown:
            expected, hint = "one of " + ", ".join(classes), did_you_mean(unknown[0], classes)
            steps: Steps = ("tools", name, "per_request", unknown[0])
            raise Unusable(at.fault(f"no request class `{unknown[0]}`", *steps, expected=expected, hint=hint))
        each, inputs = {}, []
        for c in class_figures(demand):
            key = (c.name,) if isinstance(stated, dict) else ()
            uses = stated.get(c.name) if isinstance(stated, dict) else stated
            if uses is not None:
                home = at.home("tools", name, "per_request", *key)
                inputs.append(Figure(f"{name} per request", uses, "uses/request", home))
                each[c.name] = context.n(inputs[-1])
        price = context.money(at, f"{name} price", tool.price, "tools", name, "price", trend=BY_USE)
        used, made_of = _beyond(each, tool.free, ("tools", name, "free"), at, demand, context)
        figures = (*made_of, *dict.fromkeys(inputs), *price.base)
        uses_by_class = _by_class(each, demand, context)
        lines.append(LineItem(INVOICE, name, used, "uses", context.n(price), figures, by=uses_by_class))
    return tuple(lines)


def _by_class(each: Mapping[str, Number], demand: Demand, context: Context) -> dict[str, Quantity]:
    """Uses a month by class, free ones too."""
    return {c: demand.requests_per_month(c, context.n).times(number) for c, number in each.items()}


def _beyond(
    each: Mapping[str, Number],
    free: Flow | None,
    steps: tuple[str, ...],
    at: At,
    demand: Demand,
    context: Context,
) -> tuple[Quantity, tuple[Figure, ...]]:
    """So many uses in a request of each class as uses a month beyond what is free, and the figures of that."""
    n = context.n
    gross = overheads(at, context)
    whole = grossed_up(gross, n)
    inputs = (*(f for c in each for f in demand.inputs[c]), demand.traffic.days_per_month, *gross)
    if free is None:
        monthly = ((each[c] * whole, demand.requests_per_month(c, n)) for c in each)
        return linear(0, *monthly), tuple(dict.fromkeys(inputs))
    quota = Figure("free uses", free.amount, f"{free.unit}/{free.per}", at.home(*steps))
    terms = []
    for span in spans(demand, free.per, n):
        used = linear(0, *((each[c] * whole, span.requests(demand, c, WHOLE_DAY, n)) for c in each))
        terms.append((span.times, Part(used, n(quota))))
    profiles = (f for c in each for f in weekdays_apart(demand, free.per, c))
    return linear(0, *terms), tuple(dict.fromkeys((quota, *profiles, *inputs)))
