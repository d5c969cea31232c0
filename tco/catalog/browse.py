"""Every entry of the catalogue folders, for people to look through. Comparing never reads all of it: see `store`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from tco.catalog.entries import Catalogue
from tco.catalog.sourced import Dated, Sourced
from tco.catalog.store import SECTIONS, Store
from tco.document import Document, Faults, nearest, validate
from tco.fields import Model

EVERY_SECTION = (*SECTIONS, "exchange_rates")


class Row(NamedTuple):
    """One thing with its own paper: a dated price of an entry, one of its figures, or an entry as a whole."""

    what: str
    """The figure's key, empty for a price and for an entry as a whole."""
    spec: Any
    path: tuple[str | int, ...]
    holds: bool
    """Whether it is what holds at the date, rather than history or still to come."""
    superseded: bool
    """Whether a later row holds instead."""


class Entry(NamedTuple):
    """An entry with all its rows."""

    section: str
    name: str
    provider: str
    currency: str
    spec: Any
    """The entry's model; for a currency, the list of its rates."""
    document: Document
    rows: tuple[Row, ...]
    as_of: date

    @property
    def prices(self) -> list[Row]:
        """Its dated prices; the entry itself where it has no history."""
        return [row for row in self.rows if not row.what]

    @property
    def label(self) -> str:
        """What people call it."""
        for key in ("name", "role", "model", "gpu"):
            if (text := getattr(self.spec, key, None)) is not None:
                return str(text)
        return ""

    @property
    def where(self) -> str:
        """`file:line` of the entry."""
        return self.document.where((self.section, self.name.split("/")[1]))

    @property
    def checked(self) -> date | None:
        """When the figures that hold were last compared with their sources: the oldest of them."""
        current = [row.spec.checked for row in self.rows if row.holds]
        return min(current or [row.spec.checked for row in self.rows], default=None)


def entries(store: Store, section: str | None = None) -> list[Entry]:
    """The entries of one section or of all, folders in order: a folder of one's own hides what it names itself.

    Raises `Faults` with all that is wrong in any file.
    """
    found: dict[tuple[str, str], Entry] = {}
    faults: list[Any] = []
    for paths in store.files.values():
        for path in paths:
            try:
                document = store.read(path)
                catalogue = validate(Catalogue, document.data, document)
            except Faults as wrong:
                faults += wrong.faults
                continue
            for entry in _of(path.stem, document, catalogue, store.as_of):
                if section in (None, entry.section):
                    found.setdefault((entry.section, entry.name), entry)
    if faults:
        raise Faults(faults)
    order = {key: i for i, key in enumerate(EVERY_SECTION)}
    return sorted(found.values(), key=lambda e: order[e.section])


def _of(stem: str, document: Document, catalogue: Catalogue, as_of: date) -> Iterator[Entry]:
    for section in EVERY_SECTION:
        for key, spec in getattr(catalogue, section).items():
            rows = tuple(_rows(section, key, spec, as_of))
            yield Entry(
                section, f"{stem}/{key}", catalogue.provider or "", catalogue.currency, spec, document, rows, as_of
            )


def _rows(section: str, key: str, spec: Any, as_of: date) -> Iterator[Row]:
    at = (section, key)
    dated = spec if isinstance(spec, list) else getattr(spec, "prices", None)
    if dated is not None:
        steps: tuple[str | int, ...] = at if isinstance(spec, list) else (*at, "prices")
        for i, row in enumerate(dated):
            same = [r for r in dated if series(r) == series(row) and r.as_of <= as_of]
            latest = max((r.as_of for r in same), default=None)
            yield Row("", row, (*steps, i), row.as_of == latest, latest is not None and row.as_of < latest)
    elif isinstance(spec, Sourced):
        yield Row("", spec, at, spec.as_of <= as_of, False)  # type: ignore[attr-defined]
    if isinstance(spec, Model):
        for name in type(spec).model_fields:
            figure = getattr(spec, name)
            if isinstance(figure, Dated):
                yield Row(name, figure, (*at, name), figure.as_of <= as_of, False)


def series(row: Any) -> tuple[Any, ...]:
    """What a row is the history of: an offer has one price for each region and term."""
    return (getattr(row, "region", None), getattr(row, "term", None))


def named(found: Sequence[Entry], name: str) -> list[Entry]:
    """The entries of this name, with its file or without, in any section."""
    return [e for e in found if name in (e.name, e.name.split("/")[1])]


def near(found: Sequence[Entry], name: str, n: int = 3) -> list[str]:
    """The names somebody may have meant: by the whole name where it has a file, else by what stands after it."""
    names = list(dict.fromkeys(e.name for e in found))
    if "/" in name and (close := nearest(name, names, n)):
        return close
    wanted = name.rpartition("/")[2]
    keys = nearest(wanted, [e.split("/")[1] for e in names], n)
    return sorted((e for e in names if e.split("/")[1] in keys), key=lambda e: keys.index(e.split("/")[1]))[:n]


def search(found: Sequence[Entry], words: Sequence[str]) -> list[Entry]:
    """The entries that have every word in their name, label, GPU, provider, model or section, case aside."""
    wanted = [w.casefold() for w in words]
    return [e for e in found if all(w in _text(e) for w in wanted)]


def _text(e: Entry) -> str:
    said = (getattr(e.spec, key, None) for key in ("name", "role", "model", "gpu", "hf_id", "engine", "licence"))
    parts = (e.section, e.section.replace("_", " "), e.name, e.provider, *(str(s) for s in said if s is not None))
    return "\n".join(parts).casefold()


class Old(NamedTuple):
    """Figures of an entry that were checked on one day, too long ago."""

    entry: Entry
    what: str
    checked: date
    days: int
    many: int


def stale(found: Sequence[Entry], as_of: date, days: int) -> list[Old]:
    """Figures in use, or still to come, that nobody has checked for more than so many days; the oldest first."""
    old: dict[tuple[str, str, str, date], Old] = {}
    for e in found:
        for row in e.rows:
            age = (as_of - row.spec.checked).days
            if age > days and not row.superseded:
                key = (e.section, e.name, row.what, row.spec.checked)
                before = old.get(key)
                old[key] = Old(e, row.what, row.spec.checked, age, (before.many if before else 0) + 1)
    return sorted(old.values(), key=lambda o: (-o.days, o.entry.name, o.entry.section, o.what))
