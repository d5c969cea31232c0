"""Quantities: values, both sides of an edge, draws, and exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tco.quantity import NUDGE, SAME, VOLUME, At, Cheapest, Highest, Linear, Part, Steps, at, just_above, linear

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


def mixes(n: type[float] | type[Fraction], dear: object = 5) -> Cheapest:
    """Big nodes of 8 at 5, or small ones of 3 at 2: by the lowest cost of what is needed, the node count of it."""
    big, small = Steps(VOLUME, n(8)), Steps(VOLUME, n(3))
    return Cheapest((linear(n(0), (dear, big)), linear(n(0), (n(2), small))), (big, linear(n(0), (n(10), small))))


def test_the_cheapest_of_several_values() -> None:
    # up to 3: 5 or 2; to 6: 5 or 4; to 8: 5 or 6; to 9: 10 or 6; to 12: 10 or 8; to 15: 10 or 10, the first; above: 10
    volumes = [3.0, 3.5, 6.0, 6.5, 8.0, 8.5, 9.5, 12.5, 16.0, 16.5]
    expected = [10, 20, 20, 1, 1, 30, 40, 2, 2, 60]
    assert values(mixes(float, 5.0), volumes) == expected
    assert mixes(F, F(5)).value(at([F(v) for v in volumes])).tolist() == expected
    assert mixes(float, 5.0).value(just_above([3.0, 6.0, 8.0, 12.0, 16.0])).ravel().tolist() == [20, 1, 30, 2, 60]
    assert mixes(F, F(5)).value(just_above([F(3), F(6), F(8), F(12), F(16)])).tolist() == [20, 1, 30, 2, 60]


def test_the_cheapest_is_chosen_by_draw() -> None:
    q = mixes(float, np.array([1.0, 5.0]))
    assert q.value(at([3.0, 12.0])).tolist() == [[1, 10], [2, 40]]
    assert q.value(at(np.array([3.0, 12.0, 12.0]), rows=np.array([1, 0, 1]))).tolist() == [10, 2, 40]


def test_rounding_does_not_prefer_the_later_of_two_that_cost_the_same() -> None:
    steps, one, two = Steps(VOLUME, 1.0), linear(1.0), linear(2.0)
    costs = linear(0.0, (0.1, steps), (0.2, Steps(VOLUME, 1.0))), linear(0.0, (0.3, steps))  # 0.1 + 0.2 > 0.3
    assert values(Cheapest(costs, (one, two)), [1.0, 7.0]) == [1, 1]
    assert values(Cheapest(costs[::-1], (one, two)), [1.0, 7.0]) == [1, 1]


def test_what_is_cheapest_needs_staircases() -> None:
    with pytest.raises(ValueError, match="must be staircases"):
        Cheapest((VOLUME, Steps(VOLUME, 1.0)), (VOLUME, VOLUME))
    with pytest.raises(ValueError, match="1 values, 2 costs"):
        Cheapest((Steps(VOLUME, 1.0), Steps(VOLUME, 1.0)), (VOLUME,))


def test_a_repr_shows_what_a_staircase_is_made_of() -> None:
    assert repr(Steps(VOLUME, 2.0, 1.0)) == "Steps(Volume(), 2.0, 1.0, 0, None)"
