"""The tables of a comparison, as text: terminal and Markdown show the same ones, each in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from tco.analysis.compare import Comparison, Standing
from tco.analysis.crossings import Crossing
from tco.analysis.variants import VariantResult
from tco.document.excerpt import visible
from tco.report import words

CROSSINGS_SHOWN = 6
MOST_BANDS = 12


class Column(NamedTuple):
    """A column: its heading, whether it holds numbers, and how dispensable it is where there is no room (0: never)."""

    title: str
    number: bool = False
    rank: int = 0


class Row(NamedTuple):
    """The cells of a row, and how it stands out: best, dim or not at all."""

    cells: tuple[str, ...]
    style: str = ""


class Sheet(NamedTuple):
    """A table under a heading, with sentences below it. Without rows, the sentences alone."""

    heading: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[tuple[str, str], ...] = ()
    """Sentences and how each stands out: bad, dim or not at all."""
    turns: bool = False
    """Whether rows and columns may change places where it is too wide."""

    def without(self, i: int) -> Sheet:
        """The same without a column."""
        rows = tuple(row._replace(cells=(*row.cells[:i], *row.cells[i + 1 :])) for row in self.rows)
        return self._replace(columns=(*self.columns[:i], *self.columns[i + 1 :]), rows=rows)

    def visible(self) -> Sheet:
        """The same with no character that a terminal would obey: names may come from a log or a server."""
        rows = tuple(row._replace(cells=tuple(map(visible, row.cells))) for row in self.rows)
        notes = tuple((visible(text), style) for text, style in self.notes)
        return self._replace(heading=visible(self.heading), rows=rows, notes=notes)

    def turned(self) -> Sheet:
        """The same with rows as columns; the first column's cells are the headings."""
        first, *others = self.columns
        columns = (first._replace(title=""), *(Column(row.cells[0], number=True) for row in self.rows))
        rows = tuple(Row((column.title, *(row.cells[i + 1] for row in self.rows))) for i, column in enumerate(others))
        return self._replace(columns=columns, rows=rows)


def sheets(c: Comparison, variants: Sequence[VariantResult] = ()) -> Iterator[Sheet]:
    """Every table of a comparison, in the order they are read."""
    yield options(c)
    yield from breakdown(c)
    yield bands(c)
    yield from crossings(c)
    yield from sureness(c)
    if variants:
        yield variants_beside(variants, c.currency)


def by_cost(c: Comparison) -> list[Standing]:
    """What can serve the workload first, the cheapest first."""
    return sorted(c.standings, key=lambda s: (not s.feasible, s.ledger.total))


def options(c: Comparison) -> Sheet:
    """Every option at the planned volume."""
    drawn = c.uncertainty is not None
    columns = (
        Column("option"),
        Column(f"{c.currency}/month", number=True),
        *((Column("P10 – P90", number=True),) if drawn else ()),
        Column("per 1M tok", number=True),
        Column("per request", number=True, rank=1 if drawn else 0),
        Column("replicas", number=True),
        Column("busy", number=True, rank=2 if drawn else 0),
        *((Column(f"against {c.current}", number=True, rank=3),) if c.current is not None else ()),
        Column("feasible"),
    )

    def cells(s: Standing) -> tuple[str, ...]:
        return (
            s.name,
            f"{s.ledger.total:,.2f}",
            *((words.spread(c.uncertainty.costs[s.name]),) if c.uncertainty is not None else ()),
            words.significant(s.per_mtok),
            words.significant(s.per_request),
            *replicas(s),
            *((words.against(s),) if c.current is not None else ()),
            words.feasible(s),
        )

    best = c.recommendation.option if not c.recommendation.too_close else None
    rows = tuple(Row(cells(s), "best" if s.name == best else "") for s in by_cost(c))
    reasons = tuple((sentence, "bad") for sentence in words.reasons(c))
    return Sheet(f"Cost at {words.tokens(c.volume)} tokens/day", columns, rows, reasons)


def replicas(s: Standing) -> tuple[str, str]:
    """Replicas at the peak, and how busy they are over the month where the load is known; of several fleets, each."""
    fleets = s.ledger.fleets
    used = [words.percent(u) if (u := f.utilisation) is not None else "–" for f in fleets]
    return ", ".join(str(int(f.peak)) for f in fleets) or "–", ", ".join(used) or "–"


def breakdown(c: Comparison) -> Iterator[Sheet]:
    """What each option is made of, by category; nothing where there is one category only."""
    categories = list(dict.fromkeys(k for s in c.standings for k in s.ledger.categories))
    if len(categories) < 2:
        return
    columns = (
        Column("option"),
        *(Column(words.CATEGORIES.get(k, k), number=True) for k in categories),
        Column("total", number=True),
    )

    def cells(s: Standing) -> tuple[str, ...]:
        found = s.ledger.categories
        amounts = (f"{found.get(k, Decimal(0)):,.2f}" if k in found else "–" for k in categories)
        return (s.name, *amounts, f"{s.ledger.total:,.2f}")

    notes = tuple((sentence, "") for s in c.standings if (sentence := words.savings(s)) is not None)
    rows = tuple(Row(cells(s)) for s in c.standings)
    yield Sheet(f"What it is made of ({c.currency} a month)", columns, rows, notes, turns=True)


