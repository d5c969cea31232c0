"""A replay as JSON, versioned: every figure unrounded, null where there is none. Single requests are in the journal."""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any

from tco.replay.objective import Objective
from tco.replay.results import QUANTILES, Capacity, Latency, Misses, NoCapacity, Probe, Summary, Verdict, Window
from tco.replay.session.account import Account
from tco.report import replay_words as words

if TYPE_CHECKING:
    from tco.replay.session.crosscheck import CrossCheck

VERSION = 1
"""Raised when a key changes its meaning or goes; new keys do not raise it."""


def as_json(a: Account) -> str:
    """The whole account; the same journal gives the same bytes."""
    found = a.found
    content = {
        "schema": "tco.replay",
        "version": VERSION,
        "answer": words.verdict(a),
        "kind": "replay" if isinstance(found, Summary) else "capacity",
        "trace": {
            "name": a.trace,
            "sha256": a.digest,
            "rows_read": a.rows.read,
            "rows_replayed": a.rows.replayed,
            "left_out": a.rows.left_out,
        },
        "when": a.when,
        "tco": a.version,
        "server": a.server,
        "model": a.model,
        "gpu": a.gpu,
        "gpus": a.gpus,
        "objectives": [_objective(o) for o in a.objectives],
        "speedup": a.speedup,
        "concurrency": a.concurrency,
        "ended": a.ended,
        "client_processes": a.processes,
        "capacity": _capacity(found) if isinstance(found, Capacity) else None,
        "no_capacity": _none(found) if isinstance(found, NoCapacity) else None,
        "run": None if a.summary is None else _summary(a.summary),
        "probes": [] if isinstance(found, Summary) else [_probe(p) for p in found.probes],
        "cross_check": None if a.check is None else _check(a.check),
        "journal": a.journal,
        "profile": a.profile,
        "warnings": list(a.warnings),
    }
    return json.dumps(content, indent=2, allow_nan=False)


def _objective(o: Objective) -> dict[str, Any]:
    return {"name": o.name, "metric": o.metric, "share": float(o.share), "limit_s": float(o.limit)}


def _capacity(c: Capacity) -> dict[str, Any]:
    return {
        "requests_per_s": c.rate,
        "interval_95": None if c.lower_bound else {"low": c.low, "high": c.high},
        "lower_bound": c.lower_bound,
        "speedup": c.speedup,
        "failed_at_requests_per_s": c.failed_at,
        "seeds": list(c.seeds),
        "notes": list(c.notes),
    }


def _none(found: NoCapacity) -> dict[str, Any]:
    return {"reason": found.reason, "inconclusive": found.inconclusive}


def _probe(p: Probe) -> dict[str, Any]:
    return {
        "run": p.run,
        "seed": p.seed,
        "speedup": p.speedup,
        "concurrency": p.concurrency,
        "requests_per_s": p.rate,
        **_summary(p.summary),
    }


def _summary(s: Summary) -> dict[str, Any]:
    return {
        "requests": s.requests,
        "succeeded": s.succeeded,
        "failures": s.failures,
        "seconds": s.seconds,
        "offered_per_s": s.offered_per_s,
        "completed_per_s": s.completed_per_s,
        "goodput_per_s": s.goodput_per_s,
        "input_tokens_per_s": s.input_tokens_per_s,
        "output_tokens_per_s": s.output_tokens_per_s,
        "gpus": s.gpus,
        "input_tokens_per_s_per_gpu": _per(s.input_tokens_per_s, s.gpus),
        "output_tokens_per_s_per_gpu": _per(s.output_tokens_per_s, s.gpus),
        "mean_input_tokens": s.input_tokens,
        "mean_output_tokens": s.output_tokens,
        "mean_cached_tokens": s.cached_tokens,
        "latencies_s": {name: _latency(found) for name, found in s.latencies.items()},
        "tokens_per_chunk": s.tokens_per_chunk,
        "most_in_flight": s.most_in_flight,
        "window": None if s.window is None else _window(s.window),
        "verdict": _verdict(s.verdict),
    }


def _per(value: float | None, gpus: int) -> float | None:
    return None if value is None else value / gpus


def _latency(found: Latency) -> dict[str, Any]:
    quantiles = {f"p{share * 100:g}": value for share, value in zip(QUANTILES, found.quantiles, strict=True)}
    return {"count": found.count, "mean": found.mean, **quantiles, "longest": found.longest}


def _window(w: Window) -> dict[str, Any]:
    return {
        "start_s": w.start,
        "end_s": w.end,
        "arrivals": w.arrivals,
        "completions": w.completions,
        "completed_share": w.completed,
        "usual_latency_s": w.usual,
        "backlog_trend_p_value": w.trend,
    }


def _verdict(v: Verdict) -> dict[str, Any]:
    return {"status": words.passed(v), "reasons": list(v.reasons), "objectives": [_misses(m) for m in v.objectives]}


def _misses(m: Misses) -> dict[str, Any]:
    """A percentile that falls on a failed request is without end: no number, and said."""
    endless = m.value is not None and not isfinite(m.value)
    return {
        **_objective(m.objective),
        "requests": m.requests,
        "misses": m.misses,
        "needed": m.needed,
        "value_s": None if endless else m.value,
        "value_is_a_failure": endless,
    }


def _check(c: CrossCheck) -> dict[str, Any]:
    return {
        "input_tokens": {"server": c.server_input, "client": c.client_input, "difference": c.input_difference},
        "output_tokens": {"server": c.server_output, "client": c.client_output, "difference": c.output_difference},
        "prefix_hit_rate": {"server": c.hit_rate, "client": c.client_hit_rate, "ideal": c.ideal_hit_rate},
        "preemptions": c.preemptions,
        "load": None if c.load is None else c.load._asdict(),
        "power": None if c.power is None else c.power._asdict(),
        "absent": list(c.absent),
        "warnings": list(c.warnings),
    }
