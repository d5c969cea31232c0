"""What the server counts of itself: its page of metrics read, held against the client's counts, and the GPUs' power."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable
from pathlib import Path

import pytest

from tco.replay.http.metrics import Metrics, difference, parse_metrics
from tco.replay.outcome import Outcome, Outcomes, gathered
from tco.replay.record.header import GpuFacts
from tco.replay.results import Window
from tco.replay.session.crosscheck import CrossCheck, cross_check
from tco.replay.session.power import Gpus, NoGpus, Reading, power

SHARED = Path(__file__).parent.parent.parent / "shared" / "vllm-cpu" / "samples"
VLLM = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 3.0
vllm:num_requests_running{engine="1",model_name="tiny"} 4.0
vllm:num_requests_running{engine="0",model_name="other"} 100.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="tiny"} 2.0
# TYPE vllm:num_requests_waiting_by_reason gauge
vllm:num_requests_waiting_by_reason{engine="0",model_name="tiny",reason="capacity"} 50.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="tiny"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="tiny"} 0.75
# TYPE vllm:prompt_tokens counter
vllm:prompt_tokens_total{engine="0",model_name="tiny"} 1000.0
vllm:prompt_tokens_total{engine="1",model_name="tiny"} 500.0
# TYPE vllm:prompt_tokens_created gauge
vllm:prompt_tokens_created{engine="0",model_name="tiny"} 1.795253055709394e+09
# TYPE vllm:prompt_tokens_by_source counter
vllm:prompt_tokens_by_source_total{engine="0",model_name="tiny",source="local_compute"} 900.0
"""
SGLANG = """\
# TYPE sglang:prompt_tokens_total counter
sglang:prompt_tokens_total{model_name="tiny"} 1000.0
# TYPE sglang:cached_tokens_total counter
sglang:cached_tokens_total{model_name="tiny"} 250.0
# TYPE sglang:token_usage gauge
sglang:token_usage{model_name="tiny"} 0.5
"""


def test_engines_add_up_and_the_fullest_cache_counts() -> None:
    found = parse_metrics(VLLM, "tiny")
    assert (found.running, found.prompt_tokens, found.kv_usage) == (3 + 4, 1000 + 500, max(0.25, 0.75))
    assert found.waiting == 2, "the queue by reason is another figure"


def test_what_is_absent_is_none_and_not_zero() -> None:
    found = parse_metrics(VLLM, "tiny")
    assert (found.generation_tokens, found.prefix_hits, found.preemptions) == (None, None, None)
    assert found.known() == {"prompt_tokens": 1500, "running": 7, "waiting": 2, "kv_usage": 0.75}


def test_another_models_figures_are_left_out() -> None:
    assert parse_metrics(VLLM, "other") == Metrics(running=100)
    assert parse_metrics(VLLM, "third") == Metrics(), "a page that tells models apart says nothing of a third"


def test_names_without_total_and_without_labels() -> None:
    assert parse_metrics("vllm:prompt_tokens 12\nvllm:generation_tokens_total 5\n").prompt_tokens == 12
    assert parse_metrics("vllm:gpu_cache_usage_perc 0.5\n", "tiny").kv_usage == 0.5
    newest = "vllm:gpu_prefix_cache_hits_total 1\nvllm:prefix_cache_hits_total 2\n"
    assert parse_metrics(newest).prefix_hits == 2, "the newest name is what counts"


def test_sglang() -> None:
    found = parse_metrics(SGLANG, "tiny")
    assert (found.prompt_tokens, found.prefix_queries, found.prefix_hits, found.kv_usage) == (1000, 1000, 250, 0.5)


@pytest.mark.parametrize("page", ["", "<html>not found</html>", "python_info 1.0\n"])
def test_a_page_without_known_figures(page: str) -> None:
    assert parse_metrics(page).known() == {}


def test_a_broken_page() -> None:
    with pytest.raises(ValueError):
        parse_metrics('vllm:prompt_tokens_total{engine="0 12\n')


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/vllm-cpu/samples is not here")
def test_real_vllm() -> None:
    found = parse_metrics((SHARED / "metrics_busy_1.txt").read_text(), "tiny-llama")
    assert (found.prompt_tokens, found.generation_tokens, found.prefix_hits) == (276006, 137567, 23264)
    assert (found.running, found.waiting, found.preemptions) == (20, 0, 0)
    assert None not in found


