"""What a server counts of itself: its page for Prometheus, read into one record whatever it calls things."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prometheus_client.samples import Sample


class Metrics(NamedTuple):
    """Counters since the server's start and gauges of the moment; None where the server has no such figure."""

    prompt_tokens: float | None = None
    generation_tokens: float | None = None
    prefix_queries: float | None = None
    """Input tokens that were looked up in the prefix cache, and below how many were found."""
    prefix_hits: float | None = None
    preemptions: float | None = None
    running: float | None = None
    """Requests being computed, and below those that wait for it."""
    waiting: float | None = None
    kv_usage: float | None = None
    """Share of the KV cache that is taken; the fullest engine's."""

    def known(self) -> dict[str, float]:
        """The figures there are, by name."""
        return {name: value for name, value in self._asdict().items() if value is not None}


NAMES: dict[str, tuple[str, ...]] = {
    "prompt_tokens": ("vllm:prompt_tokens", "sglang:prompt_tokens"),
    "generation_tokens": ("vllm:generation_tokens", "sglang:generation_tokens"),
    "prefix_queries": ("vllm:prefix_cache_queries", "vllm:gpu_prefix_cache_queries", "sglang:prompt_tokens"),
    "prefix_hits": ("vllm:prefix_cache_hits", "vllm:gpu_prefix_cache_hits", "sglang:cached_tokens"),
    "preemptions": ("vllm:num_preemptions", "sglang:num_retracted_requests"),
    "running": ("vllm:num_requests_running", "sglang:num_running_reqs"),
    "waiting": ("vllm:num_requests_waiting", "sglang:num_queue_reqs"),
    "kv_usage": ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc", "sglang:token_usage"),
}
"""What servers call each figure, the newest name first; counters with or without `_total`."""
MOST = frozenset({"kv_usage"})
"""Shares: of several engines the greatest. Everything else adds up."""
_WANTED = tuple(sorted({name for names in NAMES.values() for name in names}))


def parse_metrics(text: str, model: str | None = None) -> Metrics:
    """A page in the text format of Prometheus.

    model: its `model_name`, where the page tells models apart. Raises ValueError where the page is none. Only the lines
    that are needed are parsed: a page has a thousand, and it is read while requests are due.
    """
    from prometheus_client.parser import text_string_to_metric_families

    lines = [line for line in text.splitlines() if line.startswith(_WANTED)]
    samples: dict[str, list[float]] = {}
    for family in text_string_to_metric_families("\n".join(lines) + "\n"):
        for sample in _of_model(family.samples, model):
            samples.setdefault(sample.name.removesuffix("_total"), []).append(sample.value)
    found: dict[str, float] = {}
    for figure, names in NAMES.items():
        values = next((samples[name] for name in names if name in samples), None)
        if values is not None:
            found[figure] = max(values) if figure in MOST else sum(values)
    return Metrics(**found)


def _of_model(samples: Iterable[Sample], model: str | None) -> list[Sample]:
    """The samples of one model, where the server says whose they are; of all otherwise."""
    listed = list(samples)
    own = [s for s in listed if s.labels.get("model_name") == model]
    return own or [s for s in listed if "model_name" not in s.labels or model is None]


def difference(before: Metrics, after: Metrics) -> Metrics:
    """What was counted between two readings, gauges as they are in the second.

    None where a figure is in one of the two alone, or where a counter fell: the server started anew between them.
    """
    gauges = {"running", "waiting", "kv_usage"}
    changes: dict[str, float | None] = {}
    for name in Metrics._fields:
        first, last = getattr(before, name), getattr(after, name)
        if name in gauges:
            changes[name] = last
        else:
            changes[name] = None if first is None or last is None or last < first else last - first
    return Metrics(**changes)
