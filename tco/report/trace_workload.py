"""The `workload` of a scenario from a trace: ready to be pasted, with what it rests on beside it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from tco.report.replay_numbers import span
from tco.report.trace_sheets import heading
from tco.traffic.statistics import Lengths, Statistics
from tco.traffic.trace import Trace

ALL = 10**6
"""Shares are counted in millionths."""
FIRST = tuple(ALL * percent // 100 for percent in (0, 5, 10, 25, 50, 75, 90, 95, 99, 100))
MOST_POINTS = 40
NEAR = 0.002
"""How far off, relatively, the mean of the quantiles may be from that of the trace."""


def workload_yaml(trace: Trace, found: Statistics) -> str | None:
    """A `workload:` block; None where the trace does not say how many tokens its requests have."""
    tokens, output = found.input_tokens, found.output_tokens
    if tokens.mean is None or output.mean is None:
        return None
    points = _points(tokens)
    lines = [f"# {_comment(heading(trace))}, {found.tally.kept:,} requests", "workload:"]
    if found.tokens_per_day is not None and found.arrivals is not None:
        lines += [
            f"  # the mean rate of {span(found.arrivals.span_s)}, taken for every hour of every day",
            f"  volume: {round(found.tokens_per_day)} tokens/day",
        ]
    else:
        lines += ["  # the trace does not say how much there is: replace this", "  volume: 1M tokens/day"]
    lines += [f"  # mean {float(tokens.mean):.6g}", f"  input_tokens: {_sizes(points)}"]
    spread = ", ".join(f"p{q}: {output.quantile(q / 100)}" for q in (50, 90, 99))
    lines += [f"  # mean; {spread}, max: {output.longest}", f"  output_tokens: {float(output.mean):.6g}"]
    if found.hit_rate is not None:
        shared = min(found.hit_rate * float(tokens.mean), _mean(points))
        lines += [
            f"  # {found.hit_rate * 100:.1f} % of the input, by a cache that never forgets: the most that may be hit",
            f"  cacheable_input_tokens: {shared:.6g}",
        ]
    return "\n".join(lines) + "\n"


def _sizes(points: list[tuple[int, int]]) -> str:
    """Quantiles as a scenario has them."""
    (_, least), *inner, (_, most) = points
    if least == most:
        return str(most)
    named = ", ".join(f"p{_percent(share)}: {size}" for share, size in inner)
    return f"{{min: {least}, {named}, max: {most}}}"


def _percent(share: int) -> str:
    return f"{share // 10_000}.{share % 10_000:04d}".rstrip("0").rstrip(".")


def _points(found: Lengths) -> list[tuple[int, int]]:
    """Shares and sizes: the usual quantiles, and as many more as it takes to keep the mean, where a straight line
    between two of them is furthest from what lies there."""
    sizes = np.array([size for size, _ in found.counts], np.float64)
    ranks = np.cumsum([count for _, count in found.counts])
    sums = np.cumsum(sizes * np.diff(ranks, prepend=0))

    def size(share: int) -> int:
        rank = max(1, -(-share * found.known // ALL))
        return int(sizes[int(np.searchsorted(ranks, rank))])

    def below(share: int) -> float:
        """What the shortest share of the requests has in all, per request."""
        rank = share * found.known / ALL
        i = min(int(np.searchsorted(ranks, rank)), len(sizes) - 1)
        return float(sums[i] - (ranks[i] - rank) * sizes[i]) / found.known

    shares = list(FIRST)
    while len(shares) < MOST_POINTS:
        off = [(q - p) / ALL * (size(p) + size(q)) / 2 - (below(q) - below(p)) for p, q in pairwise(shares)]
        if abs(sum(off)) <= NEAR * sums[-1] / found.known:
            break
        worst = max(range(len(off)), key=lambda i: abs(off[i]) if shares[i + 1] - shares[i] > 1 else -1.0)
        shares.insert(worst + 1, (shares[worst] + shares[worst + 1]) // 2)
    return [(share, size(share)) for share in shares]


def _mean(points: list[tuple[int, int]]) -> float:
    """The mean that a scenario takes the quantiles to have: straight between them."""
    return sum((q - p) / ALL * (a + b) / 2 for (p, a), (q, b) in pairwise(points))


def _comment(text: str) -> str:
    """A text that ends no comment."""
    from tco.document.excerpt import visible

    return visible(text)