def test_difference_of_counters_and_the_gauges_of_the_second() -> None:
    before = Metrics(prompt_tokens=100, generation_tokens=10, prefix_hits=5, running=3)
    after = Metrics(prompt_tokens=150, generation_tokens=9, prefix_queries=7, running=0)
    found = difference(before, after)
    assert found.prompt_tokens == 150 - 100
    assert found.generation_tokens is None, "a counter that falls is of a server that was started anew"
    assert (found.prefix_hits, found.prefix_queries) == (None, None), "one of the two readings has it"
    assert found.running == 0


# -- client and server ------------------------------------------------------------------------------------------------


def requests(tokens: Iterable[tuple[int, int, int | None]], failed: int = 0) -> Outcomes:
    """Successful requests of (input, output, cached) tokens, and so many that failed."""
    made = [Outcome(i, i, i, i + 5, i + 9, i + 9, (), *t, "ok") for i, t in enumerate(tokens)]
    lost = [Outcome(1000 + i, i, i, None, None, i + 5, (), None, None, None, "reset") for i in range(failed)]
    return gathered([*made, *lost])


ALL = Metrics(
    prompt_tokens=0, generation_tokens=0, prefix_queries=0, prefix_hits=0, preemptions=0, waiting=0, kv_usage=0
)


def checked(outcomes: Outcomes, ideal: float | None = None, **after: float) -> CrossCheck:
    return cross_check(outcomes, ALL, ALL._replace(**after), ideal_hit_rate=ideal)


def test_equal_counts() -> None:
    check = checked(requests([(100, 10, 0), (50, 20, 0)]), prompt_tokens=150, generation_tokens=30)
    assert (check.client_input, check.client_output) == (100 + 50, 10 + 20)
    assert (check.input_difference, check.output_difference) == (0, 0)
    assert check.warnings == () and check.absent == ()


@pytest.mark.parametrize(("server", "warned"), [(1020, False), (1021, True), (980, False), (979, True)])
def test_two_percent(server: int, warned: bool) -> None:
    check = checked(requests([(1000, 1, 0)]), prompt_tokens=server, generation_tokens=1)
    assert bool(check.warnings) == warned
    if warned:
        assert f"{server:,} input tokens, the client 1,000" in check.warnings[0]
        assert "something else" in check.warnings[0]


def test_failed_requests_explain_a_difference() -> None:
    check = checked(requests([(1000, 100, 0)], failed=3), prompt_tokens=4000, generation_tokens=150)
    assert [("3 failed requests" in w) for w in check.warnings] == [True, True]


def test_hit_rates_of_server_and_client_beside_the_ideal() -> None:
    outcomes = requests([(100, 1, 60), (100, 1, 20)])
    tokens = {"prompt_tokens": 200, "generation_tokens": 2}
    check = checked(outcomes, ideal=0.41, prefix_queries=200, prefix_hits=80, **tokens)
    assert (check.hit_rate, check.client_hit_rate, check.ideal_hit_rate) == (80 / 200, (60 + 20) / 200, 0.41)
    assert check.warnings == ()
    (low,) = checked(outcomes, ideal=0.5, prefix_queries=200, prefix_hits=80, **tokens).warnings
    assert "40.0% and" not in low and "prefix hit rate 40.0%, and 50.0%" in low and "too small" in low
    (high,) = checked(outcomes, ideal=0.3, prefix_queries=200, prefix_hits=80, **tokens).warnings
    assert "earlier run" in high


def test_cached_tokens_that_one_request_does_not_say_are_no_rate() -> None:
    assert checked(requests([(100, 1, 60), (100, 1, None)])).client_hit_rate is None


def test_preemptions_are_said() -> None:
    check = checked(requests([(10, 1, 0)]), prompt_tokens=10, generation_tokens=1, preemptions=4)
    assert [w for w in check.warnings if "preempted 4 requests" in w]


def test_a_server_without_some_figures() -> None:
    found = cross_check(requests([(10, 1, 0)]), Metrics(prompt_tokens=0), Metrics(prompt_tokens=10))
    assert found.absent == ("output tokens", "prefix cache", "preemptions", "queue", "KV-cache use")
    assert (found.server_output, found.hit_rate, found.preemptions, found.load) == (None, None, None, None)
    assert found.output_difference is None and found.warnings == ()


def test_a_server_that_was_started_anew_is_said() -> None:
    before, after = Metrics(prompt_tokens=500, generation_tokens=5), Metrics(prompt_tokens=10, generation_tokens=6)
    found = cross_check(requests([(10, 1, 0)]), before, after)
    assert found.server_input is None
    assert any("started anew" in w for w in found.warnings)


