"""The engine against the oracle: line by line, on steps and just above them, in exact and in floating arithmetic."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from conftest import FROZEN, Build, Data, on_steps, oracle, scenarios
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from oracle import Curve, Oracle, Outcome, curve, leaders, steps, swaps

from tco.analysis.case import Assembled, Case
from tco.analysis.compare import Comparison, compare
from tco.analysis.ledger import ledger
from tco.lineitem import Exact, LineItem, Point
from tco.quantity import At, Highest, Linear, Part, Quantity, Steps, at, just_above
from tco.report.csv import ledger_csv
from tco.report.json import as_json

F = Fraction
SLOW = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],  # a failure is shown as found: making it smaller takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
VOLUMES = st.integers(1, 9_999).flatmap(lambda m: st.integers(0, 7).map(lambda e: F(m * 10**e)))


def amounts(option: Assembled, here: At) -> dict[tuple[str, str, str], list[Any]]:
    """Amounts at each point by part, category and label."""
    found: dict[tuple[str, str, str], list[Any]] = {}
    for part, line in option.lines:
        values = np.broadcast_to(line.amount(here).reshape(-1), (len(here.volume),)).tolist()
        key = (part, line.category, line.label)
        found[key] = [a + b for a, b in zip(found.get(key, [0] * len(values)), values, strict=True)]
    return found


def replicas(option: Assembled, here: At, point: int) -> dict[str, set[int]]:
    """The numbers of replicas that run in any hour with load, by fleet."""
    return {
        leaf: {int(level.replicas.value(here).reshape(-1)[point]) for level in fleet.levels}
        for leaf, fleet in option.fleets.items()
        if fleet.levels
    }


def hourly_replicas(outcome: Outcome, profile: list[Fraction]) -> dict[str, set[int]]:
    """The same by the oracle: hours of the profile that have traffic."""
    found: dict[str, set[int]] = {}
    for h in outcome.hours:
        if profile[h.hour]:
            found.setdefault(h.leaf, set()).add(h.replicas)
    return found


@settings(SLOW, max_examples=90)
@given(data=scenarios(), plain=st.lists(VOLUMES, min_size=3, max_size=3), which=st.randoms(use_true_random=False))
def test_lines_equal_the_oracles(build: Build, data: Data, plain: list[Fraction], which: Any) -> None:
    slow, case = oracle(data), build(data)
    exact, floats = case.price(Exact()), case.price(Point())
    for name in case.options:
        stepped = [v for rough in plain[:2] for v in on_steps(data, name, rough)]
        volumes = [*plain, *which.sample(stepped, min(3, len(stepped)))]
        for above in (False, True):
            side = just_above if above else at
            mine = [slow.price(name, v, above) for v in volumes]
            here, rounded = side(volumes), side([float(v) for v in volumes])
            exactly, roughly = amounts(exact[name], here), amounts(floats[name], rounded)
            for i, (v, want) in enumerate(zip(volumes, mine, strict=True)):
                where = f"{name} at {v}{'+' if above else ''}"
                got = {k: x[i] for k, x in exactly.items() if abs(x[i]) > F(1, 10**30)}
                if not above:
                    assert got == want.by_key(), where
                    assert sum(got.values()) == want.total.value
                    assert (not ledger(exact[name], v).over) == want.feasible, where
                else:  # a nudge of 2^-200 stands for the limit
                    assert got.keys() == want.by_key().keys(), where
                    assert all(abs(got[k] - x) <= want.gross / 2**150 for k, x in want.by_key().items()), where
                for k in roughly.keys() | want.by_key().keys():
                    near = roughly[k][i] if k in roughly else 0.0
                    assert abs(F(near) - want.by_key().get(k, 0)) <= want.gross / 10**12, (where, k)
                counted = hourly_replicas(want, slow.profile)
                for mode, points in ((exact, here), (floats, rounded)):
                    running = replicas(mode[name], points, i)
                    assert running == {leaf: counted[leaf] for leaf in running}, where
