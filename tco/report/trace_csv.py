"""Requests and tokens by minute, as CSV."""

from __future__ import annotations

from tco.report.csv import as_csv
from tco.traffic.statistics import Arrivals

HEADER = ("minute", "from_s", "requests", "input_tokens", "output_tokens")


def minutes_csv(found: Arrivals) -> str:
    """A row for each minute with requests, counted from the first request on."""
    return as_csv(HEADER, ([str(m.minute), str(60 * m.minute), *map(str, m[1:])] for m in found.minutes))
