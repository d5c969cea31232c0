"""The catalogue as JSON, versioned. Numbers are as the catalogue states them, ranges with their bounds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from tco.catalog.browse import Entry, Old
from tco.ranges import Range

VERSION = 1
"""Raised when a key changes its meaning or goes; new keys do not raise it."""


def entries_json(what: str, entries: Sequence[Entry], as_of: date) -> str:
    """Entries with all their rows; `holds` says which row holds at the date."""
    return _text(f"tco.prices.{what}", as_of, entries=[_entry(e) for e in entries])


def stale_json(old: Sequence[Old], looked_at: int, as_of: date, days: int) -> str:
    """What was checked too long ago."""
    found = [
        {
            "section": o.entry.section,
            "name": o.entry.name,
            "figure": o.what or None,
            "rows": o.many,
            "checked": o.checked.isoformat(),
            "days_ago": o.days,
            "where": o.entry.where,
        }
        for o in old
    ]
    return _text("tco.prices.stale", as_of, days=days, figures_in_use=looked_at, stale=found)


def _text(schema: str, as_of: date, **content: Any) -> str:
    head = {"schema": schema, "version": VERSION, "as_of": as_of.isoformat()}
    return json.dumps({**head, **content}, indent=2, ensure_ascii=False, allow_nan=False)


def _entry(e: Entry) -> dict[str, Any]:
    prices = [{"holds": row.holds, **plain(row.spec)} for row in e.prices]
    own = e.spec if not isinstance(e.spec, list) else {}
    whole = plain(own)
    if "prices" in whole or isinstance(e.spec, list):
        whole["prices"] = prices
    return {
        "section": e.section,
        "name": e.name,
        "provider": e.provider or None,
        "currency": e.currency,
        "where": e.where,
        "last_checked": None if e.checked is None else e.checked.isoformat(),
        "entry": whole,
    }


def plain(value: Any) -> Any:
    """A value for JSON: numbers as floats, ranges with their bounds, dates and models as text and mappings."""
    if isinstance(value, Range):
        bounds = {"point": Fraction(value), "low": value.low, "high": value.high}
        return {**{key: plain(Fraction(bound)) for key, bound in bounds.items()}, "shape": value.shape}
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    fields = getattr(type(value), "model_fields", None)
    if fields is not None:
        said = {name: getattr(value, name) for name in fields}
        return {name: plain(item) for name, item in said.items() if item is not None and item not in ([], {})}
    return value
