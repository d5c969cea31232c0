"""A comparison in a terminal: the answer first, then what it rests on. Readable at 80 columns, and without colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich import box
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from tco.analysis.compare import Comparison, Standing
from tco.analysis.crossings import Crossing
from tco.analysis.variants import VariantResult
from tco.options.base import Note
from tco.report import words
from tco.report.terminal_chart import chart

CROSSINGS_SHOWN = 6
WIDEST = 400


def print_comparison(c: Comparison, variants: Sequence[VariantResult], console: Console) -> None:
    """Print the whole comparison; notes go with it, warnings last so that they are read."""
    tables = [
        part for part in (_options(c, console.width), _breakdown(c), _bands(c), _crossings(c)) if part is not None
    ]
    # an amount is never cut: where a table needs more than the terminal has, the lines run on
    needed = max(Measurement.get(console, console.options.update(max_width=WIDEST), t).minimum for t in tables)
    console.width = max(console.width, needed)
    console.print(Text(c.title, style="bold"))
    console.print(Text(_subtitle(c), style="dim"))
    console.print()
    console.print(Text(words.verdict(c), style="bold green" if c.recommendation.option else "bold red"))
    console.print(Text(words.changes(c)))
    for part in (*tables, chart(c, console.width)):
        if part is not None:
            console.print()
            console.print(part)
    if variants:
        console.print()
        console.print(_variants(variants, c.currency))
    elif c.variants:
        console.print()
        console.print(
            Text(f"Variants: {', '.join(c.variants)} (--variants for all, --variant NAME for one)", style="dim")
        )
    for heading, notes, style in (("Assumptions", c.assumptions, "dim"), ("Warnings", c.warnings, "yellow")):
        if notes:
            console.print()
            console.print(_notes(heading, notes, style))


def _subtitle(c: Comparison) -> str:
    stated = f"{c.stated} = " if "token" not in c.stated else ""
    return (
        f"{stated}{words.tokens(c.volume)} tokens/day · {words.tokens(c.requests_per_day)} requests/day · "
        f"prices as of {c.as_of}"
    )


def heading(text: str, body: RenderableType) -> Group:
    """A body under its heading."""
    return Group(Text(text, style="bold"), body)


def plain_table() -> Table:
    """The one look of every table: a rule under the header, nothing else."""
    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")


def _options(c: Comparison, width: int) -> RenderableType:
    table = plain_table()
    table.add_column("option", overflow="fold", min_width=8)
    table.add_column(f"{c.currency}/month", justify="right", no_wrap=True)
    table.add_column("per 1M tok", justify="right", no_wrap=True)
    table.add_column("per request", justify="right", no_wrap=True)
    table.add_column("replicas", justify="right", no_wrap=True)
    table.add_column("busy", justify="right", no_wrap=True)
    table.add_column("feasible", no_wrap=True, min_width=8)
    for s in by_cost(c):
        best = s.name == c.recommendation.option and not c.recommendation.too_close
        name = Text(s.name, style="bold green" if best else "")
        if s.label != s.name and width >= 100:
            name.append(f"  {s.label}", style="dim")
        table.add_row(
            name,
            f"{s.ledger.total:,.2f}",
            words.significant(s.per_mtok),
            words.significant(s.per_request),
            *replicas(s),
            Text(words.feasible(s), style="" if s.feasible else "red"),
        )
    why = [Text(sentence, style="red") for sentence in words.reasons(c)]
    return heading(f"Cost at {words.tokens(c.volume)} tokens/day", Group(table, *why))


def by_cost(c: Comparison) -> list[Standing]:
    """What can serve the volume first, the cheapest first."""
    return sorted(c.standings, key=lambda s: (not s.feasible, s.ledger.total))


def replicas(s: Standing) -> tuple[str, str]:
    """Replicas at the peak, and how busy they are over the month where the load is known; of several fleets, each."""
    fleets = s.ledger.fleets
    used = [words.percent(u) if (u := f.utilisation) is not None else "–" for f in fleets]
    return ", ".join(str(int(f.peak)) for f in fleets) or "–", ", ".join(used) or "–"


def _breakdown(c: Comparison) -> RenderableType | None:
    categories = list(dict.fromkeys(k for s in c.standings for k in s.ledger.categories))
    if len(categories) < 2:
        return None
    table = plain_table()
    table.add_column("option", overflow="fold", min_width=8)
    for k in categories:
        table.add_column(words.CATEGORIES.get(k, k), justify="right", no_wrap=True)
    table.add_column("total", justify="right", no_wrap=True)
    for s in c.standings:
        cells = [
            f"{s.ledger.categories.get(k, Decimal(0)):,.2f}" if k in s.ledger.categories else "–" for k in categories
        ]
        table.add_row(Text(s.name), *cells, f"{s.ledger.total:,.2f}")
    parts: list[RenderableType] = [table]
    for s in c.standings:
        if (sentence := words.savings(s)) is not None:
            parts.append(Text(sentence))
    return heading(f"What it is made of ({c.currency} a month)", Group(*parts))


def _bands(c: Comparison) -> RenderableType:
    table = plain_table()
    table.add_column("tokens/day", no_wrap=True)
    table.add_column("cheapest", overflow="fold")
    shown = folded(c)
    for lo, hi, name, many in shown:
        here = lo < float(c.volume) <= hi
        label = Text(name, style="bold" if here else "")
        if many:
            label.append(f"  ({many} bands)", style="dim")
        if here:
            label.append("  ← planned", style="dim")
        table.add_row(f"{words.edge(lo)} – {words.edge(hi)}", label)
    return heading("Cheapest by volume", table)


def folded(c: Comparison, most: int = 12) -> list[tuple[float, float, str, int]]:
    """The bands, runs of alternating leaders folded into one row where there are too many to read."""
    rows = [(b.lo, b.hi, words.band_name(b), 0) for b in c.bands]
    if len(rows) <= most:
        return rows
    head, tail, middle = rows[: most // 2], rows[-(most // 2) :], rows[most // 2 : -(most // 2)]
    names = " / ".join(dict.fromkeys(name for _, _, name, _ in middle))
    return [*head, (middle[0][0], middle[-1][1], f"{names}, in turn", len(middle)), *tail]


def _crossings(c: Comparison) -> RenderableType | None:
    if len(c.standings) < 2:
        return None
    table = plain_table()
    table.add_column("from", overflow="fold")
    table.add_column("to", overflow="fold")
    table.add_column("tokens/day", justify="right", no_wrap=True)
    table.add_column("requests/day", justify="right", no_wrap=True)
    table.add_column("equivalent API spend", justify="right", overflow="fold")
    parts: list[RenderableType] = [table]
    between_bands = {id(x) for x in c.neighbours}
    shown = [x for p in c.pairs for x in p.crossings[:CROSSINGS_SHOWN]]
    for p in c.pairs:
        for x in p.crossings[:CROSSINGS_SHOWN]:
            table.add_row(*_crossing_row(x, c.currency), style="" if id(x) in between_bands else "dim")
        if len(p.crossings) > CROSSINGS_SHOWN:
            last = p.crossings[-1]
            parts.append(
                Text(
                    f"{p.a} and {p.b} swap {len(p.crossings)} times in all; from {words.edge(last.volume)} tokens/day "
                    f"on {last.above} stays cheaper (every one: --json)."
                )
            )
    parts += [Text(sentence, style="dim") for sentence in (*words.footnotes(shown), *words.uncrossed(c))]
    return heading("Where two options cross", Group(*(parts if shown else parts[1:])))


def _crossing_row(x: Crossing, currency: str) -> Iterable[str]:
    spend = "–" if x.equivalent is None else f"{words.money(x.equivalent, currency)} ({x.equivalent_api})"
    return (x.below, x.above, words.crossing_volume(x), words.tokens(x.requests_per_day), spend)


def _variants(variants: Sequence[VariantResult], currency: str) -> RenderableType:
    table = plain_table()
    table.add_column("variant", overflow="fold", min_width=8)
    table.add_column("cheapest", overflow="fold")
    table.add_column(f"{currency}/month", justify="right", no_wrap=True)
    table.add_column("the answer changes at", overflow="fold")
    for v in variants:
        table.add_row(
            Text(v.name), Text(v.leader), f"{v.cost:,.2f}" if v.cost is not None else "–", Text(changes_at(v, currency))
        )
    return heading("Variants (--variant NAME for one in full)", table)


def changes_at(v: VariantResult, currency: str) -> str:
    """The crossovers between a variant's bands, short."""
    shown = [
        f"{words.edge(x.volume)}/day → {x.above}"
        + (f" ({words.money(x.equivalent, currency)} API)" if x.equivalent is not None else "")
        for x in v.neighbours[:3]
    ]
    more = len(v.neighbours) - len(shown)
    return "; ".join(shown) + (f"; {more} more" if more else "") if shown else "not in the range"


def _notes(title: str, notes: Sequence[Note], style: str) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    for note in notes:
        grid.add_row(Text("•", style=style), Text(str(note), style=style))
    return heading(title, grid)
