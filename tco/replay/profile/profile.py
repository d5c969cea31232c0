"""A measured capacity as a catalogue file in YAML: what a scenario names, and a reviewer reads in a diff.

Figures are rounded so that nothing is claimed beyond what was proven: requests a second and the tokens of the mix down,
cached tokens up. The text is the same for the same result, and says no address and no path of the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from tco.replay.profile.yaml_text import Value, block, flags, placeless
from tco.replay.results import Capacity, Summary

HEAD = """\
# yaml-language-server: $schema=catalog.schema.json
# What one replica sustains, as `tco replay` measured it. The rate holds at its mix, prefix hits and objective; at any
# other it is a prediction. The range of `requests_per_s` is the 95 % interval. Tokens are as the server counted them.
"""
UNNAMED = "(unnamed)"
DIGITS = 4
"""Significant digits of a rate: its interval is wider than what they leave out."""


class NotProven(Exception):
    """There is no capacity to write down, and why."""


class About(NamedTuple):
    """Where a measurement comes from. What is not known is None."""

    name: str
    """Of the entry: letters, digits, `.`, `_`, `+` and `-`."""
    at: datetime
    """When, with its time zone."""
    tco: str
    """The version of tco."""
    model: str
    """As the server names it."""
    gpu: str
    """The name of the GPU, or `CPU`."""
    objective: str
    """As `objectives_text` writes it."""
    trace: str
    """A file name; a folder before it is left out."""
    trace_sha256: str
    rows: int
    """Requests of the trace that any run replayed."""
    engine: str | None = None
    """Name and version of the server: `vLLM 0.32.0`."""
    precision: str | None = None
    host: str | None = None
    """The server's machine in words: processor, cores, memory, operating system."""
    driver: str | None = None
    flags: tuple[str, ...] | None = None
    """How the server was started, as far as known."""
    speedup: float | None = None
    """Of a plain replay; a search knows its own."""
    concurrency: int | None = None
    """Of a closed loop."""
    seeds: tuple[int, ...] | None = None
    """Of a plain replay; a search knows its own."""
    prefix_hit_rate: float | None = None
    """As the server counted it, where it does not say how many tokens of each request were cached."""
    ideal_prefix_hit_rate: float | None = None
    gpu_watts_busy: float | None = None
    """Mean of one GPU in the steady window; so many watts idle, before the first request."""
    gpu_watts_idle: float | None = None
    cross_check: tuple[str, ...] | None = None
    """What the server counted beside what the client did, in words; empty where there was nothing to compare."""
    journal: str | None = None


def profile_text(found: Capacity | Summary, about: About) -> str:
    """A catalogue file with this one profile. Raises `NotProven` where the run proves no rate."""
    return f"{HEAD}\ncapacity:\n{entry_text(found, about)}"


def entry_text(found: Capacity | Summary, about: About, indent: str = "  ") -> str:
    """The entry by itself, in lines that begin with `indent`. Raises `NotProven` where the run proves no rate."""
    return "\n".join(block({about.name: _profile(found, about)}, indent)) + "\n"


def _profile(found: Capacity | Summary, about: About) -> Mapping[str, Value]:
    summary = found.summary if isinstance(found, Capacity) else found
    rate = _rate(found, about)
    if summary.input_tokens is None or summary.output_tokens is None or summary.window is None:
        raise NotProven("the server counted no tokens: nothing says at which mix the rate holds")
    given, made = _tokens(summary.input_tokens, ROUND_FLOOR), _tokens(summary.output_tokens, ROUND_FLOOR)
    day = about.at.astimezone(UTC).date().isoformat()
    trace = _file(about.trace)
    return {
        "model": _model(about.model),
        "gpu": _said(about.gpu) or UNNAMED,
        "gpus_per_replica": summary.gpus,
        "engine": _said(about.engine),
        "precision": _said(about.precision),
        "requests_per_s": rate,
        "input_tokens": given,
        "output_tokens": made,
        "cached_tokens": _cached(summary, about, given),
        "objective": about.objective,
        "as_of": day,
        "kind": "measured",
        "source": f"tco replay of {trace} (sha256 {about.trace_sha256[:12]}…)",
        "checked": day,
        "note": _note(found, summary),
        "measured": _measured(found, summary, about),
    }


def _rate(found: Capacity | Summary, about: About) -> Value:
    """Requests a second: with its interval where there is one."""
    if isinstance(found, Capacity):
        mode, bounds = _down(found.rate, _unit(found.rate)), _interval(found)
        return mode if bounds is None else {"low": bounds[0], "mode": mode, "high": bounds[1]}
    if found.verdict.passed is not True:
        why = "; ".join(found.verdict.reasons) or "the run proves nothing"
        raise NotProven(f"no rate was proven: {why}")
    closed = about.concurrency is not None
    known = [r for r in (found.completed_per_s, None if closed else found.offered_per_s) if r is not None]
    if not known or min(known) <= 0:
        raise NotProven("no request was completed in the steady window")
    return _down(min(known), _unit(min(known)))


