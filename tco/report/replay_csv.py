"""The requests of a run as CSV, one row each. Nothing in a cell runs in a spreadsheet; what is not known is empty."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from typing import TYPE_CHECKING

from tco.replay.measure.latencies import by_request
from tco.report.csv import as_csv

if TYPE_CHECKING:
    from tco.replay.outcome import Outcomes

LATENCIES = ("lateness", "ttft", "service", "tpot", "e2e")
COLUMNS = (
    "row",
    "status",
    "scheduled_s",
    "sent_s",
    "first_token_s",
    "last_token_s",
    "end_s",
    *(f"{name}_s" for name in LATENCIES),
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "chunks",
)


def requests_csv(o: Outcomes) -> str:
    """A row for each request, in the order they were due; times in seconds since the run's zero, to the microsecond."""
    latencies = by_request(o)
    times = (o.scheduled, o.sent, o.first, o.last, o.end, *(latencies[name] for name in LATENCIES))
    tokens = (o.input_tokens, o.output_tokens, o.cached_tokens)

    def rows() -> Iterator[tuple[str, ...]]:
        for i in range(len(o)):
            yield (
                str(int(o.index[i])),
                o.status[i],
                *(_text(float(v[i]), 6) for v in times),
                *(_text(float(v[i]), 0) for v in tokens),
                str(int(o.chunks[i])),
            )

    return as_csv(COLUMNS, rows())


def _text(value: float, places: int) -> str:
    return "" if isnan(value) else f"{value:.{places}f}"
