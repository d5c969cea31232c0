"""What was changed: keys of the scenario, and figures of the catalogues that an option's cost rests on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from tco.analysis.case import Case
from tco.analysis.change.causes import CAUSES, PROSE, SECTIONS, blocks, cause_of
from tco.analysis.ledger import Ledger
from tco.catalog.store import LookupFault
from tco.document import Document, Faults
from tco.document.document import DataPath, scalar_text
from tco.lineitem import KEY_JOINT, Figure
from tco.ranges import Range

_ABSENT = object()
_PAPER = frozenset({"as_of", "source", "checked", "kind", "note"})
"""Where a row of a catalogue comes from, and when: no figures."""


class KeyChange(NamedTuple):
    """A key with another value, or a figure of a catalogue that is another one."""

    cause: str | None
    """None of what costs nothing: facts, requirements, what runs today."""
    path: str
    """`workload.volume`; of a catalogue `acme/small: input_per_mtok`."""
    before: str | None
    """As it was typed, or a figure with its unit; None where it was not there."""
    after: str | None
    where: str
    """`file:line` of the new value, of the old one where it is gone."""


def keys(old: Document, new: Document, around: Collection[str]) -> list[KeyChange]:
    """The keys that differ between two scenarios, in the order of the new one; of options only those `around` one."""
    return list(_below(old, new, old.data, new.data, (), around))


def _below(
    old: Document, new: Document, before: Any, after: Any, path: DataPath, around: Collection[str]
) -> Iterator[KeyChange]:
    for key in dict.fromkeys((*after, *before)):
        at = (*path, key)
        if path == ("options",):
            if key not in around:
                continue
        elif key in PROSE and cause_of(at) is None:
            continue
        was, now = before.get(key, _ABSENT), after.get(key, _ABSENT)
        if was == now:
            continue
        inner = blocks(before, after, at)
        if inner is not None:
            yield from _below(old, new, *inner, at, around)
            continue
        where = old.where(at) if now is _ABSENT else new.where(at)
        typed = [None if v is _ABSENT else text(v) for v in (was, now)]
        yield KeyChange(cause_of(at), ".".join(map(str, at)), typed[0], typed[1], where)


def text(value: Any) -> str:
    """A value on one line, much as it would be typed."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(text, value)) + "]"
    return " ".join(scalar_text(value).split()) if value is not None else "null"


def figures(before: Ledger, after: Ledger) -> list[KeyChange]:
    """The catalogue figures of an option that differ; what only one side has comes with the key that names it."""
    was, now = _figures(before), _figures(after)
    return [
        KeyChange(SECTIONS.get(key[1]), f"{key[0]}: {_steps(key)}", _said(was[key]), _said(f), f.home.where)
        for key, f in now.items()
        if key in was and not _same(was[key], f)
    ]


def _figures(books: Ledger) -> dict[tuple[str, ...], Figure]:
    """By entry, section and keys. Which row holds is no part of it: a new row is a new figure of the same keys."""
    found: dict[tuple[str, ...], Figure] = {}
    for figure in (part for entry in books.entries for f in entry.inputs for part in f.base):
        name, *steps = figure.home.key.split(KEY_JOINT)
        if figure.home.source and steps and "/" in name:
            found.setdefault((name, steps[0], *(s for s in steps[2:] if not s.isdecimal())), figure)
    return found


def later_rows(before: Case, after: Case, around: Collection[str]) -> list[KeyChange]:
    """Dated rows of the catalogues that hold only later than either side's day, and that only one side has; of the
    entries that the options `around` name."""
    named = {
        at: None
        for case in (after, before)
        for option in case.options
        if option in around
        for at in case.options[option][1].spec.references().values()
    }
    today = max(before.store.as_of, after.store.as_of)
    found = []
    for section, name in named:
        was, now = (_rows(case, section, name, today) for case in (before, after))
        for row in dict.fromkeys((*now, *was)):
            if row not in was or row not in now:
                where, said = now.get(row) or was[row]
                old, new = (said, None) if row in was else (None, said)
                found.append(KeyChange(SECTIONS[section], f"{name}: from {row[0]}", old, new, where))
    return found


def _rows(case: Case, section: str, name: str, today: date) -> dict[tuple[str, str], tuple[str, str]]:
    """The rows of an entry that hold only after a day, by their day and what they say; each with its place."""
    found = {}
    with suppress(LookupFault, Faults):
        entry = case.store.find(section, name)
        for i, row in enumerate(getattr(entry.spec, "prices", ())):
            if row.as_of > today:
                path = (*entry.path, "prices", i)
                typed: Any = entry.document.data
                for step in path:
                    typed = typed[step]
                said = text({k: v for k, v in typed.items() if k not in _PAPER})[1:-1]
                found[row.as_of.isoformat(), said] = entry.document.where(path), said
    return found


def _steps(key: tuple[str, ...]) -> str:
    return " ".join(step for step in key[2:] if step != "prices") or key[1]


def _said(figure: Figure) -> str:
    value = figure.value
    bounds = (value.low, value, value.high) if isinstance(value, Range) else (value,)
    return f"{' – '.join(f'{float(v):,.10g}' for v in bounds)} {figure.unit}".strip()


def _same(a: Figure, b: Figure) -> bool:
    return _number(a) == _number(b) and a.unit == b.unit


def _number(figure: Figure) -> tuple[Fraction, ...]:
    value = figure.value
    return (value.low, Fraction(value), value.high) if isinstance(value, Range) else (Fraction(value),)


def differing(old: Case, new: Case) -> tuple[str, ...]:
    """The causes of which a key or a catalogue entry that was looked up differs, in the usual order."""
    everywhere = {*old.options, *new.options}
    found = {change.cause for change in keys(old.document, new.document, everywhere)}
    if old.store.as_of != new.store.as_of:
        found.add(cause_of(("as_of",)))
    asked = dict.fromkeys((*old.store.asked, *new.store.asked))
    found |= {SECTIONS[section] for section, name in asked if _entry(old, section, name) != _entry(new, section, name)}
    converted = any("exchange_rates" in d.data for case in (old, new) for d in case.store.documents)
    if converted and _rates(old) != _rates(new):
        found.add(SECTIONS["exchange_rates"])
    return tuple(cause for cause in CAUSES if cause in found)


def _entry(case: Case, section: str, name: str) -> object:
    with suppress(LookupFault, Faults):
        found = case.store.find(section, name)
        return found.spec, found.currency
    return None


def _rates(case: Case) -> list[object]:
    """The rates of all currencies, with all their rows; as they stand where nothing of them can be read."""
    with suppress(Faults):
        return [case.store.read(path).data.get("exchange_rates") for path in case.store.files.get("currencies", [])]
    return []
