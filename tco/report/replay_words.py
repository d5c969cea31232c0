"""What a replay found, in sentences: the answer, what limits it, what it holds for. Once for every output."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, isinf

from tco.replay.objective import METRICS, Objective, objectives_text
from tco.replay.results import LATENESS_LIMIT, QUANTILES, Capacity, Misses, NoCapacity, Probe, Summary, Verdict
from tco.replay.session.account import Account
from tco.report.replay_numbers import DOWN, NONE, UP, count, seconds, significant, span
from tco.report.words import percent

MIX_APART = 0.02
"""How far apart, as a share, the mean tokens of two seeds may lie before it is said."""
MOST_REASONS = 3
NO_GPU = "CPU"
"""What stands for the GPU where there is none."""
LATENCIES = {
    "ttft": METRICS["ttft"],
    "service": "the same from when sent",
    "tpot": METRICS["tpot"],
    "itl": METRICS["itl"],
    "e2e": METRICS["e2e"],
    "lateness": "client lateness",
}
"""The latencies of a summary, in the order they are read."""
ENDED = {
    "interrupted": "Interrupted: these are the requests up to then. `--resume` goes on with the rest.",
    "cut": "The journal ends in the middle of a run: this is what it has. `--resume` goes on with the rest.",
    "gone": "The server no longer answered at the end. `--resume` sends again what found no connection.",
    "duration": "Stopped after the time it was given.",
}

TIMELINE = "-timeline"
"""What is added to the name of a picture for the one over time."""


def plural(number: int, word: str) -> str:
    """`1 request`, `520 requests`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def at(objectives: Sequence[Objective]) -> str:
    """`at ttft_p95=500ms`; `at maximum load` where nothing is to be kept."""
    return f"at {objectives_text(tuple(objectives))}" if objectives else "at maximum load"


def title(a: Account) -> str:
    """What was done."""
    if not isinstance(a.found, Summary):
        return f"Capacity of one replica: {a.model}"
    if a.concurrency is not None:
        return f"Replay with {plural(a.concurrency, 'request')} at once: {a.model}"
    speedup = 1.0 if a.speedup is None else a.speedup
    return f"Replay at {significant(speedup)} × the recorded rate: {a.model}"


def subtitle(a: Account) -> str:
    """What was measured, on what, when."""
    gpus = "" if a.gpu is None else f" on {f'{a.gpus} × ' if a.gpus > 1 else ''}{a.gpu}"
    day = a.when.partition("T")[0]
    return " · ".join(part for part in (f"{a.trace} ({a.digest[:8]})", f"{a.server}{gpus}", day) if part)


def replica(gpus: int) -> str:
    """The thing that was measured."""
    return f"One replica ({gpus} GPUs)" if gpus > 1 else "One replica"


# -- the answer -------------------------------------------------------------------------------------------------------


def verdict(a: Account) -> str:
    """The answer in one sentence."""
    found = a.found
    if isinstance(found, Capacity):
        return (
            f"{replica(a.gpus)} sustains {significant(found.rate, DOWN)} requests/s of this mix {at(a.objectives)} "
            f"({interval_words(found)}){per_gpu(a, found.summary, found.rate)}."
        )
    if isinstance(found, NoCapacity):
        return f"{'Inconclusive' if found.inconclusive else 'No capacity is proven'}: {found.reason}."
    return _of_run(a, found)


def interval_words(c: Capacity) -> str:
    """`95 % interval 8.1–8.9`; where the search was stopped by something else than the server, that it is the least."""
    return "a lower bound" if c.lower_bound else f"95 % interval {interval(c)}"


def interval(c: Capacity) -> str:
    """The 95 % interval, rounded outwards: `8.1–8.9`."""
    return f"{significant(c.low, DOWN)}–{significant(c.high, UP)}"


