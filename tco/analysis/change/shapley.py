"""The split of a change over its causes, fair and in whole cents. Arithmetic only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from math import factorial, floor
from typing import TypeVar

P = TypeVar("P")
Block = tuple[str, ...]
"""Causes that are told as one."""


def shapley(players: Sequence[P], value: Callable[[frozenset[P]], Fraction]) -> dict[P, Fraction]:
    """What each player adds, the mean over all orders in which they may join.

    phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! x (v(S + i) - v(S)) (L. S. Shapley, A value for n-person
    games, 1953). The parts sum to v(all) - v(none) exactly. `value` is asked for every subset.
    """
    n = len(players)
    parts = dict.fromkeys(players, Fraction(0))
    for i, player in enumerate(players):
        others = [*players[:i], *players[i + 1 :]]
        for size in range(n):
            weight = Fraction(factorial(size) * factorial(n - size - 1), factorial(n))
            for chosen in combinations(others, size):
                before = frozenset(chosen)
                parts[player] += weight * (value(before | {player}) - value(before))
    return parts


def finest(causes: Sequence[str], known: Callable[[frozenset[str]], bool]) -> tuple[Block, ...]:
    """The causes in as many blocks as can be told apart: every union of blocks must be `known`.

    None and all of them are known. At worst all causes are one block.
    """
    for blocks in sorted(_partitions(causes), key=len, reverse=True):
        unions = (
            frozenset(cause for block in chosen for cause in block)
            for size in range(1, len(blocks))
            for chosen in combinations(blocks, size)
        )
        if all(map(known, unions)):
            return blocks
    return ()


def _partitions(causes: Sequence[str]) -> Iterator[tuple[Block, ...]]:
    """Every way to put causes into blocks."""
    if not causes:
        yield ()
        return
    first, *others = causes
    for blocks in _partitions(others):
        yield ((first,), *blocks)
        for i, block in enumerate(blocks):
            yield (*blocks[:i], (first, *block), *blocks[i + 1 :])


def in_cents(parts: Mapping[P, Fraction], whole: Decimal) -> dict[P, Decimal]:
    """The parts rounded to cents so that they sum to `whole`: by largest remainder.

    `whole` may differ from their exact sum, as the change of a total of rounded lines does: these cents are the largest
    part's. A part of nothing stays nothing where there is another. Parts of the opposite sign give the opposite result.
    """
    sharing = [k for k, part in parts.items() if part] or list(parts)
    if not sharing:
        return {}
    sign = next((-1 if x < 0 else 1 for x in (Fraction(whole), *parts.values()) if x), 1)
    exact = {k: parts[k] * 100 * sign for k in sharing}
    found = {k: floor(x) for k, x in exact.items()}
    together = round(sum(exact.values(), Fraction(0)))
    by_remainder = sorted(sharing, key=lambda k: found[k] - exact[k])
    for k in by_remainder[: together - sum(found.values())]:
        found[k] += 1
    found[max(sharing, key=lambda k: abs(exact[k]))] += int(whole * 100) * sign - together
    return {k: Decimal(found.get(k, 0) * sign).scaleb(-2) for k in parts}
