"""Embeddings of an option: the corpus by chunks and deploys, the queries by requests. Once, whoever serves the rest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from tco.catalog.store import LookupFault
from tco.lineitem import Figure, LineItem
from tco.options.base import BY_USE, At, Context, Unusable, constant, last_dated
from tco.options.costs.usage import PER_MTOK, request_inputs, requests
from tco.workload.demand import Demand

if TYPE_CHECKING:
    from tco.options.costs.stated import EmbeddedBy
    from tco.workload.embeddings import Embeddings

CATEGORY = "embeddings"
BATCH = "batch"
COVERS_EMBEDDINGS = ("lump", "embed")
"""An overhead with such a name may hold embeddings."""


class Embedder(NamedTuple):
    """Who embeds for an option: where that is stated; None where nobody says."""

    at: At | None
    differ: bool = False
    """Whether nobody says it for the option as a whole, and its parts say different things."""


def embedder(option: At, parts: Iterable[At]) -> Embedder:
    """What the option itself says, else what all its parts that say anything agree on."""
    if option.spec.embeddings is not None:
        return Embedder(option)
    stated = [at for at in parts if at.spec.embeddings is not None]
    differ = any(at.spec.embeddings != stated[0].spec.embeddings for at in stated)
    return Embedder(stated[0] if stated and not differ else None, differ)


def embedding_lines(
    option: At, by: Embedder, demand: Demand, context: Context, covered_by: str | None
) -> tuple[LineItem, ...]:
    """The corpus that is embedded again and the queries of all requests, before any cache of answers.

    covered_by: an overhead that may hold embeddings where nobody states them.
    """
    work: Embeddings | None = context.scenario.spec.workload.embeddings
    if work is None:
        if option.spec.embeddings is not None:
            context.notes.warn(option.name, "`embeddings` has no effect: the workload has none")
        return ()
    if by.at is None:
        why = "its parts embed in different ways" if by.differ else "it does not say who embeds (`embeddings`)"
        if option.spec.candidate and covered_by is not None:
            context.notes.assume(option.name, f"its embeddings are within the overhead `{covered_by}`")
        elif option.spec.candidate:
            context.notes.warn(option.name, f"{why}: what embeddings cost is unknown, not zero")
        return ()
    from tco.workload.embeddings import CORPUS

    at, n = by.at, context.n
    spec: EmbeddedBy = at.spec.embeddings
    if spec.all_in is not None:
        monthly = context.monthly(at, "embeddings: all_in", spec.all_in, "embeddings", "all_in")
        return (LineItem(CATEGORY, "embeddings", constant(), "month", n(monthly), monthly.base),)
    lines = []
    if work.chunks is not None and work.deploys_per_month:
        keys = {"chunks": "chunks", "tokens_per_chunk": "tokens/chunk", "deploys_per_month": "times/month"}
        figures = [_work(key, keys[key], context) for key in CORPUS]
        if work.changed_share is not None:
            figures.append(_work("changed_share", "of the chunks", context))
        else:
            context.notes.assume("", "each deploy embeds the whole corpus again (`changed_share`)")
        tokens = n(Fraction(1, PER_MTOK))
        for figure in figures:
            tokens = tokens * n(figure)
        rate, label = _corpus_price(at, context)
        inputs = (*figures, *rate.base)
        lines.append(LineItem(CATEGORY, label, constant().times(tokens), "M tokens", n(rate), inputs))
    if work.query_tokens_per_request is not None:
        each = _work("query_tokens_per_request", "tokens/request", context)
        rate = _price(at, context)
        quantity = requests(demand, context).times(n(each) / PER_MTOK)
        inputs = (*request_inputs(demand), each, *rate.base)
        lines.append(LineItem(CATEGORY, "query embedding", quantity, "M tokens", n(rate), inputs))
    return tuple(lines)


def _work(key: str, unit: str, context: Context) -> Figure:
    """A figure of the workload's embeddings."""
    work = context.scenario.spec.workload.embeddings
    home = context.scenario.home("workload", "embeddings", key)
    return Figure(f"embeddings: {key}", getattr(work, key), unit, home)


def _corpus_price(at: At, context: Context) -> tuple[Figure, str]:
    """What the corpus pays per 1M tokens, and what its line is called."""
    spec: EmbeddedBy = at.spec.embeddings
    label = "corpus embedding"
    if spec.batch_price is not None:
        stated = context.money(
            at, "embeddings: batch_price", spec.batch_price, "embeddings", "batch_price", trend=BY_USE
        )
        return stated, f"{label} (batch)"
    return (_price(at, context, BATCH), f"{label} (batch)") if spec.batch else (_price(at, context), label)


def _price(at: At, context: Context, tier: str | None = None) -> Figure:
    """Of 1M input tokens, at the standard price or in a tier; never the standard price in the place of a tier's."""
    spec: EmbeddedBy = at.spec.embeddings
    if spec.price is not None:
        return context.money(at, "embeddings: price", spec.price, "embeddings", "price", trend=BY_USE)
    where = ("embeddings", "model")
    found = context.find(at, "models", spec.model or "", *where)
    try:
        index, row = context.store.row(found, found.spec.prices, "")
    except LookupFault as missing:
        raise Unusable(at.fault(missing.message, *where, expected=missing.expected)) from None
    context.paper(at.name, found, row)
    _warn_retired(at, spec.model or "", found.spec.retires, context)
    steps: tuple[str | int, ...] = ("prices", index)
    prices = row
    if tier is not None:
        if tier not in row.tiers or row.tiers[tier].of("input") is None:
            expected = "no `batch`, or a `price` and `batch_price` of your own"
            message = f"no `{tier}` price is known for {spec.model}"
            raise Unusable(at.fault(message, "embeddings", "batch", expected=expected))
        prices, steps = row.tiers[tier], (*steps, "tiers", tier)
    price: Fraction = prices.of("input")
    unit = f"{found.currency}/1M tokens"
    figure = found.figure("input_per_mtok", price, unit, row, *steps, "input_per_mtok")
    figure = figure._replace(trend=BY_USE._replace(since=last_dated(found.spec.prices)))
    return context.converted(at, figure, found.currency, *where)


def _warn_retired(at: At, model: str, retires: date | None, context: Context) -> None:
    if retires is not None:
        gone = "was switched off" if retires <= context.store.as_of else "will be switched off"
        context.notes.warn(at.name, f"{model} {gone} on {retires}: another model embeds the whole corpus again")
