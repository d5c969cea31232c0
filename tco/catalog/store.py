"""Look-up of catalogue entries by name. Of the file an entry stands in, only the entry is read and validated.

A name is FILE/ENTRY: `aws/p5.48xlarge` is the entry `p5.48xlarge` of `aws.yaml`. A folder of one's own comes before
the shipped one. Nothing falls back: an unknown name, region, term or date is an error with what there is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from fractions import Fraction
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tco.document import Document, Faults, Parts, did_you_mean, load, nearest, validate
from tco.lineitem import KEY_JOINT, Figure, Home
from tco.shipped import shown

if TYPE_CHECKING:
    from tco.catalog.offers import OfferPrice
    from tco.catalog.sourced import Dated, Sourced
    from tco.fields import Model

SECTIONS = {
    "models": "prices.ApiModel",
    "gpus": "offers.Offer",
    "endpoints": "offers.Offer",
    "people": "people.Person",
    "capacity": "profiles.CapacityProfile",
    "open_weights": "open_weights.OpenModel",
    "hardware": "hardware.Hardware",
    "electricity": "power.Electricity",
    "pue": "power.Pue",
    "colocation": "power.Colocation",
}
"""The model of each section's entries, by the name of its module: imported when an entry is read, not before."""
STALE_DAYS = 90
"""A figure checked longer ago than this is warned about."""


