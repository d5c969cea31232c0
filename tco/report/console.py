"""The terminal that results are printed to."""

from __future__ import annotations

import os

from rich.console import Console


def console() -> Console:
    """stdout at its own width; 80 columns where it has none. NO_COLOR is respected by rich itself."""
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and int(columns) > 0 else None
    return Console(width=width, highlight=False, markup=False, emoji=False)
