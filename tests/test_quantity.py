"""Quantities: values, both sides of an edge, draws, and exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tco.quantity import NUDGE, SAME, VOLUME, At, Highest, Linear, Part, Steps, at, just_above, linear

F = Fraction


def values(q: object, volumes: list[float]) -> list[float]:
    return q.value(at(volumes)).ravel().tolist()  # type: ignore[attr-defined, no-any-return]


def test_a_part_is_what_lies_between_two_levels() -> None:
    assert values(Part(VOLUME, 10.0, 30.0), [5, 10, 20, 30, 40]) == [0, 0, 10, 20, 20]
    assert values(Part(VOLUME, 10.0), [5, 10, 40]) == [0, 0, 30]


def test_parts_of_all_tiers_add_up() -> None:
    tiers = [Part(VOLUME, 0.0, 10.0), Part(VOLUME, 10.0, 30.0), Part(VOLUME, 30.0)]
    assert [sum(x) for x in zip(*(values(t, [5, 10, 25, 99]) for t in tiers), strict=True)] == [5, 10, 25, 99]


def test_steps_include_their_upper_end() -> None:
    q = Steps(VOLUME, 10.0, 1.0, 3.0, 5.0)
    assert values(q, [1, 20, 20.001, 30, 31, 1e6]) == [3, 3, 4, 4, 5, 5]
    assert q.value(just_above([20.0, 25.0, 30.0])).ravel().tolist() == [4, 4, 5]


def test_just_above_reads_only_steps_from_above() -> None:
    q = linear(0.0, (1.0, VOLUME), (100.0, Steps(VOLUME, 10.0)))
    assert q.value(just_above([10.0])).tolist() == [[210.0]]
    assert q.value(at([10.0])).tolist() == [[110.0]]


def test_all_units_repricing_is_a_lump() -> None:
    lump = Steps(VOLUME, 100.0, -1.0, 0.0, 1.0)
    assert values(lump, [1, 100, 101, 1000]) == [0, 0, 1, 1]


def test_a_full_part_is_not_one_step_too_many() -> None:
    """The width of a tier is rounded, and no volume can snap it: (0.8 - 0.1) / 0.1 is 7.000000000000001."""
    assert values(Steps(Part(VOLUME, 0.1, 0.8), 0.1), [5.0]) == [7]
    assert values(Steps(Part(VOLUME, 35 / 3, 71 / 3), 1.0), [50.0]) == [12]


def test_overflow_near_zero_steps_at_its_volume() -> None:
    over = Steps(Part(VOLUME, 1e9), 1.0)  # the ratio is tiny there, the volume is not
    assert values(over, [1e9, 1e9 * (1 + SAME / 2), 1e9 + 1]) == [0, 0, 1]


def test_the_highest_of_staircases() -> None:
    q = Highest((Steps(VOLUME, 10.0), Steps(VOLUME, 25.0, 2.0)))
    assert values(q, [5, 25, 30, 31, 100]) == [3, 3, 4, 4, 10]


def test_linear_flattens_and_drops_zeros() -> None:
    steps = Steps(VOLUME, 2.0)
    inner = linear(3.0, (2.0, VOLUME), (1.0, steps))
    q = linear(1.0, (10.0, inner), (-20.0, VOLUME), (0.0, Part(VOLUME, 1.0)))
    assert (q.const, q.terms) == (31.0, ((10.0, steps),))
    assert isinstance(inner + VOLUME, Linear)
    assert values(inner.times(2.0), [4.0]) == [26.0]


def test_a_constant_has_the_shape_of_its_points() -> None:
    assert linear(4.0).value(at([1.0, 2.0])).tolist() == [[4.0], [4.0]]
    assert linear(F(4)).value(at([F(1), F(2)])).tolist() == [4, 4]


def test_draws_lie_along_the_last_axis_and_rows_pick_one_each() -> None:
    size = np.array([10.0, 20.0, 5.0])
    q = linear(np.array([0.0, 1.0, 2.0]), (1.0, Steps(VOLUME, size)))
    assert q.value(at([10.0, 40.0])).tolist() == [[1, 2, 4], [4, 3, 10]]
    picked = q.value(at(np.array([10.0, 40.0]), rows=np.array([2, 0])))
    assert picked.tolist() == [4, 4]


def test_exact_values_are_fractions_or_whole() -> None:
    q = linear(F(1, 3), (F(1, 7), Part(VOLUME, F(1, 2))), (F(2), Steps(VOLUME, F(1, 3), F(1))))
    here = at([F(1), F(4, 3)])
    assert here.exact
    assert q.value(here).tolist() == [F(1, 3) + F(1, 14) + 8, F(1, 3) + F(5, 42) + 10]
    assert q.value(just_above([F(1)])).tolist() == [F(1, 3) + F(1, 14) + 10]
    assert just_above([F(1)]).decide.tolist() == [1 + NUDGE]


def test_a_shared_node_is_evaluated_once() -> None:
    steps = Steps(VOLUME, 10.0)
    here = at([5.0])
    first = steps.value(here)
    assert steps.value(here) is first
    assert At(here.volume, here.volume).decision.volume is here.volume


@pytest.mark.parametrize("q", [VOLUME, linear(2.0, (1.0, VOLUME))])
def test_what_does_not_kink_has_no_kinks(q: Linear) -> None:
    assert q.kinks(None) == []
