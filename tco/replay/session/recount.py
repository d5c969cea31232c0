"""From a journal to all that is to be said of it: the same when a run is over as when it is read again a year later."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tco.document import Fault, Faults
from tco.replay.http.metrics import Metrics
from tco.replay.objective import Objective
from tco.replay.record.header import Header, TraceFacts, read_header
from tco.replay.record.journal import Recorded, RecordedRun, read_journal
from tco.replay.results import Capacity, NoCapacity, Summary
from tco.replay.session.account import Account, Rows
from tco.replay.session.counted import Run, counted
from tco.replay.session.crosscheck import TOLERANCE, CrossCheck, Power, cross_check
from tco.replay.session.finding import CUT, found_in
from tco.replay.session.power import power

DAMAGED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading an edited journal ends in, where a figure is text, is missing, or is beyond all bounds."""


def recount(path: str | Path) -> tuple[Header, Account]:
    """All that a journal says. Raises Faults where it is none or was edited, OSError where it cannot be read."""
    recorded = read_journal(path)
    try:
        return recounted(Path(path), recorded)
    except DAMAGED as problem:  # its lines are JSON, and hold what no run writes
        what = f"this journal holds what no replay writes ({type(problem).__name__}: {problem})"[:200]
        raise Faults([Fault(str(path), 0, 0, what, "a journal as `tco replay` wrote it")]) from problem


def recounted(path: Path, recorded: Recorded) -> tuple[Header, Account]:
    """The same of a journal that was read."""
    header = read_header(path, recorded.header)
    objectives = header.asked.objectives
    runs = [counted(r, objectives, header.asked.gpus) for r in recorded.runs if r.about]
    found = _found(header, runs, objectives)
    shown = _shown(found, runs)
    check = None if shown is None else check_of(header, shown)
    asked, trace = header.asked, header.trace
    plain = not asked.find_capacity
    account = Account(
        trace=trace.name,
        digest=trace.digest,
        when=header.started,
        server=header.server.title,
        model=header.server.model,
        gpu=asked.gpu or (header.gpus.name if header.gpus else None),
        gpus=asked.gpus,
        objectives=objectives,
        found=found,
        rows=Rows(trace.read, trace.used, dict(trace.left_out)),
        outcomes=None if shown is None else shown.outcomes,
        speedup=shown.speedup if plain and shown else None,
        concurrency=asked.concurrency if plain else None,
        processes=max((_processes(r.recorded) for r in runs), default=1),
        check=check,
        ended=_ended(header, runs, found),
        warnings=tuple(warnings(header, recorded, runs, check, shown)),
        journal=path.name,
        profile=None,
        version=header.version,
    )
    return header, account


def _found(header: Header, runs: Sequence[Run], objectives: tuple[Objective, ...]) -> Summary | Capacity | NoCapacity:
    if header.asked.find_capacity:
        return found_in(header, runs, objectives)
    if runs:
        return runs[0].summary
    return NoCapacity("nothing was sent", inconclusive=True, probes=())


def _shown(found: Summary | Capacity | NoCapacity, runs: Sequence[Run]) -> Run | None:
    """The run whose requests are drawn and held against the server's counts."""
    if isinstance(found, Summary):
        return runs[0]
    if not runs or not found.probes:
        return None
    number = found.probes[-1].run
    if isinstance(found, Capacity) and found.shown is not None:
        number = found.shown.run
    return next((r for r in runs if r.recorded.run == number), None)


def check_of(header: Header, run: Run) -> CrossCheck | None:
    """What the server says of a run; None where it says nothing and no GPU was read."""
    notes = run.recorded.notes
    drawn = power_of(header, run)
    if not header.server.metrics and drawn is None:
        return None
    before = next((_metrics(n) for n in notes if n["kind"] == "metrics" and n["when"] == "before"), None)
    after = [_metrics(n) for n in notes if n["kind"] == "metrics" and n["when"] == "after"]
    return cross_check(
        run.outcomes,
        before,
        after[-1] if after else None,
        ideal_hit_rate=header.part(run.seed).ideal_hit_rate,
        samples=[n for n in notes if n["kind"] == "load"],
        power=drawn,
    )


