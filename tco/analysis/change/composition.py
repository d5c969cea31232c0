"""A scenario that never was: of each cause, the keys and catalogues of before or of after."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

from tco.analysis.case import Case, build_case
from tco.analysis.change.causes import PLAN, SECTIONS, blocks, cause_of, divided
from tco.analysis.ledger import ledger
from tco.catalog.mixed import Mixed
from tco.catalog.store import Store
from tco.document import Document, Faults
from tco.document.document import DataPath, Mark
from tco.lineitem import Exact
from tco.options.assembly import Assembled

OLD, NEW = 0, 1
_PLANNED = frozenset({"projection", "current"})
"""Keys with a cause that are in no month's cost, only in what is paid over the plan."""
_AROUND = frozenset({"team"})
"""Keys with a cause that cost nothing: like those without one they may name options, and without them any few are a
scenario."""


class _Built(NamedTuple):
    case: Case
    priced: Mapping[str, Assembled]


class Composition:
    """What a scenario would cost with some causes changed and the others as they were.

    Each such scenario is built and priced once, whatever is asked of it.
    """

    def __init__(self, old: Case, new: Case, planned: Collection[str] = ()) -> None:
        """planned: the options whose payments over the plan are asked for as well."""
        self.cases = (old, new)
        self._planned = tuple(planned)
        self._found: dict[object, Any] = {}

    def cost(self, option: str, changed: frozenset[str]) -> Fraction | None:
        """Money a month of an option at the planned volume; None where such a scenario cannot be priced."""
        changed = changed - {PLAN}
        whole = self._once(("month", changed), lambda: self._costs(changed, None))
        if whole is None:  # another option may be what cannot be priced
            around = self.closure(option)
            whole = self._once(("month", changed, around), lambda: self._costs(changed, around))
        return None if whole is None else whole[option]

    def total(self, option: str, changed: frozenset[str]) -> Fraction | None:
        """What is paid for a planned option over the plan; None where such a scenario cannot be planned."""
        around = self._moving(self._planned)
        whole = self._once(("plan", changed), lambda: self._totals(changed, around, self._planned))
        if whole is None:
            alone = self._moving([option])
            whole = self._once(("plan", changed, option), lambda: self._totals(changed, alone, [option]))
        return None if whole is None else whole[option]

    def _once(self, key: object, work: Callable[[], Any]) -> Any:
        if key not in self._found:
            self._found[key] = work()
        return self._found[key]

    def _costs(self, changed: frozenset[str], only: frozenset[str] | None) -> dict[str, Fraction] | None:
        built = self._built(changed, only, bool(self._planned) and only is None)
        return None if built is None else costs(*built)

    def _totals(
        self, changed: frozenset[str], only: frozenset[str] | None, names: Collection[str]
    ) -> dict[str, Fraction] | None:
        built = self._built(changed, only, True)
        if built is None:
            return None
        try:
            return totals(built.case, names)
        except Faults:
            return None

    def _moving(self, names: Collection[str]) -> frozenset[str] | None:
        """These options, what runs today, and all behind them; None where that is every option."""
        today = [case.scenario.current for case in self.cases]
        wanted = (*names, *(name for name in today if name is not None))
        found = frozenset[str]().union(*map(self.closure, wanted))
        return None if found >= {name for case in self.cases for name in case.options} else found

    def _built(self, changed: frozenset[str], only: frozenset[str] | None, planned: bool) -> _Built | None:
        built: _Built | None = self._once(
            ("built", changed, only, planned), lambda: self._build(changed, only, planned)
        )
        return built

    def _build(self, changed: frozenset[str], only: frozenset[str] | None, planned: bool) -> _Built | None:
        """Of all options or of some. planned: with what its plan needs."""
        document = composed(self.cases[OLD].document, self.cases[NEW].document, changed)
        left_out = _AROUND if planned else _AROUND | _PLANNED
        keys = {k: v for k, v in document.data.items() if k == "options" or (cause_of((k,)) and k not in left_out)}
        if only is not None:
            keys["options"] = {name: spec for name, spec in keys["options"].items() if name in only}
        keys["options"] = {name: _candidate(spec) for name, spec in keys["options"].items()}
        try:
            case = build_case(replace(document, data=keys), None, None, lambda _: self._store(changed))
            return _Built(case, case.price(Exact()))
        except Faults:
            return None

    def _store(self, changed: frozenset[str]) -> Store:
        stores = [case.store for case in self.cases]
        sections = {section: stores[NEW if cause in changed else OLD] for section, cause in SECTIONS.items()}
        return Mixed(sections, sections["exchange_rates"])

    def closure(self, option: str) -> frozenset[str]:
        """The option and all behind it, before or after."""
        found: frozenset[str] = self._once(("behind", option), lambda: self._behind(option))
        return found

    def _behind(self, option: str) -> frozenset[str]:
        found, left = {option}, [option]
        while left:
            name = left.pop()
            for case in self.cases:
                spec: Any = case.options[name][1].spec if name in case.options else None
                targets = set(spec.targets()) - found if hasattr(spec, "targets") else set()
                found |= targets
                left += targets
        return frozenset(found)