def _of_run(a: Account, s: Summary) -> str:
    if not s.requests:
        return "No request was sent."
    if not s.succeeded:
        return f"All of {plural(s.requests, 'request')} failed: {failures(s)}."
    rate = s.offered_per_s if a.concurrency is None else s.completed_per_s
    load = "this load" if rate is None else f"{significant(rate, DOWN)} requests/s of this mix"
    who = replica(a.gpus) if a.concurrency is None else f"With {plural(a.concurrency, 'request')} at once, one replica"
    if s.verdict.passed is None:
        return f"Inconclusive at {load}: {reasons(s.verdict)}."
    if not s.verdict.passed:
        return f"{who} does not sustain {load} {at(a.objectives)}: {reasons(s.verdict)}."
    return f"{who} sustains {load} {at(a.objectives)}{per_gpu(a, s, s.completed_per_s)}."


def per_gpu(a: Account, s: Summary, rate: float | None) -> str:
    """`: 2.1 requests/s, 6,034 input and 1,021 output tokens/s per GPU`; nothing where the tokens are not known."""
    if rate is None or s.input_tokens_per_s is None or s.output_tokens_per_s is None:
        return ""
    into, out = (significant(v / s.gpus) for v in (s.input_tokens_per_s, s.output_tokens_per_s))
    first = f"{significant(rate / s.gpus, DOWN)} requests/s, " if s.gpus > 1 else ""
    of = "" if s.gpus == 1 and (a.gpu or "").upper() == NO_GPU else " per GPU"
    return f": {first}{into} input and {out} output tokens/s{of}"


def reasons(v: Verdict) -> str:
    """Why a run did not pass."""
    shown = v.reasons[:MOST_REASONS]
    more = len(v.reasons) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "") if shown else "no reason is recorded"


def at_the_capacity(c: Capacity) -> str:
    """Which run is shown of those at the capacity: `, run 7, seed 3: the worst of 3 seeds`."""
    shown = c.shown
    if shown is None:
        return ""
    worst = f": the worst of {len(c.seeds)} seeds" if len(c.seeds) > 1 else ""
    return f", run {shown.run}, seed {shown.seed}{worst}"


def run_text(p: Probe) -> str:
    """Why a run of the search failed, or says nothing."""
    how = "is inconclusive" if p.summary.verdict.passed is None else "failed"
    return f"Run {p.run} {how}: {reasons(p.summary.verdict)}."


def lateness(s: Summary) -> float | None:
    """How late the client was at p99, in seconds; None where nothing was sent."""
    found = s.latencies.get("lateness")
    return None if found is None else found.quantiles[QUANTILES.index(0.99)]


def late_runs(a: Account) -> list[str]:
    """The runs of a search in which the client did not keep up, in a sentence; empty where it did in all of them. A
    closed loop has no times to keep."""
    probes = () if isinstance(a.found, Summary) else a.found.probes
    late = [
        (p.run, late) for p in probes if p.speedup is not None and (late := lateness(p.summary) or 0) > LATENESS_LIMIT
    ]
    if not late:
        return []
    runs = ", ".join(f"{run} ({seconds(by)})" for run, by in late)
    return [f"The client was late in {'run' if len(late) == 1 else 'runs'} {runs}, at p99."]


def failures(s: Summary) -> str:
    """Failures by reason: `3 http 429, 1 reset`; a dash where there is none."""
    return ", ".join(f"{number:,} {status}" for status, number in s.failures.items()) or NONE


def sentence(text: str) -> str:
    """A message as a sentence of its own."""
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


# -- what it rests on -------------------------------------------------------------------------------------------------


def why(a: Account) -> list[str]:
    """What limits the rate above the capacity, what the figure holds for, how the run ended."""
    said = []
    if isinstance(a.found, Capacity):
        said += [limit(a.found), *(sentence(text) for text in a.found.notes)]
    said += mix(a)
    if a.ended in ENDED:
        said.append(ENDED[a.ended])
    return said


def limit(c: Capacity) -> str:
    """The lowest load above the capacity that did not pass, and why it did not."""
    # by speed-up: at one of it the parts of a trace that the seeds replay have rates of their own
    tried = [(p.speedup, p) for p in c.probes if p.speedup is not None and p.speedup > c.speedup]
    above = [(speedup, p) for speedup, p in tried if not p.summary.verdict.passed]
    if not above:
        if c.failed_at is None:
            return "No rate above it failed: the server may sustain more than the search tried."
        return f"What fails above it: {significant(c.failed_at, UP)} requests/s."
    _, first = min(above, key=lambda found: found[0])
    what = "What fails above it" if first.summary.verdict.passed is False else "Not proven above it"
    return f"{what}: {_load(first)} with seed {first.seed}: {reasons(first.summary.verdict)}."


