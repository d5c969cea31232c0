"""Requests by minute, as a small chart in characters."""

from __future__ import annotations

from tco.report.replay_numbers import span
from tco.traffic.statistics import Arrivals

BARS = " ▁▂▃▄▅▆▇█"
ROWS = 5


def chart(found: Arrivals, width: int) -> list[str]:
    """Lines of a chart of the rate; none where there are fewer than three minutes. A column is one minute or several,
    and as high as the busiest of them."""
    minutes = int(found.span_s // 60) + 1
    if minutes < 3:
        return []
    columns = max(10, min(width - 12, 100, minutes))
    each = -(-minutes // columns)
    columns = -(-minutes // each)
    highest = [0] * columns
    for minute in found.minutes:
        highest[minute.minute // each] = max(highest[minute.minute // each], minute.requests)
    top = max(highest)
    lines = [f"Requests by minute{'' if each == 1 else f', the busiest of every {each}'}"]
    for row in reversed(range(ROWS)):
        level = "".join(_cell(value * ROWS * 8 / top - row * 8) for value in highest)
        label = f"{top:,}" if row == ROWS - 1 else "0" if row == 0 else ""
        lines.append(f"{label:>9} {'┤' if label else '│'}{level}")
    end = span(found.span_s)
    lines.append(" " * 11 + "0" + end.rjust(columns - 1))
    return lines


def _cell(eighths: float) -> str:
    return BARS[max(0, min(8, round(eighths) if eighths < 1 else int(eighths)))]
