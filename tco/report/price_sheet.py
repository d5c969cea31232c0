"""One catalogue entry in full: every figure with its paper, its history, and which row holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from tco.catalog.browse import Entry, Row, series
from tco.catalog.hardware import StatedShare
from tco.catalog.measurement import Measurement
from tco.catalog.meters import METERS
from tco.fields import Model
from tco.report.price_lines import number, per_mtok, share
from tco.report.prices import print_whole, table_of

PAPER = ("source", "checked", "kind", "note", "as_of")


def print_sheets(entries: Sequence[Entry], console: Console) -> None:
    """Each entry on its own sheet."""
    for i, e in enumerate(entries):
        if i:
            console.print()
        _print(e, console)


def _print(e: Entry, console: Console) -> None:
    title = Text(e.name, style="bold")
    title.append(" · ".join(["", e.section, *([e.provider] if e.provider else []), *_currency(e)]), style="dim")
    console.print(title)
    console.print(Text(e.where, style="dim"))
    console.print(_grid(_facts(e)))
    papers: dict[tuple[str, ...], int] = {}
    for table in _tables(e, papers):
        if table is not None:
            console.print()
            print_whole(table, console)
    console.print()
    sources = _grid((f"[{i}]", paper) for paper, i in ((_said(p), i) for p, i in papers.items()))
    console.print(sources)


def _currency(e: Entry) -> list[str]:
    if e.section in ("capacity", "open_weights", "pue", "exchange_rates"):
        return []
    return [f"{e.currency} per 1M tokens" if e.section == "models" else e.currency]


def _grid(rows: Iterable[tuple[str, str]]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for key, value in rows:
        grid.add_row(Text(key, style="dim"), Text(value))
    return grid


def _said(paper: tuple[str, ...]) -> str:
    source, checked, kind, note = paper
    return f"{kind}, checked {checked}: {source}" + (f"\n{note}" if note else "")


def _paper(row: Any, papers: dict[tuple[str, ...], int]) -> str:
    """The number of a row's paper; rows that share one share the number."""
    key = (row.source, row.checked.isoformat(), row.kind, row.note or "")
    return f"[{papers.setdefault(key, len(papers) + 1)}]"


def _facts(e: Entry) -> Iterable[tuple[str, str]]:
    """What an entry says of itself without a paper for each."""
    if isinstance(e.spec, Model):
        own = [row for row in e.prices if row.spec is e.spec]
        for name in type(e.spec).model_fields:
            value = getattr(e.spec, name)
            if (name in PAPER and own) or name == "prices" or _has_paper(value) or value is None:
                continue
            if name == "measured":
                yield from _measured(value)
            else:
                yield name.replace("_", " "), said(value)
        if own:
            yield "holds", period(own[0], e)


def _measured(taken: Measurement) -> Iterable[tuple[str, str]]:
    """How a capacity was measured, a line each."""
    for name in type(taken).model_fields:
        value = getattr(taken, name)
        if name == "interval" and value is not None:
            yield "95 % interval", f"{number(value.low)}–{number(value.high)} requests/s"
        elif value is not None and name.endswith("_rate"):
            yield name.replace("_", " "), share(value)
        elif value is not None:
            yield {"at": "measured at", "tco": "by tco"}.get(name, name.replace("_", " ")), said(value)


def _has_paper(value: Any) -> bool:
    return isinstance(value, Model) and hasattr(value, "source")


def said(value: Any) -> str:
    """A value as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Fraction):
        return number(value if isinstance(value, Fraction) else Fraction(value))
    if isinstance(value, Model):
        parts = {key: getattr(value, key) for key in type(value).model_fields}
        return ", ".join(f"{key} {said(part)}" for key, part in parts.items() if part is not None)
    if isinstance(value, list):
        return ("\n" if any(isinstance(part, str) for part in value) else ", ").join(map(said, value))
    return str(value)


def period(row: Row, e: Entry) -> str:
    """From when to when a row holds."""
    later = [r.spec.as_of for r in e.prices if series(r.spec) == series(row.spec) and r.spec.as_of > row.spec.as_of]
    if row.superseded:
        return f"{row.spec.as_of} to {min(later) - timedelta(days=1)}"
    return f"since {row.spec.as_of}" if row.holds else f"from {row.spec.as_of} on"


def _tables(e: Entry, papers: dict[tuple[str, ...], int]) -> Iterable[RenderableType | None]:
    own = [row for row in e.prices if row.spec is e.spec]
    if own:
        _paper(e.spec, papers)
    else:
        rows = [cells for row in e.prices for cells in _cells(e, row)]
        yield _table([(cells, row) for cells, row in rows], e, papers)
    yield _figures([row for row in e.rows if row.what], papers)


def _cells(e: Entry, row: Row) -> Iterable[tuple[Mapping[str, str], Row]]:
    """The lines of one dated row: one, or one for each tier of an API."""
    if e.section == "models":
        tiers = {"standard": row.spec, **row.spec.tiers}
        for tier, prices in tiers.items():
            yield {"tier": tier, **_meters(prices)}, row
            if (above := prices.long_context) is not None:
                yield {"tier": f"{tier} > {number(above.above_tokens)}", **_meters(above)}, row
        return
    cells = {
        name.replace("_", " "): said(value)
        for name in type(row.spec).model_fields
        if name not in PAPER and (value := getattr(row.spec, name)) is not None
    }
    if e.section in ("gpus", "endpoints") and e.spec.gpus > 1:
        cells["per GPU-hour"] = number(row.spec.per_hour / e.spec.gpus)
    yield cells, row


def _meters(prices: Any) -> dict[str, str]:
    known = {m.key.replace("_", " "): prices.of(m.key) for m in METERS}
    return {key: per_mtok(price) for key, price in known.items() if price is not None}


def _table(
    lines: Sequence[tuple[Mapping[str, str], Row]], e: Entry, papers: dict[tuple[str, ...], int]
) -> RenderableType | None:
    if not lines:
        return None
    columns = list(dict.fromkeys(key for cells, _ in lines for key in cells))
    if e.section == "models":  # the order of the meters, whichever tier has which
        order = ["tier", *(m.key.replace("_", " ") for m in METERS)]
        columns.sort(key=order.index)
    content = {column: [cells.get(column, "–") for cells, _ in lines] for column in columns}
    content["holds"] = [period(row, e) for _, row in lines]
    content[""] = [_paper(row.spec, papers) for _, row in lines]
    table = table_of(content, {"tier", "region", "term", "holds", ""})
    for (_, row), cells in zip(lines, zip(*content.values(), strict=True), strict=True):
        table.add_row(*cells, style="" if row.holds else "dim")
    return table


def _figures(rows: Sequence[Row], papers: dict[tuple[str, ...], int]) -> RenderableType | None:
    if not rows:
        return None
    content: dict[str, list[str]] = {"figure": [], "value": [], "as of": [], "": []}
    for row in rows:
        value = share(row.spec.value) if isinstance(row.spec, StatedShare) else number(row.spec.value)
        months = getattr(row.spec, "after_months", None)
        content["figure"].append(row.what.replace("_", " "))
        content["value"].append(value if months is None else f"{value} after {number(months)} months")
        content["as of"].append(row.spec.as_of.isoformat())
        content[""].append(_paper(row.spec, papers))
    table = table_of(content, {"figure", "as of", ""})
    for cells in zip(*content.values(), strict=True):
        table.add_row(*cells)
    return table