def power_of(header: Header, run: Run) -> Power | None:
    """What the GPUs drew during a run."""
    samples = [n for n in run.recorded.notes if n["kind"] == "power"]
    return power(header.gpus, samples, run.summary.window, header.asked.gpus)


def _metrics(note: dict[str, Any]) -> Metrics | None:
    figures = {name: note[name] for name in Metrics._fields if note.get(name) is not None}
    return Metrics(**figures) if figures else None


def _processes(run: RecordedRun) -> int:
    return int((run.ended or {}).get("processes", 1))


def _ended(header: Header, runs: Sequence[Run], found: Summary | Capacity | NoCapacity) -> str:
    """How it ended: of a search that has its answer, well."""
    if isinstance(found, Capacity):
        return "done"
    if not runs or runs[-1].recorded.ended is None:
        return "cut"
    reason = str(runs[-1].recorded.ended.get("reason", "done"))
    if reason != "interrupted" and header.asked.find_capacity and isinstance(found, NoCapacity):
        return "cut" if found.reason == CUT else reason
    return reason


def trace_warnings(trace: TraceFacts) -> list[str]:
    """What is known before anything is sent to make a replay unlike the traffic that was recorded."""
    if trace.sessions and not trace.real_prompts and all(part.ideal_hit_rate is None for part in trace.parts):
        return [
            "sessions without prompts or blocks: each turn is sent as new tokens and no prefix is shared, while real"
            " turns repeat what was said before"
        ]
    return []


def other_tokens(header: Header, run: Run) -> str:
    """Where recorded prompts have another length here than in the log, how much; empty where not, or not known."""
    recorded = header.part(run.seed).recorded_input_tokens
    sent = run.summary.input_tokens
    if recorded is None or sent is None or not header.trace.real_prompts:
        return ""
    if abs(sent - recorded) <= TOLERANCE * recorded:
        return ""
    return (
        f"recorded {recorded:,.0f}, sent {sent:,.0f} input tokens a request: the log was counted by another tokenizer"
        " or chat template than this server's, and its lengths do not hold here"
    )


def warnings(
    header: Header, recorded: Recorded, runs: Sequence[Run], check: CrossCheck | None, shown: Run | None = None
) -> list[str]:
    """What a reader must know of, in words."""
    found = list(check.warnings) if check is not None else []
    found += trace_warnings(header.trace)
    if shown is not None:
        found += filter(None, [other_tokens(header, shown)])
    if not header.server.metrics:
        found.append("the server has no metrics that are known here: its counts are not cross-checked")
    trace = header.trace
    if trace.real_prompts:
        found.append(
            "recorded prompts were sent as they are: what an earlier run left in a prefix cache is found again"
        )
    not_reset = [r for r in runs[1:] if not any(n["kind"] == "reset" for n in r.recorded.notes)]
    if not_reset and not header.server.resets:
        kept = "the server does not empty its prefix cache between runs"
        found.append(
            f"{kept}: later ones find more in it than the first"
            if trace.real_prompts
            else f"{kept}: each has prompts of its own, and finds nothing of the last"
        )
    if any(n["kind"] == "gone" for r in runs for n in r.recorded.notes):
        found.append("the server no longer answered at the end of a run")
    resumed = sum(any(n["kind"] == "resumed" for n in r.recorded.notes) for r in runs)
    if resumed:
        found.append("a run was cut and gone on with: what was under way then is in the server's counts alone")
    if recorded.cut:
        found.append("the journal's last line is cut: what it said is lost")
    if recorded.skipped:
        found.append(f"{recorded.skipped:,} lines of the journal cannot be read")
    return found
