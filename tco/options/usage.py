"""What a request uses: tokens by meter, over all its calls, as an option counts them.

Counts are kept as sums of products of figures until numbers are asked for, so that a line names just the figures that
move it, and a draw of a figure moves all that is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from tco.catalog.meters import root as meter_root
from tco.lineitem import Figure, Numbers
from tco.options.base import At, ServesTokens
from tco.quantity import Number
from tco.ranges import Distribution
from tco.workload.demand import Call, Class

Terms = Mapping[tuple[Figure, ...], int]
"""A count of tokens as a sum: the figures of each product, and how many times it counts."""


def usage_terms(c: Class, at: At, call: Call) -> dict[str, Terms]:
    """Tokens of one call by meter, as this option counts them: ratios applied, reasoning added, cache reads split.

    Meters inside another are part of their container's count. Absent meters are left out.
    """
    spec: ServesTokens = at.spec
    ratio = {"input": at.figure("input_ratio", ""), "output": at.figure("output_ratio", "")}
    counts: dict[str, Terms] = {}
    for key, figure in c.tokens.items():
        root = meter_root(key)
        if figure.value or key == root:
            counts[key] = {(figure, ratio[root]): 1}
    if call.position:
        counts["input"] = {**counts["input"], (c.growth, ratio["input"]): call.position}
    if spec.reasoning_tokens:
        counts["reasoning"] = {(at.figure("reasoning_tokens", "tokens/call"),): 1}
        counts["output"] = {**counts["output"], **counts["reasoning"]}
    if c.cacheable is not None and spec.cache_hit_rate:
        hit = at.figure("cache_hit_rate", "of the cacheable prefix")
        counts["cache_read"] = {(*product, hit): times for product, times in cacheable(c, at, call).items()}
    return counts


def cacheable(c: Class, at: At, call: Call) -> Terms:
    """The prefix that a cache may answer: what the class states, and history that is sent again."""
    assert c.cacheable is not None
    ratio = at.figure("input_ratio", "")
    return {(c.cacheable, ratio): 1, **({(c.growth, ratio): call.position} if call.position else {})}


def less(whole: Terms, *parts: Terms) -> Terms:
    """What is left of a count without its parts: products in both fall away."""
    left = dict(whole)
    for part in parts:
        for product, times in part.items():
            left[product] = left.get(product, 0) - times
    return {product: times for product, times in left.items() if times}


def counted(terms: Terms, n: Numbers) -> Number:
    """The number of tokens."""
    return sum((prod(map(n, product), start=n(times)) for product, times in terms.items()), n(0))


def figures_in(*counts: Terms) -> tuple[Figure, ...]:
    """The figures that counts are made of: those that somebody stated."""
    return tuple(dict.fromkeys(f for terms in counts for product in terms for f in product if not f.home.is_default))


def call_usage(c: Class, at: At, n: Numbers) -> Iterator[tuple[Number, dict[str, Number]]]:
    """Each kind of call of a request: how many there are of it, and its tokens by meter."""
    for call in c.calls:
        yield call.times(n), {key: counted(terms, n) for key, terms in usage_terms(c, at, call).items()}


def calls_inputs(c: Class) -> tuple[Figure, ...]:
    """The figures of how many calls a request makes."""
    calls = c.calls_per_request
    return () if calls is None else (calls,)


def portions(c: Class, at: At, call: Call, n: Numbers, threshold: Fraction) -> tuple[Number, Number]:
    """Of calls of one kind: the share whose whole input is strictly above a threshold, and their input tokens per call
    of all. By each call's own length where the class has a distribution of its input."""
    size = c.tokens["input"].value
    ratio = n(at.figure("input_ratio", ""))
    history = n(c.growth) * (call.position or 0)
    if isinstance(size, Distribution):
        share, tokens = size.above(n(threshold) / ratio - history)
        return share, (tokens + share * history) * ratio
    tokens = (n(c.tokens["input"]) + history) * ratio
    share = n(1) * (tokens > n(threshold))
    return share, share * tokens


def any_of(numbers: Any) -> bool:
    """Whether a number is other than zero in any draw."""
    return bool(np.any(np.asarray(numbers) != 0))


def longest_call(c: Class, at: At) -> Fraction:
    """Input and output tokens of the longest call of a request, as this option counts them, at most: of a distribution
    its largest size, of a range its upper end."""
    spec: ServesTokens = at.spec
    history = _most(c.growth.value) * max(call.position or 0 for call in c.calls)
    given = (_most(c.tokens["input"].value) + history) * _most(spec.input_ratio)
    return given + _most(c.tokens["output"].value) * _most(spec.output_ratio) + _most(spec.reasoning_tokens)


def _most(value: Fraction) -> Fraction:
    return Fraction(getattr(value, "most", value))


def longest(c: Class, at: At) -> Fraction:
    """Input tokens of the longest call of a request, at the point."""
    size = c.tokens["input"].value
    most = size.most if isinstance(size, Distribution) else size
    history = c.growth.value * max(call.position or 0 for call in c.calls)
    return Fraction((most + history) * at.spec.input_ratio)
