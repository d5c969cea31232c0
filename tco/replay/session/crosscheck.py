"""What the server counted during a run, held against what the client did. A difference is a warning, never hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tco.replay.http.metrics import Metrics, difference
from tco.replay.outcome import Outcomes

TOLERANCE = 0.02
"""Share by which the token counts of server and client may differ."""
HIT_RATE_TOLERANCE = 0.02
"""By how much the prefix hit rate may differ from the trace's ideal before a word is said of it."""


class Load(NamedTuple):
    """The server while the requests were under way, from samples a second or so apart."""

    samples: int
    most_waiting: float | None
    """Requests in the server's own queue."""
    mean_waiting: float | None
    most_running: float | None
    most_kv_usage: float | None
    """Share of the KV cache."""


class Power(NamedTuple):
    """What the GPUs drew; means, in watts of one GPU."""

    gpu: str
    driver: str
    gpus: int
    """GPUs that were read."""
    idle_watts: float | None
    """Before the first request of the session."""
    busy_watts: float | None
    """In the steady window of the run."""
    utilisation: float | None
    """Share of the time that a kernel ran, in the same window."""


class CrossCheck(NamedTuple):
    """A run as the server saw it. None where the server has no such figure: absent, not zero."""

    client_input: float
    """Input tokens of the requests that succeeded, from their `usage`."""
    server_input: float | None
    """The same of all requests, from the server's metrics."""
    client_output: float
    server_output: float | None
    hit_rate: float | None
    """Share of the input tokens that the server's prefix cache had, by its metrics."""
    client_hit_rate: float | None
    """The same from the `usage` of each request."""
    ideal_hit_rate: float | None
    """What a cache without limits would find in the replayed part of the trace; None where it has no blocks."""
    preemptions: float | None
    load: Load | None
    power: Power | None
    absent: tuple[str, ...]
    """Figures that the server does not have."""
    warnings: tuple[str, ...]

    @property
    def input_difference(self) -> float | None:
        """Server's over client's input tokens, less one; None where one is not known."""
        return _relative(self.server_input, self.client_input)

    @property
    def output_difference(self) -> float | None:
        """The same of the output tokens."""
        return _relative(self.server_output, self.client_output)


def cross_check(
    outcomes: Outcomes,
    before: Metrics | None,
    after: Metrics | None,
    *,
    ideal_hit_rate: float | None = None,
    samples: Sequence[Mapping[str, Any]] = (),
    power: Power | None = None,
) -> CrossCheck:
    """Client and server side by side.

    before, after: the server's counters around the run, None where it has no metrics. samples: its gauges during the
    run, as `Metrics.known` has them.
    """
    import numpy as np

    ok = outcomes.ok
    client_input = float(np.nansum(outcomes.input_tokens[ok]))
    client_output = float(np.nansum(outcomes.output_tokens[ok]))
    cached = outcomes.cached_tokens[ok]
    all_say_cached = bool(len(cached)) and not np.isnan(cached).any()
    client_hits = float(cached.sum()) / client_input if all_say_cached and client_input else None
    counted = Metrics() if before is None or after is None else difference(before, after)
    queries, hits = counted.prefix_queries, counted.prefix_hits
    check = CrossCheck(
        client_input=client_input,
        server_input=counted.prompt_tokens,
        client_output=client_output,
        server_output=counted.generation_tokens,
        hit_rate=hits / queries if hits is not None and queries else None,
        client_hit_rate=client_hits,
        ideal_hit_rate=ideal_hit_rate,
        preemptions=counted.preemptions,
        load=_load(samples),
        power=power,
        absent=tuple(WORDS[name] for name in WORDS if getattr(counted, name) is None),
        warnings=(),
    )
    return check._replace(warnings=tuple(_warnings(check, len(ok) - int(ok.sum()), before, after)))


WORDS = {
    "prompt_tokens": "input tokens",
    "generation_tokens": "output tokens",
    "prefix_queries": "prefix cache",
    "preemptions": "preemptions",
    "waiting": "queue",
    "kv_usage": "KV-cache use",
}
"""What the figures of a server are called where they are missing."""


def _load(samples: Sequence[Mapping[str, Any]]) -> Load | None:
    if not samples:
        return None

    def of(name: str) -> list[float]:
        return [float(s[name]) for s in samples if s.get(name) is not None]

    waiting, running, usage = of("waiting"), of("running"), of("kv_usage")
    return Load(
        samples=len(samples),
        most_waiting=max(waiting, default=None),
        mean_waiting=sum(waiting) / len(waiting) if waiting else None,
        most_running=max(running, default=None),
        most_kv_usage=max(usage, default=None),
    )


def _relative(server: float | None, client: float) -> float | None:
    return None if server is None or not client else server / client - 1


def _warnings(check: CrossCheck, failed: int, before: Metrics | None, after: Metrics | None) -> list[str]:
    """What differs, in words, with the likeliest reason."""
    found = []
    if before is None or after is None:
        found.append("the server's own counts could not be read: its figures are not cross-checked")
        return found
    fell = [name for name in ("prompt_tokens", "generation_tokens") if _fell(before, after, name)]
    if fell:
        found.append("the server's counters fell during the run: it was started anew")
    reason = (
        f"{failed:,} failed requests are in the server's count alone"
        if failed
        else "does something else use this server?"
    )
    for words, client, server, relative in (
        ("input", check.client_input, check.server_input, check.input_difference),
        ("output", check.client_output, check.server_output, check.output_difference),
    ):
        # multiplied out: exactly at the tolerance is within it
        if server is not None and relative is not None and abs(server - client) > TOLERANCE * client:
            found.append(
                f"the server counted {server:,.0f} {words} tokens, the client {client:,.0f} ({relative:+.1%}): {reason}"
            )
    hit_rate = check.hit_rate if check.hit_rate is not None else check.client_hit_rate
    if hit_rate is not None and check.ideal_hit_rate is not None:
        apart = hit_rate - check.ideal_hit_rate
        if abs(apart) > HIT_RATE_TOLERANCE:
            why = (
                "its cache is too small for this traffic, has larger blocks, or is off"
                if apart < 0
                else "something of an earlier run, or shared by all requests, was in its cache"
            )
            found.append(
                f"prefix hit rate {hit_rate:.1%}, and {check.ideal_hit_rate:.1%} with a cache without limits: {why}"
            )
    if check.preemptions:
        found.append(f"the server preempted {check.preemptions:,.0f} requests: its KV cache was full")
    return found


def _fell(before: Metrics, after: Metrics, name: str) -> bool:
    first, last = getattr(before, name), getattr(after, name)
    return first is not None and last is not None and last < first
