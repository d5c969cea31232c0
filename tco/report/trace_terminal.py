"""A trace in a terminal. Nothing of a log reaches it unescaped."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from tco.document.excerpt import visible
from tco.report.table import print_sheets
from tco.report.trace_chart import chart
from tco.report.trace_sheets import heading, sheets, written
from tco.traffic.recording import Written
from tco.traffic.statistics import Statistics
from tco.traffic.trace import Trace


def print_inspection(trace: Trace, found: Statistics, console: Console) -> None:
    """Print what a trace holds."""
    console.print(Text(visible(heading(trace)), style="bold"))
    print_sheets([sheet.visible() for sheet in sheets(trace, found)], console)
    lines = chart(found.arrivals, console.width) if found.arrivals is not None else []
    for i, line in enumerate(lines):
        if not i:
            console.print()
        console.print(Text(line, style="bold" if not i else "", no_wrap=True))


def print_written(path: str, found: Written, console: Console) -> None:
    """Print what was written."""
    console.print(Text(visible(path), style="bold"))
    print_sheets([written(found).visible()], console)