def bands(c: Comparison) -> Sheet:
    """The cheapest feasible option by volume; runs of alternating leaders folded where there are too many to read."""
    rows = [(b.lo, b.hi, words.band_name(b), 0) for b in c.bands]
    if len(rows) > MOST_BANDS:
        half = MOST_BANDS // 2
        middle = rows[half:-half]
        names = " / ".join(dict.fromkeys(name for _, _, name, _ in middle))
        rows = [*rows[:half], (middle[0][0], middle[-1][1], f"{names}, in turn", len(middle)), *rows[-half:]]

    def row(lo: float, hi: float, name: str, many: int) -> Row:
        here = lo < float(c.volume) <= hi
        label = name + (f"  ({many} bands)" if many else "") + ("  ← planned" if here else "")
        return Row((f"{words.edge(lo)} – {words.edge(hi)}", label), "here" if here else "")

    return Sheet("Cheapest by volume", (Column("tokens/day"), Column("cheapest")), tuple(row(*r) for r in rows))


def crossings(c: Comparison) -> Iterator[Sheet]:
    """Where two options cross; those between bands stand out."""
    if len(c.standings) < 2:
        return
    columns = (
        Column("from"),
        Column("to"),
        Column("tokens/day", number=True),
        Column("requests/day", number=True),
        Column("equivalent API spend", number=True),
    )
    between_bands = {id(x) for x in c.neighbours}
    shown = [x for p in c.pairs for x in p.crossings[:CROSSINGS_SHOWN]]
    rows = tuple(Row(_crossing(x, c.currency), "" if id(x) in between_bands else "dim") for x in shown)
    more = tuple(
        (
            f"{p.a} and {p.b} swap {len(p.crossings)} times in all; from {words.edge(p.crossings[-1].volume)} "
            f"tokens/day on {p.crossings[-1].above} stays cheaper (every one: --json).",
            "",
        )
        for p in c.pairs
        if len(p.crossings) > CROSSINGS_SHOWN
    )
    below = tuple((sentence, "dim") for sentence in (*words.footnotes(shown), *words.uncrossed(c)))
    if rows or more or below:
        yield Sheet("Where two options cross", columns, rows, (*more, *below))


def _crossing(x: Crossing, currency: str) -> tuple[str, ...]:
    spend = "–" if x.equivalent is None else f"{words.money(x.equivalent, currency)} ({x.equivalent_api})"
    return (x.below, x.above, words.crossing_volume(x), words.tokens(x.requests_per_day), spend)


def sureness(c: Comparison) -> Iterator[Sheet]:
    """What ranges do to the crossovers between bands and to the recommendation."""
    u = c.uncertainty
    if u is None:
        return
    columns = (
        Column("from"),
        Column("to"),
        Column("stays cheaper above", number=True),
        Column("first cheaper above", number=True),
        Column("never", number=True),
        Column("several swaps", number=True, rank=1),
    )
    rows = tuple(
        Row(
            (
                x.below,
                x.above,
                words.spread_of_volumes(x.stays, c.window),
                words.spread_of_volumes(x.first, c.window),
                words.share_of_draws(x.never),
                words.share_of_draws(x.several),
            )
        )
        for x in u.crossings
    )
    heading = f"How sure: {u.draws} draws of {len(u.ranges)} range{'s' if len(u.ranges) != 1 else ''}, P10 – P90"
    yield Sheet(heading, columns, rows, tuple((sentence, "") for sentence in words.sureness(c)))


def variants_beside(variants: Sequence[VariantResult], currency: str) -> Sheet:
    """The variants of a scenario in short."""
    columns = (
        Column("variant"),
        Column("cheapest"),
        Column(f"{currency}/month", number=True),
        Column("the answer changes at"),
    )
    rows = tuple(
        Row((v.name, v.leader, f"{v.cost:,.2f}" if v.cost is not None else "–", changes_at(v, currency)))
        for v in variants
    )
    return Sheet("Variants (--variant NAME for one in full)", columns, rows)


def changes_at(v: VariantResult, currency: str) -> str:
    """The crossovers between a variant's bands, short."""
    shown = [
        f"{words.edge(x.volume)}/day → {x.above}"
        + (f" ({words.money(x.equivalent, currency)} API)" if x.equivalent is not None else "")
        for x in v.neighbours[:3]
    ]
    more = len(v.neighbours) - len(shown)
    return "; ".join(shown) + (f"; {more} more" if more else "") if shown else "not in the range"
