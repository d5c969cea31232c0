"""Which rows of a trace a session replays, and whether it still is that trace when the session is gone on with."""

from __future__ import annotations

from pathlib import Path

from tco.document import Fault, Faults
from tco.replay.load.pace import Pace
from tco.replay.load.source import Source
from tco.replay.measure import sizing
from tco.replay.record.header import Asked, Header, TraceFacts
from tco.replay.session.survey import Survey, survey
from tco.traffic.trace import open_trace


def selected(source: Source, asked: Asked) -> tuple[Survey, TraceFacts]:
    """What runs replay of a trace. source: all of it that the server can take.

    Raises Faults where that is nothing, or where the trace has no times and the load needs them.
    """
    if asked.concurrency is None:
        source.check(Pace.of(asked.speedup))
    limit = asked.requests
    if limit is None and asked.find_capacity:
        limit = sizing.rows_of_a_run(asked.objectives)
    trace = source.trace
    found = survey(source.requests, trace.block_tokens, limit, asked.seeds)
    left_out = {**trace.tally.dropped, **source.left_out}
    if found.beyond:
        parts = len(found.parts) > 1
        left_out["in no part that is replayed" if parts else f"after the first {found.rows:,}"] = found.beyond
    if not found.rows:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
        raise Faults([Fault(source.path, 0, 0, f"no request is left to replay: {reasons or 'there is none'}")])
    reason = sizing.too_few(asked.objectives, found.rows) if asked.find_capacity else ""
    if reason:
        raise Faults([Fault(source.path, 0, 0, reason, "a longer trace, or an objective at a lower percentile")])
    return found, TraceFacts(
        path=source.path,
        name=Path(source.path).name,
        digest=trace.digest,
        format=source.format,
        time_unit=source.time_unit,
        spread=source.spread,
        block_tokens=trace.block_tokens,
        read=trace.tally.read,
        left_out=left_out,
        rows=found.rows,
        used=found.used,
        parts=list(found.parts),
        sessions=found.sessions,
        real_prompts=found.real_prompts,
        tied=found.tied,
    )


def check_trace(path: Path, header: Header) -> None:
    """Raises Faults where the trace of a journal is gone, or another one."""
    trace = header.trace
    try:
        digest = open_trace(trace.path, format=trace.format, time_unit=trace.time_unit, spread=trace.spread).digest
    except FileNotFoundError:
        what = f"the trace that this journal is of is not at `{trace.path}`"
        raise Faults([Fault(str(path), 1, 1, what, "to be run in the folder that it was begun in")]) from None
    if digest != trace.digest:
        what = f"`{trace.path}` is no longer the trace that this journal is of"
        raise Faults([Fault(str(path), 1, 1, what, f"a file of sha256 {trace.digest}", value=digest)])