class LookupFault(Exception):
    """A name that leads nowhere: what was asked for, what would have been right."""

    def __init__(self, message: str, expected: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message, self.expected, self.hint = message, expected, hint


D = TypeVar("D", bound="Dated")


class Found(NamedTuple):
    """A validated entry and where it stands."""

    name: str
    spec: Any
    document: Document
    path: tuple[str, str]
    currency: str

    def figure(self, name: str, value: Fraction, unit: str, row: Sourced, *steps: str | int) -> Figure:
        """A number of this entry, at home at its line of the catalogue."""
        path = (*self.path, *steps)
        paper = f"{self.name}: {row.source}", row.checked.isoformat(), row.kind
        home = Home(self.document.where(path), *paper, KEY_JOINT.join((self.name, *map(str, path))))
        return Figure(name, value, unit, home)


class Reading:
    """What has been read of catalogues, for the stores of many scenarios: each file and each entry once."""

    def __init__(self) -> None:
        self.files: dict[tuple[Path, ...], dict[str, list[Path]]] = {}
        self.documents: dict[Path, Document] = {}
        self.by_entry: dict[Path, Parts] = {}
        self.parts: dict[tuple[Path, str, str], Document | None] = {}
        self.found: dict[tuple[tuple[Path, ...], str, str], Found] = {}


class Store:
    """The catalogue folders a scenario can name entries of, as of a date. `named` says how a file is shown; `reading`
    is shared with other stores that show files alike."""

    def __init__(
        self,
        folders: Sequence[Path],
        as_of: date,
        named: Callable[[Path], Path] = shown,
        reading: Reading | None = None,
    ) -> None:
        self.folders, self.as_of, self._named = tuple(folders), as_of, named
        self._reading = Reading() if reading is None else reading
        self._documents: dict[Path, Document] = {}
        self._parts: dict[Path, Document] = {}
        self._found: dict[tuple[str, str], Found] = {}

    def on(self, day: date) -> Store:
        """The same catalogues on another day. What has been read is shared."""
        other = Store(self.folders, day, self._named, self._reading)
        other._documents, other._parts, other._found = self._documents, self._parts, self._found
        other.__dict__["files"] = self.files
        return other

    def changes(self) -> set[date]:
        """The days from which another row of what has been looked up holds."""
        found = (found.spec for found in self._found.values() if hasattr(found.spec, "prices"))
        return {row.as_of for spec in found for row in spec.prices}

    @cached_property
    def files(self) -> dict[str, list[Path]]:
        """Files by stem, folders in order."""
        if self.folders not in self._reading.files:
            by_stem: dict[str, list[Path]] = {}
            for folder in self.folders:
                for path in sorted(folder.glob("*.yaml")):
                    by_stem.setdefault(path.stem, []).append(path)
            self._reading.files[self.folders] = by_stem
        return self._reading.files[self.folders]

    @property
    def documents(self) -> Iterable[Document]:
        """What has been read so far: the inputs of a result."""
        return [*self._parts.values(), *self._documents.values()]

    @property
    def asked(self) -> Iterable[tuple[str, str]]:
        """The entries that have been looked up: section and name."""
        return [*self._found]

    def read(self, path: Path) -> Document:
        """The file, read once."""
        if path not in self._documents:
            known = self._reading.documents
            if path not in known:
                document = load(path)
                known[path] = replace(document, path=self._named(document.path))
            self._documents[path] = known[path]
        return self._documents[path]

    def _read_for(self, path: Path, section: str, entry: str) -> Document:
        """The file with this entry in it, if it has it: only that, unless the file was read already."""
        if path not in self._documents:
            key, known = (path, section, entry), self._reading.parts
            if key not in known:
                if path not in self._reading.by_entry:
                    self._reading.by_entry[path] = Parts(path)
                part = self._reading.by_entry[path].load(section, entry)
                known[key] = None if part is None else replace(part, path=self._named(part.path))
            found = known[key]
            if found is not None:
                self._parts[path] = found
                return found
        return self.read(path)

    def _section(self, document: Document, section: str) -> dict[str, Any]:
        content = document.data.get(section)
        return content if isinstance(content, dict) else {}

    def find(self, section: str, name: str) -> Found:
        """The entry of this name; `LookupFault` with the nearest name if there is none, `Faults` if it is wrong."""
        key = (section, name)
        if key not in self._found:
            known, shared = self._reading.found, (self.folders, section, name)
            if shared not in known:
                known[shared] = self._find(section, name)
            found = self._found[key] = known[shared]
            self._parts.setdefault(found.document.path, found.document)  # it is an input, whoever has read it
        return self._found[key]

    def _find(self, section: str, name: str) -> Found:
        stem, entry = name.split("/")
        paths = self.files.get(stem, [])
        for path in paths:
            document = self._read_for(path, section, entry)
            content = self._section(document, section)
            if entry in content:
                spec = validate(_model(section), content[entry], document, (section, entry))
                currency = document.data.get("currency", "USD")
                if not (isinstance(currency, str) and re.fullmatch("[A-Z]{3}", currency)):
                    fault = document.fault(("currency",), "not a currency", expected="a code such as USD, EUR or INR")
                    raise Faults([fault])
                return Found(name, spec, document, (section, entry), currency)
        if not paths:
            raise LookupFault(
                f"no catalogue file `{stem}.yaml`",
                "a file among " + ", ".join(sorted(self.files)),
                self._hint(section, stem, entry, sorted(self.files))
                or "a file of your own is found by `catalogs: [FOLDER]`, which names its folder",
            )
        there = [f"{stem}/{e}" for p in paths for e in self._section(self.read(p), section)]
        raise LookupFault(
            f"`{name}` is not among the {section} of {stem}.yaml",
            ("one of " + ", ".join(there))
            if 0 < len(there) <= 40
            else (f"one of its {len(there)} {section}" if there else ""),
            self._hint(section, stem, entry, [stem]),
        )

    def _hint(self, section: str, stem: str, entry: str, stems: Sequence[str]) -> str:
        """The nearest name: by file first, then by entry over all files (an error may read everything)."""
        wanted = f"{stem}/{entry}"
        close = nearest(wanted, self._names(section, stems))
        if not close:
            everywhere = self._names(section, self.files)
            by_entry = nearest(entry, [n.split("/")[1] for n in everywhere])
            close = [n for n in everywhere if by_entry and n.split("/")[1] == by_entry[0]][:1]
        return f"did you mean `{close[0]}`?" if close else ""

    def _names(self, section: str, stems: Iterable[str]) -> list[str]:
        """The names of these files' entries; a file that cannot be read has no part in a hint."""
        names = []
        for stem in stems:
            for path in self.files[stem]:
                with suppress(Faults):
                    names += [f"{stem}/{entry}" for entry in self._section(self.read(path), section)]
        return names

    def row(self, found: Found, rows: Sequence[D], what: str) -> tuple[int, D]:
        """The row that holds at the date: the latest that is not after it. Rows may be filtered before."""
        if not rows:
            raise LookupFault(
                f"no price of `{found.name}`{f' {what}' if what else ''} is known", "a price stated in the scenario"
            )
        held = [(i, r) for i, r in enumerate(found.spec.prices) if r in rows and r.as_of <= self.as_of]
        if not held:
            first = min(r.as_of for r in rows)
            raise LookupFault(
                f"no price of `{found.name}`{f' {what}' if what else ''} as of {self.as_of}",
                f"a date from {first} on, where its prices begin",
            )
        latest = max(r.as_of for _, r in held)
        newest = [pair for pair in held if pair[1].as_of == latest]
        if len(newest) > 1:
            raise LookupFault(f"`{found.name}` has {len(newest)} prices as of {latest}", "one row for each date")
        return newest[0]

    def offer_row(self, found: Found, region: str | None, term: str | None) -> tuple[int, OfferPrice, str | None]:
        """The price row of an offer for a region and a term, and the region taken when none was named."""
        rows: list[OfferPrice] = found.spec.prices
        regions = list(dict.fromkeys(r.region for r in rows))
        if region is not None and region not in regions:
            raise LookupFault(
                f"`{found.name}` has no price in region `{region}`",
                "one of " + ", ".join(regions),
                did_you_mean(region, regions),
            )
        terms = list(dict.fromkeys(r.term for r in rows if region in (None, r.region)))
        wanted = term or ("on_demand" if "on_demand" in terms else terms[0] if len(terms) == 1 else None)
        if wanted is None or wanted not in terms:
            place = f" in {region}" if region else ""
            raise LookupFault(
                f"`{found.name}` has no `{wanted}` price{place}" if wanted else f"`{found.name}`{place} needs a `term`",
                "one of " + ", ".join(terms),
                did_you_mean(wanted or "", terms),
            )
        taken = region or next(r.region for r in rows if r.term == wanted)
        index, row = self.row(
            found, [r for r in rows if r.term == wanted and r.region == taken], f"{wanted} in {taken}"
        )
        return index, row, taken if region is None and len(regions) > 1 else None

    def exchange_rate(self, currency: str) -> Figure:
        """US dollars for one unit of a currency, at the date; `LookupFault` when none is known."""
        if currency == "USD":
            return Figure("US dollar", Fraction(1), "USD", Home("default"))
        known: list[str] = []
        for path in self.files.get("currencies", []):
            document = self.read(path)
            section = self._section(document, "exchange_rates")
            known += list(section)
            if currency in section:
                from tco.catalog.currencies import ExchangeRates

                at = ("exchange_rates", currency)
                spec = validate(ExchangeRates, {"prices": section[currency]}, document, at)
                found = Found(f"currencies/{currency}", spec, document, at, "USD")
                index, row = self.row(found, spec.prices, "")
                return found.figure(f"1 {currency}", row.usd, "USD", row, index)
        raise LookupFault(
            f"no exchange rate for `{currency}`",
            "a currency among " + ", ".join(["USD", *known]),
            "state it in the scenario under `exchange_rates`",
        )


def _model(section: str) -> type[Model]:
    module, name = SECTIONS[section].split(".")
    model: type[Model] = getattr(import_module(f"tco.catalog.{module}"), name)
    return model