def test_counts_that_could_not_be_read_are_said() -> None:
    (only,) = cross_check(requests([(10, 1, 0)]), Metrics(prompt_tokens=1), None).warnings
    assert "not cross-checked" in only


def test_load_is_of_the_samples() -> None:
    samples: list[dict[str, float]] = [
        {"at_s": 1, "running": 3, "waiting": 0, "kv_usage": 0.1},
        {"at_s": 2, "running": 5, "waiting": 4},
    ]
    load = cross_check(requests([(10, 1, 0)]), ALL, ALL, samples=samples).load
    assert load is not None
    assert (load.samples, load.most_running, load.most_waiting, load.mean_waiting) == (2, 5, 4, (0 + 4) / 2)
    assert load.most_kv_usage == 0.1


def test_no_request_succeeded() -> None:
    check = checked(requests([], failed=2), prompt_tokens=50)
    assert (check.client_input, check.input_difference, check.client_hit_rate) == (0, None, None)


# -- power ------------------------------------------------------------------------------------------------------------


class FakeNvml(types.ModuleType):
    """As much of `pynvml` as is asked for."""

    class NVMLError(Exception):
        pass

    def __init__(self, watts: list[float], *, driver: bool = True, tells: bool = True) -> None:
        super().__init__("pynvml")
        self.watts, self.driver, self.tells, self.open = watts, driver, tells, 0

    def nvmlInit(self) -> None:
        if not self.driver:
            raise self.NVMLError
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        return len(self.watts)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetName(self, handle: int) -> bytes:
        return b"Fake H200"

    def nvmlSystemGetDriverVersion(self) -> str:
        return "580.1"

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:
        if not self.tells:
            raise self.NVMLError
        return round(self.watts[handle] * 1000)

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> types.SimpleNamespace:
        return types.SimpleNamespace(gpu=50 + handle, memory=0)


def fake(monkeypatch: pytest.MonkeyPatch, nvml: FakeNvml | None) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml)


def test_gpus_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = FakeNvml([70.5, 300])
    fake(monkeypatch, nvml)
    gpus = Gpus()
    assert gpus.read() == Reading([70.5, 300.0], [0.5, 0.51])
    facts = gpus.facts([Reading([70, 60], [0, 0]), Reading([80, 64], [0, 0])])
    assert facts == GpuFacts("Fake H200", "580.1", 2, [(70 + 80) / 2, (60 + 64) / 2])
    nvml.tells = False
    assert gpus.read_or_none() is None, "a moment without an answer is no sample, and no zero"
    gpus.close()
    assert nvml.open == 0


@pytest.mark.parametrize(
    ("nvml", "reason"),
    [
        (None, "not installed"),
        (FakeNvml([100], driver=False), "no NVIDIA driver"),
        (FakeNvml([]), "has no GPU"),
        (FakeNvml([100], tells=False), "do not tell"),
    ],
)
def test_why_there_is_no_power(monkeypatch: pytest.MonkeyPatch, nvml: FakeNvml | None, reason: str) -> None:
    fake(monkeypatch, nvml)
    with pytest.raises(NoGpus, match=reason):
        Gpus()
    assert nvml is None or nvml.open == 0


FACTS = GpuFacts("Fake H200", "580.1", 3, [60, 62, 61])


def sample(at_s: float, *watts: float) -> dict[str, object]:
    return {"at_s": at_s, "watts": list(watts), "utilisation": [0.9, 0.1, 0.5]}


def test_power_is_the_mean_in_the_window_of_the_busiest_gpus() -> None:
    window = Window(2, 4, 10, 10, None)
    samples = [sample(1, 1, 1, 1), sample(2, 600, 60, 500), sample(4, 620, 60, 540), sample(5, 1, 1, 1)]
    found = power(FACTS, samples, window, gpus=2)
    assert found is not None
    assert found.gpus == 2
    assert found.busy_watts == pytest.approx(((600 + 620) / 2 + (500 + 540) / 2) / 2)
    assert found.idle_watts == (60 + 61) / 2
    assert found.utilisation == pytest.approx((0.9 + 0.5) / 2)


def test_no_samples_are_no_power() -> None:
    assert power(FACTS, [], None, gpus=1) is None
    assert power(None, [sample(1, 5, 5, 5)], None, gpus=1) is None
