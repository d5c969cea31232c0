"""Lines of an option held against plain arithmetic: exact, in floats, in draws, and moved by just what they list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from conftest import Build, Data

from tco.draws import Draws
from tco.lineitem import KEY_JOINT, Exact, Figure, LineItem, Point
from tco.options.assembly import Assembled
from tco.options.base import Notes
from tco.quantity import at, just_above

F = Fraction
Key = tuple[str, str]
"""Category and label of a line."""
Expected = Callable[[Fraction], Mapping[Key, Fraction]]
AROUND = ("fixed", "storage", "usage", "one-off", "embeddings", "quality")
CLOSE = F(1, 10**12)


def lines(option: Assembled, categories: Sequence[str] = AROUND) -> list[tuple[Key, LineItem]]:
    """The lines of these categories, of the option and of all behind it."""
    return [((x.category, x.label), x) for _, x in option.lines if x.category in categories]


def amounts(option: Assembled, here: Any, categories: Sequence[str] = AROUND) -> dict[Key, Any]:
    """Their amounts, lines of one name added; what costs nothing is left out."""
    found: dict[Key, Any] = {}
    for key, line in lines(option, categories):
        found[key] = found.get(key, 0) + line.amount(here).reshape(-1)[0]
    return {k: x for k, x in found.items() if x}


def notes(build: Build, data: Data) -> Notes:
    """What pricing a scenario says beside its lines."""
    said = Notes()
    build(data).price(Exact(), said)
    return said


def warnings(build: Build, data: Data) -> list[str]:
    return [str(note) for note in notes(build, data).warnings]


def check(
    build: Build, data: Data, option: str, volumes: Sequence[int | Fraction], expected: Expected,
    categories: Sequence[str] = AROUND,
) -> None:  # fmt: skip
    """Equal in rational arithmetic at each volume and, to a nudge, just above it; within 1e-12 in floats."""
    case = build(data)
    exact, floats = case.price(Exact())[option], case.price(Point())[option]
    for v in map(F, volumes):
        want = {k: x for k, x in expected(v).items() if x}
        assert amounts(exact, at([v]), categories) == want, v
        above = amounts(exact, just_above([v]), categories)
        for k in above.keys() | want.keys():
            assert abs(above.get(k, F(0)) - want.get(k, F(0))) <= F(1, 10**30) * sum(want.values(), F(0)), (v, k)
        near, gross = amounts(floats, at([float(v)]), categories), sum(want.values(), F(0))
        for k in near.keys() | want.keys():  # beside the whole: what just begins to overflow is a small difference
            assert abs(F(near.get(k, 0)) - want.get(k, F(0))) <= CLOSE * gross, (v, k)


def put(data: Data, path: str, value: Any) -> Data:
    """The data with the value at a dotted path replaced."""
    found: Data = deepcopy(data)
    *above, last = path.split(".")
    inner: Any = found
    for step in above:
        inner = inner[step]
    inner[last] = value
    return found


def check_draws(
    build: Build, data: Data, option: str, volume: int, ranges: Mapping[str, tuple[Any, Any, str]],
    categories: Sequence[str] = AROUND,
) -> None:  # fmt: skip
    """Each range is drawn, and each draw is what pricing with the drawn numbers gives. `ranges`: by dotted path, low,
    high and how a number is written there. A range of one number is that number."""
    ranged, pointed, degenerate = data, data, data
    for path, (low, high, form) in ranges.items():
        ranged = put(ranged, path, {"low": form.format(low), "high": form.format(high)})
        pointed = put(pointed, path, form.format(low))
        degenerate = put(degenerate, path, {"low": form.format(low), "high": form.format(low)})
    here = at([float(volume)])
    alone = amounts(build(pointed).price(Point())[option], here, categories)
    assert amounts(build(degenerate).price(Draws(4))[option], here, categories) == alone

    draws = Draws(4)
    found = build(ranged).price(draws)[option]
    drawn: dict[str, tuple[Figure, Any]] = {
        figure.home.key.replace(KEY_JOINT, "."): (figure, x) for figure, x in draws.drawn.values()
    }
    assert drawn.keys() == ranges.keys(), "every range is drawn, under its own key"
    by_draw: dict[Key, Any] = {}
    for key, line in lines(found, categories):
        by_draw[key] = by_draw.get(key, 0) + np.broadcast_to(line.amount(here).reshape(-1), 4)
    for i in range(4):
        substituted = data
        for path, (_, _, form) in ranges.items():
            substituted = put(substituted, path, form.format(Decimal(repr(float(drawn[path][1][i])))))
        want = amounts(build(substituted).price(Point())[option], here, categories)
        assert want.keys() == by_draw.keys()
        assert all(abs(by_draw[k][i] - x) <= 1e-12 * abs(x) for k, x in want.items()), i


def check_inputs(
    build: Build, data: Data, option: str, volume: int, others: Mapping[str, Any],
    categories: Sequence[str] = AROUND,
) -> None:  # fmt: skip
    """A line moves when a figure it lists is changed, and only then. `others`: another value by dotted path."""
    before = dict(lines(build(data).price(Exact())[option], categories))
    here = at([F(volume)])
    for path, value in others.items():
        after = dict(lines(build(put(data, path, value)).price(Exact())[option], categories))
        for key, line in before.items():
            moved = line.amount(here)[0] != (after[key].amount(here)[0] if key in after else 0)
            listed = path.replace(".", KEY_JOINT) in {part.home.key for figure in line.inputs for part in figure.base}
            assert moved == listed, f"{key}: {path} {'moves it' if moved else 'does not move it'}"
