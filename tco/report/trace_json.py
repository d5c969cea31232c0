"""A trace as JSON: every figure unrounded, null for what is not known."""

from __future__ import annotations

import json
from typing import Any

from tco.report.trace_sheets import sorted_reasons, unknown
from tco.traffic.recording import Written
from tco.traffic.statistics import QUANTILES, Lengths, Statistics
from tco.traffic.tally import Tally
from tco.traffic.trace import Trace


def inspection_json(trace: Trace, found: Statistics) -> str:
    """What a trace holds."""
    arrivals, sessions = found.arrivals, found.sessions
    return _text(
        {
            "file": trace.stream.name,
            "format": trace.format,
            "digest": trace.digest if trace.stream.repeatable else None,
            "rows": rows(found.tally),
            "time": {"unit": trace.time_unit, "evidence": trace.clock.evidence} if trace.timed else None,
            "cached_tokens_counted": trace.reader.cached,
            "input_tokens": lengths(found.input_tokens),
            "output_tokens": lengths(found.output_tokens),
            "cached_tokens": None if found.cached_tokens is None else lengths(found.cached_tokens),
            "arrivals": None
            if arrivals is None
            else {
                "span_s": arrivals.span_s,
                "requests_per_s": arrivals.per_s,
                "tokens_per_day": found.tokens_per_day,
                "peak_minute": {"minute": arrivals.peak.minute, "requests": arrivals.peak.requests},
                "gap_cv": arrivals.gap_cv,
                "dispersion_per_minute": arrivals.dispersion,
                "tied": arrivals.tied,
                "most_on_a_stamp": arrivals.most_on_a_stamp,
                "minutes": [m._asdict() for m in arrivals.minutes],
            },
            "prefix": None
            if found.prefix_served is None
            else {
                "block_tokens": trace.block_tokens,
                "served_tokens": found.prefix_served,
                "ideal_hit_rate": found.hit_rate,
            },
            "sessions": None
            if sessions is None
            else {
                "sessions": sessions.sessions,
                "turns": lengths(sessions.turns),
                "requests_without": sessions.without,
                "requests_waiting": sessions.waiting,
            },
            "models": found.models or None,
            "not_known": unknown(trace, found),
        }
    )


def written_json(path: str, found: Written) -> str:
    """What was written."""
    return _text({"file": path, "rows": rows(found.tally), "written": found.rows, "span_s": found.span_s,
                  "note": found.note})  # fmt: skip


def rows(tally: Tally) -> dict[str, Any]:
    """What became of the rows."""
    return {
        "read": tally.read,
        "kept": tally.kept,
        "dropped": dict(sorted_reasons(tally)),
        "out_of_order": tally.unordered,
        "first_dropped": [drop._asdict() for drop in tally.first],
    }


def lengths(found: Lengths) -> dict[str, Any]:
    """A distribution; null where no row says."""
    shares = {f"p{q * 100:g}": found.quantile(q) for q in QUANTILES}
    return {"known": found.known, "total": found.total, "mean": found.mean, **shares, "max": found.longest}


def _text(found: Any) -> str:
    return json.dumps(found, indent=2, allow_nan=False)