def costs(case: Case, priced: Mapping[str, Assembled]) -> dict[str, Fraction]:
    """Money a month of every option at the planned volume, unrounded."""
    volume = case.volume()
    return {name: ledger(option, volume).exact for name, option in priced.items()}


def totals(case: Case, names: Collection[str]) -> dict[str, Fraction]:
    """What is paid for options over the months of the plan, unrounded. The case has been priced before: what it has
    looked up says when prices change. `Faults` where the plan does not fit."""
    from tco.analysis.months import Months
    from tco.analysis.plan import check_current, courses
    from tco.analysis.timeline import Timeline

    check_current(case)
    timeline = Timeline(case)
    found = courses(Months(timeline, timeline.eras(), Exact()), list(names))
    return {name: sum((Fraction(v) for v in found[name].paid), Fraction(0)) for name in names}


def _candidate(spec: Any) -> Any:
    """An option that is compared: one alone that is only a part of hybrids would be no scenario."""
    return {k: v for k, v in spec.items() if k != "candidate"} if isinstance(spec, dict) else spec


def composed(old: Document, new: Document, changed: Collection[str]) -> Document:
    """The document with the keys of these causes as in `new`, the others as in `old`.

    What costs nothing is as in `new`. A block that only one side has goes whole, with the cause of its head; an option
    that only one side has is there in any case, for what refers to it. Of a standing block each key is looked at, where
    one side does not state it as well. Marks follow.
    """
    sides = (old, new)
    marks: dict[DataPath, Mark] = {}
    key_marks: dict[DataPath, Mark] = {}

    def mark(path: DataPath, side: Document) -> None:
        if path in side.marks:
            marks[path] = side.marks[path]
        if path in side.key_marks:
            key_marks[path] = side.key_marks[path]

    def whole(value: Any, path: DataPath, side: Document) -> Any:
        mark(path, side)
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, below in inner:
            whole(below, (*path, key), side)
        return value

    def lay(before: Any, after: Any, path: DataPath) -> dict[str, Any]:
        mark(path, new)
        found: dict[str, Any] = {}
        for key in dict.fromkeys((*after, *before)):
            at = (*path, key)
            there = [key in side for side in (before, after)]
            inner = blocks(before, after, at)
            if inner is not None and divided(at):
                found[key] = lay(*inner, at)
                continue
            if path == ("options",) and not all(there):
                side = there.index(True)
            else:
                cause = cause_of(at)
                side = NEW if cause is None or cause in changed else OLD
            if there[side]:
                found[key] = whole((before, after)[side][key], at, sides[side])
        return found

    data = lay(old.data, new.data, ())
    return replace(new, data=data, marks=marks, key_marks=key_marks, faults=())
