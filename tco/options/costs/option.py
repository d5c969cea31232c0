"""What is paid around the models of one option: each cost once, whatever lies behind the option."""

from __future__ import annotations

from collections.abc import Mapping

from tco.lineitem import LineItem
from tco.options.base import At, Context, ServesTokens
from tco.options.costs.embeddings import COVERS_EMBEDDINGS, embedder, embedding_lines
from tco.options.costs.quality import (
    COVERS_REPAIR,
    check_quality,
    expected_rates,
    failure_lines,
    review_lines,
    states_failures,
    warn_of_missing,
)
from tco.options.costs.usage import around_lines, overhead_over, refuse_lump
from tco.workload.demand import Demand

Lines = dict[str, tuple[LineItem, ...]]


def surrounding_lines(
    name: str,
    options: Mapping[str, At],
    demand: Demand,
    hybrids: Mapping[str, Demand],
    leaves: Mapping[str, Demand],
    context: Context,
) -> Lines:
    """The lines of each option behind this one, itself included, for the demand that reaches it.

    Usage, one-offs and reviews are each option's own. Embeddings are the option's as a whole, for all its requests.
    Failures count once: as those of all its answers where it states them itself, else as those of its leaves.
    """
    whole, behind = options[name], {**hybrids, **leaves}
    for option in behind:
        check_quality(options[option], context)
    counted = {name} if states_failures(whole) else set(leaves)
    rates = expected_rates(options.values(), context)
    found: Lines = {}
    for option, its_demand in behind.items():
        at = options[option]
        found[option] = (*around_lines(at, its_demand, context), *review_lines(at, its_demand, context))
        if option in counted:
            found[option] += failure_lines(at, its_demand, context)
            if whole.spec.candidate:
                warn_of_missing(rates, at, context)
        elif states_failures(at):
            _say_not_counted(name, option, name in counted, context)
    serving = [options[o] for o in leaves if isinstance(options[o].spec, ServesTokens)]
    within = [overhead_over(leaf, context, COVERS_EMBEDDINGS) for leaf in serving]
    embedded = embedding_lines(
        whole,
        embedder(whole, [options[o] for o in behind]),
        demand,
        context,
        covered_by=within[0] if serving and all(within) else None,
    )
    found[name] += embedded
    for leaf in serving:
        if embedded:
            refuse_lump(leaf, context, COVERS_EMBEDDINGS, "`embeddings`")
        if counted == {name} and whole.spec.quality is not None and whole.spec.quality.on_failure is not None:
            refuse_lump(leaf, context, COVERS_REPAIR, f"`on_failure` of {name}")
    return found


def _say_not_counted(name: str, option: str, as_whole: bool, context: Context) -> None:
    if as_whole:
        text = f"its `quality` is that of all its answers: what {option} states of failures is within it"
        context.notes.assume(name, text)
    else:
        text = f"what {option} states of failures is not counted: only its own `quality` or that of its leaves is"
        context.notes.warn(name, text)