def _load(p: Probe) -> str:
    return f"{significant(p.rate)} requests/s" if p.concurrency is None else f"{p.concurrency} requests at once"


def mix(a: Account) -> list[str]:
    """The mix that was measured, of a search that of all seeds; whatever differs from it is predicted."""
    s = a.found.summary if isinstance(a.found, Capacity) else a.summary
    if s is None or s.input_tokens is None or s.output_tokens is None:
        return []
    cached = ""
    if s.cached_tokens is not None and s.input_tokens:
        cached = f" ({percent(s.cached_tokens / s.input_tokens) if s.cached_tokens else 'none'} of them cached)"
    said = [
        f"Measured at {count(s.input_tokens)} input tokens{cached} and {count(s.output_tokens)} output tokens a "
        "request; any other mix, hit rate or objective is predicted."
    ]
    if isinstance(a.found, Capacity) and not any(
        note.startswith("the seeds' requests differ") for note in a.found.notes
    ):
        said += between_seeds(a.found)
    return said


def between_seeds(c: Capacity) -> list[str]:
    """Where the seeds at the capacity did not send the same mix, how far apart they were."""
    runs = {p.seed: p.summary for p in c.probes if p.speedup == c.speedup and p.concurrency is None}
    parts = []
    for name, values in (
        ("input tokens", [s.input_tokens for s in runs.values()]),
        ("cached tokens", [s.cached_tokens for s in runs.values()]),
        ("output tokens", [s.output_tokens for s in runs.values()]),
    ):
        known = [v for v in values if v is not None]
        if len(known) > 1 and max(known) > min(known) * (1 + MIX_APART):
            parts.append(f"{count(min(known))} to {count(max(known))} {name}")
    return [f"The mix differs between seeds: {', '.join(parts)} a request."] if parts else []


def left_out(a: Account) -> str:
    """What was read of the trace, what was replayed, and what was left out by reason."""
    rows = a.rows
    parts = ", ".join(f"{number:,} {reason}" for reason, number in rows.left_out.items())
    rest = f", {sum(rows.left_out.values()):,} left out: {parts}" if rows.left_out else ", none left out"
    return f"{plural(rows.read, 'row')} read, {rows.replayed:,} replayed{rest}."


# -- cells ------------------------------------------------------------------------------------------------------------


def passed(v: Verdict) -> str:
    """`passed`, `failed`, `inconclusive`."""
    return {True: "passed", False: "failed", None: "inconclusive"}[v.passed]


def load_cell(p: Probe) -> str:
    """How a run of the search was driven: `× 2.1`, `64 at once`."""
    return f"{p.concurrency} at once" if p.concurrency is not None else f"× {significant(p.speedup)}"


def value_cell(m: Misses) -> str:
    """The percentile of an objective; `failed` where it falls on a request that failed."""
    return "failed" if m.value is not None and isinf(m.value) else seconds(m.value)


def misses_cell(m: Misses) -> str:
    """Misses of how many requests: `3 of 520`."""
    return f"{m.misses:,} of {m.requests:,}" if m.requests else NONE


def allowed(m: Misses) -> str:
    """The fewest requests that prove the objective with so many misses."""
    return f"{m.needed:,}"


def enough_for(share: float, requests: int) -> bool:
    """Whether so many requests have a percentile: of fewer it would be their longest, whatever that is."""
    return requests >= ceil(1 / (1 - Fraction(str(share))))


def quantile_cells(values: Sequence[float | None], requests: int) -> tuple[str, ...]:
    """The percentiles of a latency, a dash where there are too few requests for one."""
    return tuple(
        seconds(v) if enough_for(share, requests) else NONE for share, v in zip(QUANTILES, values, strict=True)
    )


def window_text(s: Summary) -> str:
    """The part of the run that counts."""
    w = s.window
    if w is None:
        return f"No part of the run is steady: nothing is judged of its {span(s.seconds)}."
    return (
        f"Judged: {plural(w.arrivals, 'request')} due from {w.start:,.1f} s to {w.end:,.1f} s; what is before and "
        "after is warm-up and run-down."
    )
