"""The trace format of `tco`: JSONL, a header line that may be missing, then a request a line with units in the names.

{"tco_trace": 1, "block_tokens": 512}
{"at_s": 0.0, "input_tokens": 6758, "output_tokens": 500, "blocks": [0, 1, 2], "session": "a", "id": "a1"}
{"at_s": 3.2, "input_tokens": 7100, "output_tokens": 120, "session": "a", "after": "a1", "think_s": 1.5}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import numpy as np

from tco.traffic.batch import UNKNOWN, Batch, Ints, known, seconds
from tco.traffic.columns import Check
from tco.traffic.formats.base import Facts, Format, Head, Pass, decoded
from tco.traffic.formats.blocks import block_columns
from tco.traffic.stream import Stream

VERSION = 1
HEADER = "tco_trace"
MOST_BLOCK_TOKENS = 1 << 24


class Row(msgspec.Struct, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """A line as it is written."""

    at_s: float | None = None
    input_tokens: int | float | None = None
    output_tokens: int | float | None = None
    cached_tokens: int | float | None = None
    blocks: tuple[int, ...] = ()
    id: str | None = None
    session: str | None = None
    after: str | None = None
    think_s: float | None = None
    model: str | None = None
    prompt: str | None = None
    messages: list[dict[str, Any]] | None = None


class Line(Row, gc=False, forbid_unknown_fields=True):
    """A line as it is read: the first may be the header."""

    tco_trace: msgspec.Raw = msgspec.Raw(b"")
    block_tokens: msgspec.Raw = msgspec.Raw(b"")
    note: msgspec.Raw = msgspec.Raw(b"")
    origin: msgspec.Raw = msgspec.Raw(b"")


COLUMNS = (
    "at_s", "input_tokens", "output_tokens", "cached_tokens", "blocks", "id", "session", "after", "think_s", "model",
    "prompt", "messages",
)  # fmt: skip
TOLD_BY = frozenset({"input_tokens", "prompt", "messages", "at_s"})
DECODER = msgspec.json.Decoder(Line)
ENCODER = msgspec.json.Encoder()


def read(job: Pass) -> Iterator[Batch]:
    """The rows as they stand; timed where the first one is."""
    timed: bool | None = None
    block: int | None = None
    first = True
    for rows, piece in decoded(job, DECODER):
        if not rows:
            continue
        check = Check(len(rows), job.tally, piece.line_of)
        if first:
            first = False
            if rows[0].tco_trace and not job.tally.read:
                block = _block_tokens(bytes(rows[0].block_tokens), job.stream) if rows[0].block_tokens else None
                check.good[0] = False
        if timed is None:
            later = rows[1:2] if not check.good[0] else rows[:1]
            timed = later[0].at_s is not None if later else None
        batch = _batch(rows, check, timed, block, job.prompts)._replace(size=len(piece.data))
        kept = batch.take(check.good)
        job.tally.kept += kept.rows
        yield kept


def _batch(rows: list[Any], check: Check, timed: bool | None, block: int | None, prompts: bool) -> Batch:
    at = None
    stamps = [r.at_s for r in rows]
    if timed:
        if not check.good[0]:
            stamps[0] = 0.0
        at = check.ticks(stamps, "at_s", "s")
    elif any(s is not None for s in stamps):
        check.drop(np.array([s is not None for s in stamps]), "`at_s` where the first row has none")
    tokens = check.tokens([r.input_tokens for r in rows], "input_tokens")
    output = check.tokens([r.output_tokens for r in rows], "output_tokens")
    cached = _some([r.cached_tokens for r in rows])
    texts = [r.messages if r.prompt is None else r.prompt for r in rows]
    if UNKNOWN in tokens:
        check.drop((tokens == UNKNOWN) & np.array([t is None for t in texts]), "neither `input_tokens` nor a prompt")
    if any(r.messages is not None and r.prompt is not None for r in rows):
        both = [r.messages is not None and r.prompt is not None for r in rows]
        check.drop(np.array(both), "both `prompt` and `messages`")
    cached_tokens: Ints | None = None
    if cached is not None:
        cached_tokens = check.tokens(cached, "cached_tokens")
        check.drop((cached_tokens > tokens) & (tokens != UNKNOWN), "more `cached_tokens` than `input_tokens`")
    think = _some([r.think_s for r in rows])
    if think is not None:
        check.drop(np.array([t is not None and not 0 <= t < 1e9 for t in think]), "`think_s` below 0, or no duration")
    blocks = ends = None
    found = [r.blocks for r in rows]
    if any(found):
        if block is None:
            check.drop(np.array([bool(b) for b in found]), "`blocks` without `block_tokens` in a header line")
        else:
            blocks, ends = block_columns(found, tokens, block, check, ("blocks", "input_tokens"))
    return Batch(
        at,
        tokens,
        output,
        cached_tokens,
        blocks,
        ends,
        None,
        _some([r.id for r in rows]),
        _some([r.session for r in rows]),
        _some([r.after for r in rows]),
        think,
        _some([tuple(t) if isinstance(t, list) else t for t in texts]) if prompts else None,
        _some([r.model for r in rows]),
    )


def _some(values: list[Any]) -> list[Any] | None:
    """A column, None where nothing is in it."""
    return values if values.count(None) != len(values) else None


def header(block_tokens: int | None, origin: dict[str, Any] | None = None, note: str | None = None) -> bytes:
    """The first line."""
    found: dict[str, Any] = {HEADER: VERSION}
    if block_tokens is not None:
        found["block_tokens"] = block_tokens
    if origin:
        found["origin"] = origin
    if note:
        found["note"] = note
    return msgspec.json.encode(found) + b"\n"


def lines(batches: Iterable[Batch]) -> Iterator[bytes]:
    """Batches whose times count from zero as lines of the format."""
    for batch in batches:
        nothing: list[Any] = [None] * batch.rows
        texts = batch.prompt or nothing
        talks = any(isinstance(t, tuple) for t in texts)
        none: list[Any] = [()] * batch.rows
        columns = [
            nothing if batch.at is None else seconds(batch.at),
            known(batch.input_tokens),
            known(batch.output_tokens),
            nothing if batch.cached_tokens is None else known(batch.cached_tokens),
            none if batch.blocks is None else batch.blocks_of_rows(),
            batch.id or nothing,
            batch.session or nothing,
            batch.after or nothing,
            batch.think or nothing,
            batch.model or nothing,
            [None if isinstance(t, tuple) else t for t in texts] if talks else texts,
            [list(t) if isinstance(t, tuple) else None for t in texts] if talks else nothing,
        ]
        while columns[-1] is nothing or columns[-1] is none:  # as they are where nothing is said
            columns.pop()
        rows = map(Row, *columns)
        yield ENCODER.encode_lines(list(rows))


def header_of(head: Head) -> dict[str, Any]:
    """What the header line says; empty where there is none."""
    return head.row if isinstance(head.row, dict) and HEADER in head.row else {}


def _block_tokens(value: Any, stream: Stream) -> int:
    number = msgspec.json.decode(value) if isinstance(value, bytes) else value
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number < MOST_BLOCK_TOKENS:
        raise stream.fault("`block_tokens` is no number of tokens", "a whole number from 1", 1, 1)
    return number


def _looks(head: Head) -> bool:
    return HEADER in head.keys or (bool(head.keys & TOLD_BY) and head.keys <= {*COLUMNS})


def _facts(head: Head, stream: Stream) -> Facts:
    said = header_of(head)
    if not said:
        if isinstance(head.row, dict) and head.row.get("blocks"):
            expected = '{"tco_trace": 1, "block_tokens": 512} as the first line'
            raise stream.fault("`blocks` without `block_tokens`", expected, 1, 1)
        return Facts(timed=isinstance(head.row, dict) and head.row.get("at_s") is not None)
    if said[HEADER] != VERSION:
        raise stream.fault(f"version {said[HEADER]!r} of the trace format", f"version {VERSION}", 1, 1)
    block = said.get("block_tokens")
    block = None if block is None else _block_tokens(block, stream)
    second = next((row for row in _second(stream)), None)
    return Facts(timed=second is not None and second.at_s is not None, block_tokens=block)


def _second(stream: Stream) -> Iterator[Any]:
    """The first row after the header that can be read."""
    from tco.traffic.tally import Tally

    job = Pass(stream, Tally(), None, most=1 << 20)
    skipped = False
    for rows, _ in decoded(job, DECODER):
        for row in rows:
            if not skipped and row.tco_trace:
                skipped = True
                continue
            yield row


OWN = Format(
    "jsonl", "tco trace JSONL", COLUMNS, _looks, _facts, read, unit="s", key="at_s", cached="inside"
)  # fmt: skip
