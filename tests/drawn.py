"""Scenarios with ranges, and the same scenarios with every range replaced by what a draw drew."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from conftest import Data

from tco.draws import Draws
from tco.lineitem import KEY_JOINT

WRITTEN = ({"low", "high"}, {"low", "mode", "high"}, {"p10", "p90"})
_AMOUNT = re.compile(r"([$€]?)([0-9.]+)(%?)(.*)")


def ranges_of(data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Data]]:
    """Every range that a scenario's data states, by its keys."""
    if isinstance(data, dict):
        if set(data) in WRITTEN:
            yield KEY_JOINT.join(path), data
        else:
            for key, value in data.items():
                yield from ranges_of(value, (*path, key))


def substituted(data: Any, n: Draws, i: int, path: tuple[str, ...] = ()) -> Any:
    """The data with each range as the number that draw i has of it."""
    if not isinstance(data, dict):
        return data
    if set(data) not in WRITTEN:
        return {key: substituted(value, n, i, (*path, key)) for key, value in data.items()}
    values = [array for (key, _), (_, array) in n.drawn.items() if key == KEY_JOINT.join(path)]
    bound = next(iter(data.values()))
    if not values:  # nothing depends on it
        return bound
    (value,) = values
    return rewritten(bound, Fraction(repr(float(value[i]))))


def rewritten(bound: Any, value: Fraction) -> Any:
    """A number in the place of another, as it is typed: with the other's currency and unit."""
    digits = f"{Decimal(repr(float(value))):f}"
    if not isinstance(bound, str):
        return Decimal(digits)
    match = _AMOUNT.fullmatch(bound)
    assert match, bound
    return Decimal(digits) if match[3] else f"{match[1]}{digits}{match[4]}"


def _bounds(value: Any, r: random.Random, most: Fraction | None) -> Any:
    """A range around a value, of any of the three shapes."""
    match = _AMOUNT.fullmatch(str(value))
    assert match, value
    middle = Fraction(match[2]) / (100 if match[3] else 1)
    if not middle:
        return value
    low, high = middle * Fraction(r.choice([5, 7, 9]), 10), middle * Fraction(r.choice([11, 13, 16]), 10)
    high = high if most is None else min(high, most)
    ends = [rewritten(value, x) for x in (low, middle, high)]
    shape = r.random()
    if shape < 0.4:
        return {"low": ends[0], "high": ends[2]}
    if shape < 0.7:
        return {"low": ends[0], "mode": ends[r.choice([0, 1, 2])], "high": ends[2]}
    return {"p10": ends[0], "p90": ends[2]}


NUMBERS = {
    "output_tokens": None, "retries": None, "evaluation": None, "shadow": None, "input_ratio": None,
    "output_ratio": None, "reasoning_tokens": None, "cache_hit_rate": 1, "markup": None, "discount": 1, "fte": None,
    "cost": None, "logs": None, "egress": None, "support": None, "gpu_price": None, "server_price": None,
    "unit_price": None, "all_in": None, "requests_per_s": None, "output_tokens_per_s": None,
    "total_tokens_per_s": None, "prefill_tokens_per_s": None, "decode_tokens_per_s": None, "target_utilisation": 1,
    "cluster_overhead": None, "batch_share": 1, "escalate": 1, "response_cache": 1, "volume": None,
    "traffic_days_per_month": None, "billed_hours_per_month": None, "input": None, "output": None, "blended": None,
    "cache_read": None, "cache_write_5m": None, "reasoning": None, "audio_input": None, "calls_per_task": None,
}  # fmt: skip
"""Keys whose number may be a range, and what it may not exceed."""


def blurred(data: Data, seed: int, share: float = 0.3) -> Data:
    """The scenario with some of its numbers as ranges."""
    r = random.Random(seed)

    def walk(value: Any, path: tuple[str, ...]) -> Any:
        key = path[-1] if path else ""
        if isinstance(value, dict):
            return {k: walk(v, (*path, k)) for k, v in value.items()}
        if isinstance(value, list) or r.random() > share:
            return value
        mix = "capacity" in path and key in ("input_tokens", "output_tokens")
        within = path[-2] if len(path) > 1 else ""
        if within == "routes" or within in ("escalate", "response_cache"):
            rest = "rest" in (data["options"][path[1]].get("routes") or {"": "rest"}).values()
            return value if value == "rest" or not rest else _bounds(value, r, Fraction(value[:-1]) / 100)
        if key in NUMBERS and not mix and not isinstance(value, bool):
            most = NUMBERS[key]
            return _bounds(value, r, None if most is None else Fraction(most))
        return value

    return {k: walk(v, (k,)) for k, v in data.items()}
