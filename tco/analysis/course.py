"""An option followed over the months of a plan: a comparison's line items, with months in the place of volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tco.analysis.flows import Course, Key, Line
from tco.analysis.months import Months
from tco.analysis.ownership import bought
from tco.analysis.settlement import at_the_end_of_years, settle, times
from tco.analysis.switching import both_use, switching
from tco.lineitem import SETTLED, WRITTEN_OFF, Every, LineItem, total
from tco.options.assembly import Assembled
from tco.quantity import Array, Linear, Quantity


def course(months: Months, name: str, current: Course | None = None, *, fold: bool = False) -> Course:
    """An option over the months. current: what runs today, where that is another one.

    fold: lines of one category as one and no sizes, for what asks for no more.
    """
    months.begin()
    options = [priced[name] for priced in months.priced]
    lines = bought(months, options)  # before all that rests on how many servers there are
    settle(months, options)
    shared = set() if current is None else both_use(months, options[0], current)
    lines += switching(months, options[0], _running(months, options, fold, shared), current)
    sizes = (None, None, None) if fold else _sizes(months, options)
    return Course(name, months.volumes, tuple(lines), _over(months, options), *sizes)


def _running(months: Months, options: Sequence[Assembled], fold: bool, apart: set[str]) -> list[Line]:
    """The lines of a comparison, month by month. apart: leaves whose lines are not folded with those of others."""
    found: dict[tuple[Key, str], list[tuple[int, list[LineItem]]]] = {}
    for era, option in enumerate(options):
        for known, alike in _alike(option, fold, apart).items():
            found.setdefault(known, []).append((era, alike))
    lines = []
    for (key, _), by_era in found.items():
        whole = months.series({era: _amount(alike) for era, alike in by_era})
        cost = whole[1:]
        timing = by_era[0][1][0].timing
        paid: Array | None = None
        if isinstance(timing, Every):
            paid = months.columns(cost * timing.months * times(months, timing))
        elif timing == SETTLED:
            paid = months.columns(at_the_end_of_years(months, cost))
        elif timing != WRITTEN_OFF:
            paid = whole
        inputs = tuple(dict.fromkeys(f for _, alike in by_era for line in alike for f in line.inputs))
        lines.append(Line(key, cost, paid, inputs, timing == SETTLED))
    return lines


def _amount(lines: Sequence[LineItem]) -> Quantity:
    """Lines together as one quantity: folded where their rates stand still, with what `At.hold` may say apart."""
    moving = tuple((line.rate, line.quantity) for line in lines if np.ndim(line.rate) > 1)
    still = [line for line in lines if np.ndim(line.rate) < 2]
    return Linear(0, (*(((1, total(still)),) if still else ()), *moving))


def _alike(option: Assembled, fold: bool, apart: set[str]) -> dict[tuple[Key, str], list[LineItem]]:
    """The lines of an option: those of one timing that read alike are one; to fold, those of one category."""
    found: dict[tuple[Key, str], list[LineItem]] = {}
    for part, line in option.lines:
        timing = "every" if isinstance(line.timing, Every) else str(line.timing or "")
        together = fold and timing != "every"
        leaf = part if not together or part in apart else ""
        key = Key(leaf, line.category, timing if together else line.label)
        found.setdefault((key, timing), []).append(line)
    return found


def _over(months: Months, options: Sequence[Assembled]) -> tuple[tuple[str, Array], ...]:
    """The limits that some month passes. Those of a fleet may be more in some months than in others, by its loads."""
    found: dict[tuple[str, str], Array] = {}
    for era, option in enumerate(options):
        for leaf, limit in option.limits:
            over = (months.series({era: limit.passed})[1:] != 0).astype(bool)
            key = (leaf, limit.reason)
            found[key] = over | found[key] if key in found else over
    return tuple(
        (reason if leaf == options[0].name else f"{leaf}: {reason}", over)
        for (leaf, reason), over in found.items()
        if np.any(over)
    )


def _sizes(months: Months, options: Sequence[Assembled]) -> tuple[Array | None, Array | None, Array | None]:
    """Replicas in the busiest hour, GPUs, and posts, by month."""

    def together(of: Sequence[Quantity]) -> Quantity:
        return Linear(0, tuple((1, q) for q in of))

    def summed(pick: Mapping[int, Sequence[Quantity]]) -> Array | None:
        found = {era: together(of) for era, of in pick.items() if of}
        return months.series(found)[1:] if found else None

    replicas: dict[int, list[Quantity]] = {}
    gpus: dict[int, list[Quantity]] = {}
    posts: dict[int, list[Quantity]] = {}
    for era, option in enumerate(options):
        replicas[era] = [f.peak for f in option.fleets.values() if f.peak is not None]
        gpus[era] = [p.bill.gpus for p in option.parts if p.bill.gpus is not None]
        posts[era] = [line.quantity for _, line in option.lines if line.category == "people"]
    return summed(replicas), summed(gpus), summed(posts)
