"""What `/metrics` tells: vLLM's names, with exact counts of what was served."""

from __future__ import annotations


class Metrics:
    """Counters and gauges of one server."""

    def __init__(self) -> None:
        self.running = 0
        self.waiting = 0
        self.prompt_tokens = 0
        self.cached_tokens = 0
        self.generation_tokens = 0
        self.queries = 0
        self.finished = {"stop": 0, "length": 0, "abort": 0, "error": 0}
        self.ttft = [0.0, 0]
        self.e2e = [0.0, 0]
        self.queued = [0.0, 0]

    def text(self, model: str, block_tokens: int, cache_use: float) -> str:
        """The exposition format of Prometheus."""
        label = f'engine="0",model_name="{model}"'
        lines: list[str] = []

        def one(name: str, kind: str, rows: list[tuple[str, str, float]]) -> None:
            family = name.removesuffix("_total") if kind == "counter" else name
            lines.append(f"# HELP vllm:{family} As the server counts.")
            lines.append(f"# TYPE vllm:{family} {kind}")
            lines.extend(f"vllm:{name}{end}{{{label}{more}}} {float(value)}" for end, more, value in rows)

        one("num_requests_running", "gauge", [("", "", self.running)])
        one("num_requests_waiting", "gauge", [("", "", self.waiting)])
        one("kv_cache_usage_perc", "gauge", [("", "", cache_use)])
        one("prefix_cache_queries_total", "counter", [("", "", self.queries)])
        one("prefix_cache_hits_total", "counter", [("", "", self.cached_tokens)])
        one("num_preemptions_total", "counter", [("", "", 0)])
        one("prompt_tokens_total", "counter", [("", "", self.prompt_tokens)])
        one("prompt_tokens_cached_total", "counter", [("", "", self.cached_tokens)])
        one("generation_tokens_total", "counter", [("", "", self.generation_tokens)])
        reasons = [("", f',finished_reason="{r}"', float(n)) for r, n in self.finished.items()]
        one("request_success_total", "counter", reasons)
        for name, (total, count) in (
            ("time_to_first_token_seconds", self.ttft),
            ("e2e_request_latency_seconds", self.e2e),
            ("request_queue_time_seconds", self.queued),
        ):
            rows = [("_bucket", ',le="+Inf"', count), ("_count", "", count), ("_sum", "", total)]
            one(name, "histogram", rows)
        one("cache_config_info", "gauge", [("", f',block_size="{block_tokens}",enable_prefix_caching="True"', 1)])
        return "\n".join(lines) + "\n"