def _interval(found: Capacity) -> tuple[Decimal, Decimal] | None:
    """Its bounds, rounded down as its rate is, so that their order stays. None where they say nothing: it is a lower
    bound; or there is no room between them, as if the rate were known exactly."""
    if found.lower_bound:
        return None
    unit = _unit(found.rate)
    low, high = _down(min(found.low, found.rate), unit), _down(max(found.high, found.rate), unit)
    return None if low == high else (low, high)


def _measured(found: Capacity | Summary, summary: Summary, about: About) -> Mapping[str, Value]:
    window = summary.window
    assert window is not None
    search = found if isinstance(found, Capacity) else None
    bounds = None if search is None else _interval(search)
    closed = search is None and about.concurrency is not None
    method = "search" if search is not None else "closed loop" if closed else "replay"
    speedup, seeds = (about.speedup, about.seeds) if search is None else (search.speedup, search.seeds)
    late = None  # of a closed loop: a request is due when it is sent
    if not closed and "lateness" in summary.latencies:
        late = summary.latencies["lateness"].quantiles[-1]
    hit_rate = about.prefix_hit_rate
    if summary.cached_tokens is not None and summary.input_tokens:
        hit_rate = summary.cached_tokens / summary.input_tokens
    return {
        "at": about.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tco": about.tco,
        "method": method,
        "host": _said(about.host),
        "driver": _said(about.driver),
        "flags": None if about.flags is None else flags(about.flags),
        "trace": _file(about.trace),
        "trace_sha256": about.trace_sha256,
        "rows": about.rows,
        "requests": window.arrivals,
        "speedup": None if speedup is None else _near(speedup, 6),
        "concurrency": about.concurrency,
        "seeds": None if seeds is None else list(seeds),
        "interval": None if bounds is None else {"low": bounds[0], "high": bounds[1]},
        "failed_at_per_s": None if search is None or search.failed_at is None else _near(search.failed_at, DIGITS),
        "goodput_per_s": _floor(summary.goodput_per_s),
        "input_tokens_per_s_per_gpu": _floor(_of_gpu(summary.input_tokens_per_s, summary)),
        "output_tokens_per_s_per_gpu": _floor(_of_gpu(summary.output_tokens_per_s, summary)),
        "lateness_p99_ms": None if late is None else _tokens(late * 1000, ROUND_CEILING),
        "prefix_hit_rate": _percent(hit_rate),
        "ideal_prefix_hit_rate": _percent(about.ideal_prefix_hit_rate),
        "gpu_watts_busy": None if about.gpu_watts_busy is None else _near(about.gpu_watts_busy, DIGITS),
        "gpu_watts_idle": None if about.gpu_watts_idle is None else _near(about.gpu_watts_idle, DIGITS),
        "cross_check": None
        if about.cross_check is None
        else [line for text in about.cross_check if (line := _said(text))],
        "journal": None if about.journal is None else _file(about.journal),
    }


def _note(found: Capacity | Summary, summary: Summary) -> str | None:
    """What a reader asks next: how near the objectives it is, and what the search says beside its figure."""
    parts = []
    for one in summary.verdict.objectives:
        value = "unknown" if one.value is None else f"{one.value * 1000:.4g} ms"
        limit = f"{float(one.objective.limit) * 1000:g} ms"
        parts.append(f"{one.objective.name} was {value} of {limit}, {one.misses:,} of {one.requests:,} requests missed")
    if isinstance(found, Capacity):
        parts += (said for note in found.notes if (said := _said(note)) is not None)
    return "; ".join(parts) or None


def _cached(summary: Summary, about: About, given: Decimal) -> Decimal | None:
    if summary.cached_tokens is not None:
        return min(_tokens(summary.cached_tokens, ROUND_CEILING), given)
    if about.prefix_hit_rate is not None:
        return min(_tokens(about.prefix_hit_rate * float(given), ROUND_CEILING), given)
    return None


def _of_gpu(rate: float | None, summary: Summary) -> float | None:
    return None if rate is None else rate / summary.gpus


# -- figures and names ---------------------------------------------------------------------------------------------


def _unit(value: float, digits: int = DIGITS) -> Decimal:
    """The place of the last significant digit."""
    return Decimal(1).scaleb(Decimal(repr(value)).adjusted() - digits + 1)


def _down(value: float, unit: Decimal) -> Decimal:
    return Decimal(repr(value)).quantize(unit, ROUND_FLOOR)


def _floor(value: float | None) -> Decimal | None:
    return None if value is None else _down(value, _unit(value) if value else Decimal(1))


def _near(value: float, digits: int) -> Decimal:
    return Decimal(repr(value)).quantize(_unit(value, digits), ROUND_HALF_EVEN)


def _tokens(value: float, rounding: str) -> Decimal:
    return Decimal(repr(value)).quantize(Decimal("0.01"), rounding)


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{Decimal(repr(share * 100)).quantize(Decimal('0.1'), ROUND_HALF_EVEN)}%"


def _said(text: str | None) -> str | None:
    return None if text is None or not text.strip() else placeless(text)


def _file(path: str) -> str:
    """Its name without folders."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2].strip() or UNNAMED


def _model(name: str) -> str:
    """A server without a name for its model calls it by its folder: the last part says enough."""
    return _file(name) if name[:1] in ("", "/", "~", ".", "\\") or name[1:3] in (":/", ":\\") else name
