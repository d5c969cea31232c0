"""A trace as Markdown."""

from __future__ import annotations

from tco.document.excerpt import visible
from tco.report.markdown import blocks, inert
from tco.report.sheets import Row
from tco.report.trace_sheets import heading, sheets
from tco.traffic.statistics import Statistics
from tco.traffic.trace import Trace


def as_markdown(trace: Trace, found: Statistics) -> str:
    """What a trace holds, in tables. What stands in a log is text, and nothing else."""
    parts = [f"## {inert(visible(heading(trace)))}"]
    for sheet in sheets(trace, found):
        lines = tuple(Row(tuple(map(visible, row.cells)), row.style) for row in sheet.rows)
        notes = tuple((visible(text), style) for text, style in sheet.notes)
        parts += blocks(sheet._replace(rows=lines, notes=notes))
    return "\n\n".join(parts) + "\n"
