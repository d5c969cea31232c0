"""The ledger of one option in a terminal: quantity x rate, each number's home, and the capacity arithmetic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tco.analysis.case import Case
from tco.analysis.ledger import Entry, FleetState, Ledger
from tco.lineitem import Figure
from tco.options.base import Notes
from tco.report import words
from tco.report.table import plain_table


def print_ledger(case: Case, option: str, books: Ledger, notes: Notes, console: Console) -> None:
    """Print every line with where its numbers came from, the total, then the fleets."""
    currency = case.scenario.currency
    kind = case.options[option][1].spec.kind
    console.print(Text(f"{option} ({kind}) in {case.title}", style="bold"))
    requests = books.volume / case.traffic.mean_tokens
    console.print(
        Text(
            f"at {case.stated_volume} ({case.document.where(('workload', 'volume'))}): "
            f"{words.tokens(books.volume)} tokens/day, {words.tokens(requests)} requests/day, {currency} a month",
            style="dim",
        )
    )
    lines = Counter(figure for entry in books.entries if entry.exact for figure in entry.inputs)
    shared = [figure for figure, count in lines.items() if count > 1]
    for entry in books.entries:
        console.print()
        _print_entry(entry, currency, [f for f in entry.inputs if f not in shared], console)
    if shared:
        console.print()
        console.print(Text("figures behind several of these lines", style="bold"))
        console.print(_figures(shared))
    console.print()
    console.print(Text(f"{'total':<40} {books.total:>20,.2f}", style="bold"))
    console.print(Text("each line rounded once to the cent, half to even; the total is their sum", style="dim"))
    for fleet in books.fleets:
        console.print()
        _print_fleet(fleet, console)
    for reason in books.over:
        console.print(Text(f"not feasible: {reason}", style="red"))
    known = {option, "", *(e.part for e in books.entries)}
    said = [note for note in (*notes.assumptions, *notes.warnings) if note.option in known]
    if said:
        console.print()
        for note in said:
            console.print(Text(f"• {note.text if note.option == option else note}", style="yellow"))


def _print_entry(entry: Entry, currency: str, own: Sequence[Figure], console: Console) -> None:
    """A line's arithmetic, and the figures that are in no other line."""
    name = f"{entry.part}: {entry.label}" if entry.part else entry.label
    console.print(Text(f"{name:<40} {entry.amount:>20,.2f}", style="bold"))
    arithmetic = (
        f"{words.significant(entry.quantity)} {entry.unit} × {words.significant(entry.rate)} {currency} = "
        f"{words.significant(entry.exact, 9)}"
    )
    console.print(Text(f"  {arithmetic}"))
    if entry.exact and own:  # of nothing there is nothing to trace: a fleet that does not overflow
        console.print(_figures(own))


def _figures(figures: Sequence[Figure]) -> Table:
    """Figures with their values, each beside its home."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=3)
    grid.add_column(overflow="fold", max_width=46)
    grid.add_column(overflow="fold")
    for figure in figures:
        number = Text(f"{figure.name} ")
        number.append(f"{words.figure(figure.value)} {figure.unit}".rstrip(), style="cyan")
        grid.add_row("", number, Text(str(figure.home), style="dim"))
    return grid


def _print_fleet(fleet: FleetState, console: Console) -> None:
    console.print(Text(f"Capacity of {fleet.leaf}: {fleet.capacity}", style="bold"))
    for name, seconds in fleet.seconds.items():
        whose = f" of {name}" if len(fleet.seconds) > 1 else ""
        console.print(Text(f"  {words.significant(seconds)} replica-seconds per request{whose}, overhead included"))
    if not fleet.levels:
        return
    console.print(Text(f"  one replica takes a load of {words.significant(fleet.size)} (target utilisation / burst)"))
    table = plain_table()
    table.add_column("hours/month", justify="right")
    table.add_column("of a day, each", justify="right")
    table.add_column("busy replicas", justify="right")
    table.add_column("replicas", justify="right")
    table.add_column("utilisation", justify="right")
    for h in fleet.levels:
        used = h.utilisation
        table.add_row(
            words.significant(h.hours, 4),
            words.percent(h.share_of_day),
            words.significant(h.busy, 4),
            words.significant(h.replicas),
            "–" if used is None else words.percent(used),
        )
    if fleet.idle_hours:
        table.add_row(
            words.significant(fleet.idle_hours, 4),
            words.percent(Fraction(0)),
            "0",
            words.significant(fleet.idle_replicas),
            "–",
        )
    console.print(table)
    if fleet.waiting:
        hours = words.significant(fleet.waiting, 4)
        console.print(Text(f"  and {hours} replica-hours a month of cold starts and time-outs before a replica stops"))
    if fleet.utilisation is not None:
        console.print(
            Text(f"  over the month {words.percent(fleet.utilisation)} busy; {int(fleet.peak)} replicas at the peak")
        )
