"""Traces made of traces: what is written, under which header, and how many rows went into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import IO, Any, NamedTuple

from tco.document import Fault, Faults
from tco.traffic import sample
from tco.traffic.anonymize import BLOCK, BytesPerToken, Encode, anonymized, bytes_per_token
from tco.traffic.arrivals import arriving
from tco.traffic.batch import SECOND, Batch
from tco.traffic.formats import own
from tco.traffic.tally import Tally
from tco.traffic.trace import NotInOrderError, Trace


class Part(NamedTuple):
    """Which requests are wanted; None for all."""

    start: int | None = None
    """Nanoseconds from the first request."""
    end: int | None = None
    peak: int | None = None
    """The busiest stretch of so many nanoseconds."""
    share: Fraction | None = None
    """Of the sessions."""
    rows: int | None = None
    seed: int = 1


class Rate(NamedTuple):
    """Times for a log without."""

    per_s: Fraction
    kind: str
    seed: int


class Written(NamedTuple):
    """What was written."""

    tally: Tally
    rows: int
    """Requests in the file."""
    span_s: float | None
    """From its first request to its last; None without times."""
    note: str | None
    """What the header says of how it was made."""
    prompts: int = 0
    """Rows that have a prompt in the file."""


Make = Callable[[bool], Iterator[Batch]]


def convert(trace: Trace, out: IO[bytes], rate: Rate | None = None) -> Written:
    """Write a trace as the tool's own. Raises `Faults`; OSError where the disk fails."""
    note = trace.header.get("note")
    if trace.seed is not None:
        note = f"requests on one time stamp spread within {trace.tick / SECOND:g} s, seed {trace.seed}"
    if rate is not None:
        if trace.timed:
            raise Faults([Fault(trace.stream.name, 0, 0, "a rate for a log that has times of its own", "no `--rate`")])
        note = f"times made up: {rate.kind}, {float(rate.per_s):g} requests/s, seed {rate.seed}"

    def make(trusting: bool) -> Iterator[Batch]:
        found = trace.batches(prompts=True, trusting=trusting)
        return found if rate is None else arriving(found, *rate)

    return _write(trace, out, make, trace.block_tokens, note)


def sampled(trace: Trace, out: IO[bytes], part: Part) -> Written:
    """Write a part of a trace. Its times count from its own first request."""
    timed = (part.start, part.end, part.peak)
    if not trace.timed and any(bound is not None for bound in timed):
        raise Faults([Fault(trace.stream.name, 0, 0, "a stretch of a log without times", "`--share` or `--rows`")])
    start, end = part.start, part.end
    if part.peak is not None:
        start = sample.busiest(trace.batches(), part.peak)
        end = start + part.peak

    def make(trusting: bool) -> Iterator[Batch]:
        found = trace.batches(prompts=True, trusting=trusting)
        if start is not None or end is not None:
            found = _all_of(found, lambda rest: sample.between(rest, start, end))
        if part.share is not None:
            found = sample.share_of_sessions(found, part.share, part.seed)
        if part.rows is not None:
            rows = part.rows
            found = _all_of(found, lambda rest: sample.first(rest, rows))
        return sample.from_zero(found)

    return _write(trace, out, make, trace.block_tokens, trace.header.get("note"))


def anonymize(
    trace: Trace,
    out: IO[bytes],
    *,
    block: int | None = None,
    encode: Encode | None = None,
    models: bool = False,
) -> Written:
    """Write a trace as lengths and prefix hashes. A log of texts without a tokenizer is read twice."""
    ratio: BytesPerToken | None = None
    note: str | None = None  # what a header says may be somebody's words too
    size = trace.block_tokens
    if _has_texts(trace):
        size = block or BLOCK
        if encode is None:
            ratio = bytes_per_token(trace.batches(prompts=True))
            if ratio is not None:
                note = f"blocks estimated from bytes: {ratio.each:.4g} to a token, the mean of the log"
    elif block is not None and block != size:
        raise trace.stream.fault("a block size for a log without texts", "no `--block-tokens`")

    counted = Tally()

    def make(trusting: bool) -> Iterator[Batch]:
        found = trace.batches(prompts=True, trusting=trusting)
        nonlocal counted
        counted = Tally()
        return anonymized(found, counted, block=size or BLOCK, ratio=ratio, encode=encode, models=models)

    written = _write(trace, out, make, size, note, {"format": trace.format})
    for reason, rows in counted.dropped.items():
        written.tally.drop(reason, rows=rows)
    written.tally.kept += counted.kept  # below zero: what was kept by the log, and dropped here
    if not written.rows:
        raise trace.nothing(written.tally)
    return written


def _has_texts(trace: Trace) -> bool:
    """Whether any of the first rows has one: of formats that may have."""
    if trace.reader.name in ("azure", "burstgpt", "mooncake"):
        return False
    return any(batch.prompt is not None for batch in trace.batches(prompts=True))


def _write(
    trace: Trace, out: IO[bytes], make: Make, block: int | None, note: Any, origin: dict[str, Any] | None = None
) -> Written:
    said = str(note) if note else None
    before = trace.header.get("origin")
    origin = origin or (before if isinstance(before, dict) else {"format": trace.format})
    header = own.header(block, origin, said)
    try:
        return _written(trace, out, make(out.seekable()), header, said)
    except NotInOrderError:
        out.seek(0)
        out.truncate()
        return _written(trace, out, make(False), header, said)


def _written(trace: Trace, out: IO[bytes], batches: Iterator[Batch], header: bytes, said: str | None) -> Written:
    out.write(header)
    rows, last, prompts = 0, None, 0

    def watched() -> Iterator[Batch]:
        nonlocal rows, last, prompts
        for batch in batches:
            rows += batch.rows
            last = int(batch.at[-1]) if batch.at is not None else None
            prompts += sum(prompt is not None for prompt in batch.prompt or ())
            yield batch

    for lines in own.lines(watched()):
        out.write(lines)
    return Written(trace.tally, rows, None if last is None else last / SECOND, said, prompts)


def _all_of(batches: Iterator[Batch], part: Callable[[Iterator[Batch]], Iterator[Batch]]) -> Iterator[Batch]:
    """A part that may end early; the rest is read all the same, so that every row is accounted for."""
    yield from part(batches)
    for _ in batches:
        pass
