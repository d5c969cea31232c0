"""Why a bill changes: the cause of every key of a scenario and of every section of a catalogue. Its one home."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from tco.ranges import is_range

PLAN = "plan"
"""The cause that is in no month's cost, only in what is paid over the plan: its months, and what is moved from."""
CAUSES = ("price", "volume", "mix", "capacity", "people", PLAN)
STANDING = frozenset({"projection"})
"""Blocks that are as good as empty where they are not stated: every key of them has a default."""

_KEYS: Mapping[str, str] = {
    "price": """
        as_of currency exchange_rates traffic_days_per_month billed_hours_per_month amortise_months
        projection.price_decline
        options.*.kind options.*.model options.*.price options.*.tier options.*.cache_ttl options.*.region_uplift
        options.*.markup options.*.discount options.*.time_of_day options.*.free_quota options.*.volume_discounts
        options.*.all_units_discounts options.*.commitment options.*.request_fee options.*.tools options.*.seats
        options.*.migrations options.*.fixed_costs options.*.usage_costs options.*.one_offs
        options.*.amortise_months options.*.time_to_production options.*.margin_lost options.*.embeddings
        options.*.quality.on_failure options.*.quality.bad_answer_costs options.*.quality.review
        options.*.region options.*.term options.*.gpu options.*.gpu_price options.*.server_price options.*.all_in
        options.*.endpoint options.*.unit_price options.*.cluster_overhead options.*.owned
        options.*.reserved.term options.*.reserved.price options.*.spot.term options.*.spot.price
        options.*.pools.*.gpu options.*.pools.*.gpu_price options.*.pools.*.region options.*.pools.*.term
    """,
    "volume": """
        workload.volume
        projection projection.growth projection.volumes projection.seasonality projection.spikes
    """,
    "mix": """
        workload
        options.*.input_ratio options.*.output_ratio options.*.reasoning_tokens options.*.cache_hit_rate
        options.*.overhead options.*.batch options.*.batch_share options.*.tools.*.per_request options.*.quality
        options.*.response_cache options.*.routes options.*.cascade options.*.escalate options.*.overflow
    """,
    "capacity": """
        options.*.capacity options.*.replicas options.*.billing options.*.cold_start options.*.idle_timeout
        options.*.wake_ups_per_day options.*.window_hours_per_month options.*.windows_per_month
        options.*.target_utilisation options.*.availability options.*.burst options.*.staging options.*.zones
        options.*.reserved options.*.spot options.*.billed_hours_per_month options.*.units_per_replica
        options.*.increment options.*.min_units options.*.gpus_per_server options.*.gpus_per_replica
        options.*.min_gpus options.*.serves options.*.pools options.*.owned.gpus_per_server
        options.*.owned.power.watts options.*.owned.power.idle_watts options.*.owned.power.busy_watts
        options.*.owned.power.hours_per_month
    """,
    "people": """
        options.*.people team projection.salary_growth
    """,
    PLAN: """
        current projection.start projection.months
    """,
    "": """
        name description assumptions catalogs requirements reference_accuracy reference_api range
        too_close_to_call sure_enough variants budgets checks workload.note
        projection.discount_rate options options.* options.*.label options.*.note options.*.candidate
        options.*.data options.*.context_tokens options.*.time_to_first_token options.*.fine_tunable
        options.*.needs_engineers options.*.needs_on_call options.*.rate_limit
    """,
}
"""Every key with its cause; what stands below a key has the key's, unless it is named itself. ``*`` is any name.

Price is what a unit costs, and what is paid whatever is used. Mix is what is used for so much traffic: sizes and shares
of requests, tokens counted, cached, put off, asked again. Without a cause is what costs nothing.
"""

SECTIONS: Mapping[str, str] = {
    "models": "price",
    "gpus": "price",
    "endpoints": "price",
    "hardware": "price",
    "electricity": "price",
    "pue": "price",
    "colocation": "price",
    "exchange_rates": "price",
    "capacity": "capacity",
    "open_weights": "capacity",
    "people": "people",
}
"""The cause of each section of a catalogue: that of the keys which name its entries."""

PROSE = frozenset({"name", "description", "assumptions", "variants", "label", "note"})
"""Keys that are words, or other scenarios: a change of them changes no answer."""

_Pattern = tuple[str, ...]


@cache
def _table() -> dict[_Pattern, str | None]:
    return {tuple(key.split(".")): cause or None for cause, keys in _KEYS.items() for key in keys.split()}


def pattern(path: tuple[str | int, ...]) -> _Pattern | None:
    """The row of the table that decides a path: the longest that it matches; None where no row does."""
    for length in range(len(path), 0, -1):
        for row in _table():
            if len(row) == length and all(r in ("*", p) for r, p in zip(row, path, strict=False)):
                return row
    return None


@cache
def cause_of(path: tuple[str | int, ...]) -> str | None:
    """The cause that a change of this key has; None where it costs nothing.

    A key that no row names is one of a kind of option added from outside, where what is unknown is its price.
    """
    row = pattern(path)
    if row is None or (row == ("options", "*") and len(path) > 2):
        return "price"
    return _table()[row]


@cache
def divided(path: tuple[str | int, ...]) -> bool:
    """Whether keys below this one have causes of their own."""
    return any(len(row) > len(path) and all(r in ("*", p) for r, p in zip(row, path, strict=False)) for row in _table())


def blocks(before: Mapping[str, Any], after: Mapping[str, Any], path: tuple[str | int, ...]) -> tuple[Any, Any] | None:
    """What stands at a key on both sides, where these are blocks; a standing one is empty where it is not stated."""
    key = str(path[-1])
    found = [side.get(key) for side in (before, after)]
    if key in STANDING and len(path) == 1:
        found = [{} if value is None else value for value in found]
    was, now = found
    return (was, now) if all(isinstance(value, dict) and not is_range(value) for value in found) else None
