"""Azure's LLM inference traces, CSV: times of day to 100 ns (2023), or with a zone and at times no fraction (2024)."""

from __future__ import annotations

from collections.abc import Iterator

from tco.traffic.batch import Batch
from tco.traffic.columns import Check
from tco.traffic.formats.base import Facts, Format, Head, Pass, always, tabled

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")


def read(job: Pass) -> Iterator[Batch]:
    """The rows as they stand."""
    for table in tabled(job, COLUMNS):
        stamps, inputs, outputs = (table.columns[name] for name in COLUMNS)
        check = Check(table.rows, job.tally, table.lines.__getitem__)
        at = check.times(stamps, "TIMESTAMP")
        tokens = check.tokens(inputs, "ContextTokens", text=True)
        output = check.tokens(outputs, "GeneratedTokens", text=True)
        check.drop(tokens < 0, "no `ContextTokens`")
        kept = Batch(at, tokens, output, size=48 * table.rows).take(check.good)
        job.tally.kept += kept.rows
        yield kept


def _looks(head: Head) -> bool:
    return set(COLUMNS) <= set(head.columns)


AZURE = Format("azure", "Azure LLM inference CSV", COLUMNS, _looks, always(Facts(timed=True, clock=True)), read)
