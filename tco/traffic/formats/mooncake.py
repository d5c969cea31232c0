"""Mooncake JSONL: time stamps in milliseconds, lengths, and the prompt's blocks of 512 tokens as ids of prefixes."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tco.traffic.batch import Batch
from tco.traffic.columns import Check
from tco.traffic.formats.base import Facts, Format, Head, Pass, always, decoded
from tco.traffic.formats.blocks import block_columns

BLOCK = 512
COLUMNS = ("timestamp", "input_length", "output_length")


class Row(msgspec.Struct, gc=False):
    """A line."""

    timestamp: int | float | None = None
    input_length: int | float | None = None
    output_length: int | float | None = None
    hash_ids: list[int] = []


DECODER = msgspec.json.Decoder(Row)


def read(job: Pass) -> Iterator[Batch]:
    """The rows as they stand."""
    assert job.unit is not None
    for rows, piece in decoded(job, DECODER):
        if not rows:
            continue
        check = Check(len(rows), job.tally, piece.line_of)
        at = check.ticks([r.timestamp for r in rows], "timestamp", job.unit)
        tokens = check.tokens([r.input_length for r in rows], "input_length")
        output = check.tokens([r.output_length for r in rows], "output_length")
        check.drop(tokens < 0, "no `input_length`")
        found = [r.hash_ids for r in rows]
        blocks, ends = block_columns(found, tokens, BLOCK, check, ("hash_ids", "input_length"))
        batch = Batch(at, tokens, output, blocks=blocks, ends=ends, size=len(piece.data))
        kept = batch.take(check.good)
        job.tally.kept += kept.rows
        yield kept


def _looks(head: Head) -> bool:
    return head.keys.issuperset(COLUMNS)


MOONCAKE = Format(
    "mooncake",
    "Mooncake JSONL",
    (*COLUMNS, "hash_ids"),
    _looks,
    always(Facts(timed=True, block_tokens=BLOCK)),
    read,
    unit="ms",
    whole=True,
)
