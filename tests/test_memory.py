"""Whether a model fits: weights and key-value cache against the memory of a replica, requests against the context."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from conftest import FROZEN, PAPER, Build, Data

from tco.document import Faults
from tco.lineitem import Exact
from tco.options.base import Notes

F = Fraction
D = Decimal

CATALOGUE: Data = {
    **FROZEN,
    "gpus": {
        name: {"gpu": "X100", "gpus": 8, **memory,
               "prices": [{**PAPER, "region": "here", "term": "on_demand", "per_hour": 20}]}
        for name, memory in (("box", {"memory_gb": 80}), ("large", {"memory_gb": 141}), ("unknown", {}))
    },
    "hardware": {"own": {"name": "Own", "gpu": "X100", "gpus": 8, "memory_gb": 80,
                         "prices": [{**PAPER, "price": 300_000}]}},
    "open_weights": {
        "big": {
            **PAPER, "name": "Big", "parameters_b": 70, "active_parameters_b": 70, "licence": "free",
            "kv_bytes_per_token": {"bf16": 300_000, "fp8": 150_000},
            "weights_gb": {"bf16": 141, "fp8": 70, "int4": 37}, "max_context_tokens": 30_000,
        },
        "windowed": {
            **PAPER, "name": "Windowed", "parameters_b": 27, "active_parameters_b": 27, "licence": "free",
            "kv_bytes_per_token": {"bf16": 500_000}, "long_kv_bytes_per_token": {"bf16": 80_000},
            "weights_gb": {"bf16": 54}, "max_context_tokens": 130_000,
        },
    },
}  # fmt: skip
WORKLOAD: Data = {"volume": "1M tokens/day", "input_tokens": 700, "output_tokens": 300}


def notes(build: Build, serves: Any, gpus: int = 1, workload: Data = WORKLOAD, **keys: Any) -> Notes:
    """What is said of an option whose model fits; `Faults` where it does not."""
    rented = {} if "owned" in keys or "gpu_price" in keys else {"gpu": "frozen/box"}
    own = {
        "kind": "self_hosted", "gpus_per_replica": gpus, "replicas": 1, "serves": serves,
        **rented, **keys,
    }  # fmt: skip
    found = Notes()
    build({"workload": workload, "options": {"own": own}}, CATALOGUE).price(Exact(), found)
    return found


def serves(**keys: Any) -> Data:
    return {"model": "frozen/big", **keys}


FITS = [
    # precision, GPUs, tokens held: needed GB of weights and cache against 0.9 x GPUs x 80
    ("fp16", 1, 1000), ("fp16", 2, 1000), ("fp16", 2, 10_000), ("fp16", 2, 10_001), ("fp8", 1, 1000),
    ("fp8", 1, 6667), ("fp8", 1, 6666), ("int4", 1, 100_000), ("int4", 1, 116_666), ("int4", 1, 116_667),
]  # fmt: skip


@pytest.mark.parametrize(("precision", "gpus", "tokens"), FITS)
def test_weights_and_cache_fit_or_not(build: Build, precision: str, gpus: int, tokens: int) -> None:
    weights = {"fp16": F(141), "fp8": F(70), "int4": F(37)}
    needed = weights[precision] + F(tokens * 300_000, 10**9)
    room = gpus * F(80) * F(9, 10)
    given = serves(precision=precision, kv_tokens=tokens)
    if needed <= room:
        said = notes(build, given, gpus)
        assert any("90% of a GPU's memory" in note.text for note in said.assumptions)
        assert not any("window" in note.text for note in said.warnings)
        return
    with pytest.raises(Faults) as caught:
        notes(build, given, gpus)
    told = str(caught.value)
    fewest = {p: math.ceil((w + F(tokens * 300_000, 10**9)) / 72) for p, w in weights.items()}
    assert f"needs {float(weights[precision]):g} GB" in told
    assert f"has room for {float(room):g} GB" in told
    assert f"{fewest[precision]} x 80 GB" in told
    for smaller in list(weights)[list(weights).index(precision) + 1 :]:
        assert f"{smaller} on {fewest[smaller]} x 80 GB" in told


def test_the_shipped_70b_in_fp16_does_not_fit_one_card(build: Build) -> None:
    with pytest.raises(Faults) as caught:
        notes(build, {"model": "open-models/llama-3.3-70b", "precision": "fp16"})
    told = str(caught.value)
    assert "needs 141.1 GB" in told
    assert "2 x 80 GB, or fp8 on 1 x 80 GB, or int4 on 1 x 80 GB, or 1 x 158 GB" in told
    notes(build, {"model": "open-models/llama-3.3-70b", "precision": "fp16"}, 2)
    notes(build, {"model": "open-models/llama-3.3-70b", "precision": "fp8"}, gpu="frozen/large")


@pytest.mark.parametrize(("usable", "fits"), [("90%", False), ("98%", True)])
def test_the_usable_share_is_an_input(build: Build, usable: str, fits: bool) -> None:
    given = serves(precision="fp8", kv_tokens=20_000, usable_memory=usable)  # 70 + 6 GB
    if fits:
        assert not any("90%" in note.text for note in notes(build, given).assumptions)
    else:
        with pytest.raises(Faults, match="has room for 72 GB"):
            notes(build, given)


def test_hardware_of_one_s_own_has_memory_too(build: Build) -> None:
    owned = {"hardware": "frozen/own", "life_years": 4}
    notes(build, serves(precision="fp8"), owned=owned)
    with pytest.raises(Faults, match="has room for 72 GB"):
        notes(build, serves(precision="bf16"), owned=owned)


def test_stated_memory_and_a_model_of_one_s_own(build: Build) -> None:
    own = {"weights_gb": 16, "kv_bytes_per_token": 100_000, "gpu_memory_gb": 24, "kv_tokens": 56_000}
    notes(build, own, gpu_price="$1/hour")  # 16 + 5.6 = 0.9 x 24
    with pytest.raises(Faults, match="has room for 21.6 GB"):
        notes(build, {**own, "kv_tokens": 56_001}, gpu_price="$1/hour")


def test_memory_that_nobody_states_is_warned_about(build: Build) -> None:
    assert any("`gpu_memory_gb`" in note.text for note in notes(build, serves(), gpu="frozen/unknown").warnings)


def test_the_full_context_as_room(build: Build) -> None:
    """30,000 tokens are 9 GB: beside 70 GB too much for one card, at half the bytes it still is, and not for two."""
    for keys in ({}, {"kv_precision": "fp8"}):
        with pytest.raises(Faults, match="for 30,000 tokens"):
            notes(build, serves(precision="fp8", kv_tokens="max context", **keys))
        notes(build, serves(precision="fp8", kv_tokens="max context", **keys), 2)


def test_layers_that_keep_a_window_may_make_it_fit(build: Build) -> None:
    """54 + 50 GB if all layers keep 100,000 tokens, 54 + 8 GB if all keep a window: what lies between is not known."""
    found = notes(build, {"model": "frozen/windowed", "kv_tokens": 100_000})
    assert any("needs 104 GB where all layers keep the whole context" in note.text for note in found.warnings)
    with pytest.raises(Faults, match="Windowed in bf16 needs 54 GB"):
        notes(build, {"model": "frozen/windowed", "kv_tokens": 300_000})


class TestContext:
    @pytest.mark.parametrize(
        ("sizes", "keys", "most"),
        [
            ({"input_tokens": 29_000, "output_tokens": 1000}, {}, 30_000),
            ({"input_tokens": 29_001, "output_tokens": 1000}, {}, 30_001),
            ({"input_tokens": {"p50": 900, "max": 29_500}, "output_tokens": 600}, {}, 30_100),
            ({"input_tokens": {"low": 20_000, "high": 29_100}, "output_tokens": 1000}, {}, 30_100),
            ({"input_tokens": 20_000, "output_tokens": 1000}, {"input_ratio": D("1.5")}, 31_000),
            ({"input_tokens": 29_000, "output_tokens": 500}, {"reasoning_tokens": 700}, 30_200),
            (
                {"input_tokens": 2000, "output_tokens": 500, "calls_per_task": 12, "context_growth_tokens": 2600},
                {},
                2000 + 11 * 2600 + 500,
            ),
            ({"input_tokens": 2000, "output_tokens": 500, "calls_per_task": 11, "context_growth_tokens": 2600}, {}, 0),
        ],
    )
    def test_no_call_may_be_longer(self, build: Build, sizes: Data, keys: Data, most: int) -> None:
        workload = {"volume": "1M tokens/day", **sizes}
        if most <= 30_000:
            notes(build, serves(precision="fp8"), 2, workload, **keys)
            return
        with pytest.raises(Faults, match=f"up to {most:,} tokens long, and Big takes at most 30,000"):
            notes(build, serves(precision="fp8"), 2, workload, **keys)

    def test_nor_longer_than_what_is_held(self, build: Build) -> None:
        with pytest.raises(Faults, match="more than `kv_tokens` holds"):
            notes(build, serves(precision="fp8", kv_tokens=999))


def test_the_precision_of_the_capacity_profile_holds(build: Build) -> None:
    """fp8 of the profile, not bf16, which would not fit; another one that is stated is warned about."""
    profile: Data = {"capacity": "llama-3.3-70b/h200-vllm-fp8", "gpus_per_replica": 1, "gpu": "frozen/large"}
    kept = {k: v for k, v in profile.items() if k != "gpus_per_replica"}
    notes(build, "frozen/big", 1, **kept)
    assert any("found in fp8" in x.text for x in notes(build, serves(precision="int4"), 1, **kept).warnings)
    with pytest.raises(Faults, match="needs 141 GB"):
        notes(build, "frozen/big", 1, gpu="frozen/large")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"precision": "fp8"}, "one of `model`"),
        ({"weights_gb": 16}, "`kv_bytes_per_token` beside"),
        ({"weights_gb": 16, "kv_bytes_per_token": 1, "precision": "fp8"}, "no `precision` beside `weights_gb`"),
        ({"weights_gb": 16, "kv_bytes_per_token": 1, "kv_tokens": "max context"}, "`max_context_tokens` beside"),
        (serves(gpu_memory_gb={"low": 40, "high": 80}), "not a range"),
        (serves(precision="fp7"), "fp8"),
        (serves(kv_tokens=0), "above 0"),
        (serves(usable_memory="0%"), "above 0"),
        ({"model": "frozen/windowed", "precision": "int4"}, "in int4 is not known"),
        (serves(kv_precision="fp7"), "fp8"),
        ({"model": "frozen/none"}, "frozen/none"),
        ("frozen/none", "frozen/none"),
        ({"model": "frozen/windowed", "kv_precision": "fp8"}, "key-value bytes"),
    ],
)
def test_bad_input_is_refused_with_what_was_expected(build: Build, given: Any, message: str) -> None:
    with pytest.raises(Faults) as caught:
        notes(build, given, 8)
    assert re.search(message, str(caught.value)), str(caught.value)


def test_an_all_in_cost_has_no_gpus_to_fit(build: Build) -> None:
    own = {"kind": "self_hosted", "all_in": "$9000/month", "serves": "frozen/big"}
    with pytest.raises(Faults, match="no `serves` beside `all_in`"):
        build({"workload": WORKLOAD, "options": {"own": own}}, CATALOGUE)
