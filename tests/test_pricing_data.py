"""The shipped catalogue under pricing/: whole, dated, sourced, plausible, and equal to what its sources say.

No engine test reads these files, so a price update can break nothing but this file.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tco.catalog.entries import ApiModel, Catalogue, Dated, Hardware, Offer, PriceSet, TierPrices
from tco.catalog.meters import METERS
from tco.document import load, validate
from tco.ranges import Range

F = Fraction
ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
FILES = sorted((ROOT / "pricing").rglob("*.yaml"))
COLLECTED = date(2026, 11, 21)
CURRENCY = {"in": "INR", "eu": "EUR"}
"""Files that are not in US dollars."""

by_file = pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)


@cache
def catalogue(path: Path) -> Catalogue:
    document = load(path)
    return validate(Catalogue, document.data, document)


@dataclass(frozen=True)
class Row:
    """A price row or an undated entry, with the name of the entry it stands in."""

    name: str
    spec: Any


def models() -> Iterator[tuple[str, ApiModel]]:
    for path in FILES:
        for key, model in catalogue(path).models.items():
            yield f"{path.stem}/{key}", model


def offers() -> Iterator[tuple[str, Offer]]:
    for path in FILES:
        for key, offer in {**catalogue(path).gpus, **catalogue(path).endpoints}.items():
            yield f"{path.stem}/{key}", offer


def rows(path: Path) -> Iterator[Row]:
    """Everything in a file that has a source."""
    content = catalogue(path)
    for section in (content.models, content.gpus, content.endpoints, content.electricity, content.colocation):
        for key, entry in section.items():
            yield from (Row(f"{path.stem}/{key}", row) for row in entry.prices)
    for undated in (content.people, content.capacity, content.open_weights, content.pue):
        yield from (Row(f"{path.stem}/{key}", entry) for key, entry in undated.items())
    for key, hardware in content.hardware.items():
        yield from (Row(f"{path.stem}/{key}", row) for row in hardware.prices)
        yield from (Row(f"{path.stem}/{key}", figure) for figure in stated(hardware).values())
    for currency, rates in content.exchange_rates.items():
        yield from (Row(f"{path.stem}/{currency}", rate) for rate in rates)


def stated(hardware: Hardware) -> dict[str, Any]:
    """The figures of a piece of hardware that have a paper of their own."""
    found = {name: getattr(hardware, name) for name in type(hardware).model_fields}
    return {name: figure for name, figure in found.items() if isinstance(figure, Dated)}


def everything() -> list[Row]:
    return [row for path in FILES for row in rows(path)]


def figures(prices: PriceSet) -> dict[str, Fraction]:  # type: ignore[valid-type]
    found = {m.key: prices.of(m.key) for m in METERS}  # type: ignore[attr-defined]
    return {key: price for key, price in found.items() if price is not None}


def entry(section: str, name: str) -> Any:
    stem, key = name.split("/")
    return getattr(catalogue(ROOT / "pricing" / f"{stem}.yaml"), section)[key]


# -- whole ---------------------------------------------------------------------------------------------------------


@by_file
def test_file_is_a_catalogue(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# yaml-language-server: $schema=catalog.schema.json"
    header = " ".join(line.removeprefix("#").strip() for line in lines[1:8] if line.startswith("#"))
    assert re.search(r"never an overwrite|never changes", header), "the second comment says that a change is a new row"
    assert catalogue(path)


def test_stems_are_unique_and_flat() -> None:
    assert FILES
    stems = [path.stem for path in FILES]
    assert len(stems) == len(set(stems))
    assert all(path.parent == ROOT / "pricing" for path in FILES)


@by_file
def test_currency(path: Path) -> None:
    assert catalogue(path).currency == CURRENCY.get(path.stem, "USD")


def test_every_currency_in_use_has_a_rate() -> None:
    rates = catalogue(ROOT / "pricing" / "currencies.yaml").exchange_rates
    assert {catalogue(path).currency for path in FILES} - {"USD"} <= set(rates)


# -- dated and sourced ---------------------------------------------------------------------------------------------


@by_file
def test_dates(path: Path) -> None:
    for row in rows(path):
        assert row.spec.checked <= COLLECTED, row.name
        announced = (row.spec.note or "").startswith("announced")
        assert (row.spec.as_of > row.spec.checked) == announced, f"{row.name}: {row.spec.as_of} and its note"


@by_file
def test_history_is_in_order(path: Path) -> None:
    content = catalogue(path)
    histories: dict[tuple[str, ...], list[date]] = defaultdict(list)
    for key, model in content.models.items():
        histories[(key,)] += [p.as_of for p in model.prices]
    for section, named in (("gpus", content.gpus), ("endpoints", content.endpoints)):
        for key, offer in named.items():
            for p in offer.prices:
                histories[(section, key, p.region, p.term)].append(p.as_of)
    for currency, rates in content.exchange_rates.items():
        histories[(currency,)] += [r.as_of for r in rates]
    for at, dates in histories.items():
        assert dates == sorted(set(dates)), f"{path.stem} {at}: newest last, one row a day"


def test_doubtful_rows_say_so() -> None:
    for row in everything():
        undated = row.spec.as_of == COLLECTED and row.spec.kind in ("list price", "quote")
        if undated and not re.search(r"lambda/a100-80gb-reserved|engineer", row.name):
            assert "undated" in (row.spec.note or ""), row.name
        if row.spec.kind == "assumption":
            assert row.spec.note, row.name
    spot = [p for _, offer in offers() for p in offer.prices if p.term == "spot" and "median" in (p.note or "")]
    assert spot
    assert {p.kind for p in spot} == {"quote"}


# -- plausible -----------------------------------------------------------------------------------------------------


def price_sets(model: ApiModel) -> Iterator[tuple[str, TierPrices]]:
    for row in model.prices:
        yield f"{row.as_of} standard", row
        for tier, prices in row.tiers.items():
            yield f"{row.as_of} {tier}", prices


def test_no_price_is_zero() -> None:
    for name, model in models():
        for at, prices in price_sets(model):
            assert all(figures(prices).values()), f"{name} {at}: an unknown price is left out"
    assert all(p.per_hour > 0 for _, offer in offers() for p in offer.prices)


def test_cached_reads_are_not_dearer_than_input() -> None:
    for name, model in models():
        for at, prices in price_sets(model):
            for price in (prices, prices.long_context):
                known = figures(price) if price else {}
                if "cache_read" in known:
                    assert known["cache_read"] <= known["input"], f"{name} {at}"
                if "cache_write_1h" in known:
                    assert known["cache_write_1h"] >= known["cache_write_5m"], f"{name} {at}"


def test_long_context_is_not_cheaper() -> None:
    for name, model in models():
        for at, prices in price_sets(model):
            if prices.long_context:
                base, above = figures(prices), figures(prices.long_context)
                assert set(above) == set(base), f"{name} {at}: the same meters above the threshold"
                assert all(above[key] >= base[key] for key in above), f"{name} {at}"


def test_tiers_lie_on_their_side_of_standard() -> None:
    for name, model in models():
        for row in model.prices:
            standard = figures(row)
            for tier, prices in row.tiers.items():
                for key, price in figures(prices).items():
                    if key not in standard:
                        continue
                    cheaper = tier in ("batch", "flex", "off_peak")
                    at = f"{name} {row.as_of} {tier} {key}"
                    assert price <= standard[key] if cheaper else price >= standard[key], at


def test_hour_prices_per_gpu_are_sane() -> None:
    for name, offer in offers():
        for p in offer.prices:
            assert F(1, 10) <= p.per_hour / offer.gpus <= 20, f"{name} {p.region} {p.term}"


def test_spot_and_commitments_are_not_dearer_than_on_demand() -> None:
    for name, offer in offers():
        newest = {(p.region, p.term): p.per_hour for p in offer.prices}
        for (region, term), price in newest.items():
            on_demand = newest.get((region, "on_demand"))
            if on_demand is not None:
                assert price <= on_demand, f"{name} {region} {term}"


def test_people_and_rates_are_sane() -> None:
    rates = {"USD": F(1)}
    for currency, dated in catalogue(ROOT / "pricing" / "currencies.yaml").exchange_rates.items():
        rates[currency] = dated[-1].usd
    assert 1 < rates["EUR"] < F(3, 2)
    assert F(1, 150) < rates["INR"] < F(1, 60)
    for path in FILES:
        for key, person in catalogue(path).people.items():
            usd = person.per_year * person.loading * rates[catalogue(path).currency]
            assert 10_000 < usd < 500_000, f"{path.stem}/{key}"


LARGE = {"llama-3.1-405b", "deepseek-r1"}
"""Models of which a GPU makes far fewer tokens: eight of them share one."""


def test_capacity_is_per_replica_and_no_single_stream() -> None:
    for path in FILES:
        for key, c in catalogue(path).capacity.items():
            name = f"{path.stem}/{key}"
            rate = c.output_tokens_per_s or (c.requests_per_s or F(0)) * (c.output_tokens or F(0))
            # The quotes of a field report are carried as stated, whatever they are.
            least = 80 if c.objective == "not stated" else 30 if path.stem in LARGE else 200
            assert rate / c.gpus_per_replica >= least, name
            assert (c.input_tokens is None) == (c.output_tokens is None), name
            assert (c.kind == "assumption") == ("modelled" in (c.note or "")), name


# -- equal to the sources ------------------------------------------------------------------------------------------

SAMPLE: list[tuple[str, Mapping[str, str]]] = [
    ("openai/gpt-4o", {"input": "2.5", "output": "10", "cache_read": "1.25"}),
    ("openai/gpt-4o-mini", {"input": "0.15", "output": "0.6", "cache_read": "0.075"}),
    ("openai/gpt-5", {"input": "1.25", "output": "10"}),
    ("anthropic/claude-haiku-3.5", {"input": "0.8", "output": "4"}),
    ("anthropic/claude-sonnet-4", {"input": "3", "output": "15"}),
    ("anthropic/claude-opus-4", {"input": "15", "output": "75"}),
    (
        "anthropic/claude-opus-5.5",
        {"input": "4", "output": "20", "cache_read": "0.2", "cache_write_5m": "5", "cache_write_1h": "8"},
    ),
    ("google/gemini-2.5-pro", {"input": "1.25", "output": "10", "cache_read": "0.125"}),
    ("mistral/mistral-large-4", {"input": "0.7", "output": "2.1", "cache_read": "0.07"}),
    ("deepseek/deepseek-v4-pro", {"input": "1.32", "output": "3.96", "cache_read": "0.044"}),
    ("together/llama-3.3-70b", {"input": "1.04", "output": "1.04"}),
    ("fireworks/llama-3.1-8b", {"input": "0.2", "output": "0.2"}),
    ("aws/bedrock-llama-3.3-70b", {"input": "0.72", "output": "0.72"}),
    ("openai/text-embedding-3-small", {"input": "0.02"}),
]


@pytest.mark.parametrize(("name", "expected"), SAMPLE, ids=[name for name, _ in SAMPLE])
def test_sample_of_prices(name: str, expected: Mapping[str, str]) -> None:
    held = [p for p in entry("models", name).prices if p.as_of <= COLLECTED][-1]
    known = figures(held)
    assert {key: known.get(key) for key in expected} == {key: F(price) for key, price in expected.items()}


def test_sample_of_tiers() -> None:
    gemini = entry("models", "google/gemini-2.5-pro").prices[-1]
    assert gemini.long_context.above_tokens == 200_000
    assert (gemini.long_context.of("input"), gemini.long_context.of("output")) == (F("2.5"), 15)
    assert entry("models", "anthropic/claude-opus-5.5").prices[-1].tiers["batch"].of("output") == 10
    assert entry("models", "openai/gpt-6-sol").prices[-1].tiers["priority"].long_context.of("input") == 8


def test_sample_of_offers() -> None:
    p5 = [p for p in entry("gpus", "aws/p5.48xlarge").prices if (p.region, p.term) == ("us-east-1", "on_demand")]
    assert [p.per_hour for p in p5] == [F("98.32"), F("55.04")]
    assert entry("gpus", "lambda/a100-80gb-reserved").prices[0].per_hour == F("1.10")
    assert entry("gpus", "gcp/a3-highgpu-1g").gpus == 1


def test_what_the_source_documents_name_is_there() -> None:
    for name in (
        "anthropic/claude-haiku-3.5", "anthropic/claude-sonnet-4", "anthropic/claude-opus-4", "openai/gpt-4o",
        "openai/gpt-4o-mini", "openai/gpt-5", "mistral/mistral-large-2", "mistral/mistral-7b", "deepinfra/phi-4",
        "together/llama-3.3-70b", "fireworks/llama-3.3-70b", "groq/llama-3.3-70b", "aws/bedrock-llama-3.3-70b",
        "deepseek/deepseek-v4-flash",
    ):  # fmt: skip
        assert entry("models", name)
    rented = {offer.gpu for _, offer in offers()}
    assert {"L4", "RTX 4090", "A10G", "A100 40GB", "A100 80GB", "H100", "V100", "RTX 5090"} <= rented
    assert entry("gpus", "aws/p3.2xlarge").prices[-1].per_hour == F("3.06")
    a10g = [entry("capacity", f"mistral-7b/a10g-vllm-{end}").output_tokens_per_s for end in ("low", "high")]
    assert a10g == [80, 120]
    proven = entry("capacity", "llama-3.1-8b/h100-vllm-fp16-10rps")
    assert (proven.requests_per_s, proven.input_tokens, proven.output_tokens) == (F("9.627"), 512, 256)
    people = [entry("people", f"us/engineer-{who}").per_year for who in ("150k", "low", "high")]
    assert people == [150_000, 4 * 40_000, 4 * 80_000]
    assert [entry("people", f"in/engineer-{end}").per_year for end in ("low", "high")] == [1_600_000, 3_200_000]


def shared(name: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    """A table of the collected data; where it is not there, the test is skipped so that nobody overlooks it."""
    path = SHARED / name
    if not path.is_file():
        with capsys.disabled():
            print(f"\nWARNING: {path} is absent: the catalogue was NOT compared with its sources")
        pytest.skip(f"{path} is absent: the catalogue was NOT compared with its sources")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


CITED = re.compile(r"(litellm 1\.109\.1|genai-prices 0\.2\.3|genai-prices@47df840|llm-prices@723ef0b)(?: model map)?, key ([^\s;,]+)(?=;|$)")  # fmt: skip  # noqa: E501
"""A row of api_prices_compare.csv that a source cites as it stands; a period or a disagreement has words after it."""

COLUMNS = {"input": "input", "output": "output", "cache_read": "cache_read", "cache_write": "cache_write_5m"}


def wrong_figures(said: Mapping[str, str], row: TierPrices, columns: Mapping[str, str]) -> list[str]:
    """The figures of a line of the table that a price row has otherwise; 0 there means not sold."""
    faults = []
    for column, key in columns.items():
        price = row.of(key)
        if said[column] and F(said[column]) != 0 and price is not None and price != F(said[column]):
            faults.append(f"{key} is {float(price)}, the source says {said[column]}")
        if said[column] and F(said[column]) != 0 and price is None and key in ("input", "cache_read"):
            faults.append(f"{key} is missing, the source says {said[column]}")
    return faults


NO_LONG_CONTEXT = {"anthropic/claude-sonnet-4.5"}
"""genai-prices keeps its tier above 200k for usage before 2026-04-30; requests that long are errors since."""


def test_api_prices_are_what_the_cited_rows_say(capsys: pytest.CaptureFixture[str]) -> None:
    table = {(r["source"], r["source_key"]): r for r in shared("api_prices_compare.csv", capsys)}
    faults, compared = [], 0
    for name, model in models():
        for row in model.prices:
            for citation in CITED.findall(row.source):
                said = table.get(citation)
                if said is None or not said["input"]:
                    continue
                compared += 1
                wrong = wrong_figures(said, row, COLUMNS)
                if row.of("cache_write_1h") and said["cache_write_1h"]:
                    wrong += wrong_figures(said, row, {"cache_write_1h": "cache_write_1h"})
                if "batch" in row.tiers:
                    batch = {"batch_input": "input", "batch_output": "output"}
                    wrong += wrong_figures(said, row.tiers["batch"], batch)
                if said["long_threshold"] and name not in NO_LONG_CONTEXT:
                    assert row.long_context, name
                    threshold = int(said["long_threshold"].replace("k", "000"))
                    if row.long_context.above_tokens != threshold:
                        wrong.append(f"threshold {threshold}")
                    wrong += wrong_figures(said, row.long_context, {"long_input": "input", "long_output": "output"})
                if said["deprecation"] and str(model.retires) != said["deprecation"]:
                    wrong.append(f"retires {said['deprecation']}")
                faults += [f"{name} {row.as_of} against {citation}: {fault}" for fault in wrong]
    assert not faults
    assert compared > 150


def test_instance_prices_are_what_the_cited_tables_say(capsys: pytest.CaptureFixture[str]) -> None:
    known: dict[tuple[str, str, str], set[Fraction]] = defaultdict(set)
    for r in shared("gpu_rates.csv", capsys):
        instance = r["instance_type"].removeprefix("Standard_").replace("_", "-").lower()
        for term in ("on_demand", "spot"):
            if r[f"{term}_usd_per_hour"]:
                known[(instance, r["region"], term)].add(F(r[f"{term}_usd_per_hour"]))
    for r in shared("commit_discounts.csv", capsys):
        for term in ("commit_1y", "commit_3y"):
            if r[f"{term}_usd_per_hour"]:
                known[(r["instance_or_scope"], r["region"], term)].add(F(r[f"{term}_usd_per_hour"]))
    tables = ("aws/karpenter-provider-aws@6fc13b52", "skypilot-org", "cloudpilot-ai", "Azure/", "Cyclenerd/")
    compared = 0
    for name, offer in offers():
        stem, key = name.split("/")
        for p in offer.prices:
            if stem in ("aws", "gcp", "azure") and p.source.startswith(tables):
                assert p.per_hour in known[(key, p.region, p.term)], f"{name} {p.region} {p.term}"
                compared += 1
    assert compared > 150


def test_capacity_is_what_the_cited_tables_say(capsys: pytest.CaptureFixture[str]) -> None:
    totals = {F(r["output_tokens_per_s_total"] or 0) for r in shared("throughput.csv", capsys)}
    curves: Sequence[dict[str, str]] = shared("vllm_cost_meter_subset.csv", capsys)
    completed = {f"{float(r['request_throughput']):.3f}" for r in curves}
    for path in FILES:
        for key, c in catalogue(path).capacity.items():
            if c.source.startswith(("field report", "arXiv 2509")):
                continue
            if c.requests_per_s is not None:
                assert f"{float(c.requests_per_s):.3f}" in completed, f"{path.stem}/{key}"
            else:
                assert c.output_tokens_per_s in totals, f"{path.stem}/{key}"


# -- enough of everything ------------------------------------------------------------------------------------------


def test_there_is_enough_to_choose_from() -> None:
    providers = {path.stem for path in FILES if catalogue(path).models}
    assert len(list(models())) >= 60 and len(providers) >= 8
    renters = {name.split("/")[0] for name, _ in offers()}
    assert len(list(offers())) >= 60 and len(renters) >= 8
    terms = {p.term for _, offer in offers() for p in offer.prices}
    assert terms == {"on_demand", "spot", "reserved", "commit_1y", "commit_3y"}
    assert sum(len(catalogue(path).capacity) for path in FILES) >= 30
    assert sum(len(catalogue(path).open_weights) for path in FILES) >= 20
    assert {path.stem for path in FILES if catalogue(path).electricity} >= {"us", "eu", "in"}
    assert {path.stem for path in FILES if catalogue(path).people} >= {"us", "eu", "in"}


def test_every_commitment_with_a_price_is_in(capsys: pytest.CaptureFixture[str]) -> None:
    exact = [r for r in shared("commit_discounts.csv", capsys) if r["commit_1y_usd_per_hour"]]
    assert exact
    for r in exact:
        offer = entry("gpus", f"{r['provider'].lower()}/{r['instance_or_scope']}")
        held = {(p.region, p.term): p.per_hour for p in offer.prices}
        for term in ("commit_1y", "commit_3y"):
            assert held[(r["region"], term)] == F(r[f"{term}_usd_per_hour"]), f"{r['instance_or_scope']} {term}"


# -- models one can run oneself ------------------------------------------------------------------------------------


def test_open_weights_are_sane() -> None:
    for key, m in catalogue(ROOT / "pricing" / "open-models.yaml").open_weights.items():
        assert m.active_parameters_b <= m.parameters_b, key
        bf16, fp8, int4 = (m.weights_gb.of(p) or F(0) for p in ("bf16", "fp8", "int4"))
        assert bf16 > fp8 > int4 > 0, key
        assert abs(bf16 / (2 * m.parameters_b) - 1) < F(1, 100), f"{key}: two bytes a parameter"
        context = m.kv_bytes_per_token.of("bf16") or F(0)
        assert (m.kv_bytes_per_token.of("fp8") or F(0)) * 2 == context > 0, key
        if m.long_kv_bytes_per_token is not None:
            assert 0 < (m.long_kv_bytes_per_token.of("bf16") or F(0)) < context, key


def test_open_weights_are_what_the_table_says(capsys: pytest.CaptureFixture[str]) -> None:
    known = {m.hf_id: m for m in catalogue(ROOT / "pricing" / "open-models.yaml").open_weights.values()}
    table = shared("models.csv", capsys)
    assert {r["hf_id"] for r in table} == set(known)
    for r in table:
        m = known[r["hf_id"]]
        assert (m.name, m.licence) == (r["model"], r["licence"])
        assert (m.parameters_b, m.active_parameters_b) == (F(r["params_total_b"]), F(r["params_active_b"]))
        assert (m.layers, str(m.kv_heads or "MLA")) == (int(r["num_layers"]), r["num_kv_heads"])
        assert m.max_context_tokens == int(r["max_context"])
        for precision in ("bf16", "fp8", "int4"):
            assert m.weights_gb.of(precision) == F(r[f"weights_gb_{precision}"])
        for precision in ("bf16", "fp8"):
            assert m.kv_bytes_per_token.of(precision) == int(r[f"kv_bytes_per_token_{precision}"])
        whole = (m.long_kv_bytes_per_token or m.kv_bytes_per_token).of("bf16")
        assert whole == int(r["kv_bytes_per_token_bf16_full_length_layers_only"])
        guessed = "knowledge" in r["evidence"] + r["source"]
        assert m.kind == ("assumption" if guessed else "specification"), m.name


def test_capacity_names_a_model_whose_weights_are_known() -> None:
    known = set(catalogue(ROOT / "pricing" / "open-models.yaml").open_weights)
    measured = {path.stem for path in FILES if catalogue(path).capacity}
    assert measured - {"mistral-7b"} <= known
    assert "mistral-7b-v0.3" in known


# -- hardware and running it ---------------------------------------------------------------------------------------


WHOLE = F(1)


def written(value: Fraction) -> list[Fraction]:
    """A figure as the table of sources has it: low, typical and high, or one figure three times."""
    if not isinstance(value, Range):
        return [F(value)] * 3
    return [F(value.low), F(value), F(value.high)]


HARDWARE = {
    "NVIDIA H100 SXM 80GB (per GPU, in 8-GPU system)": "h100-sxm",
    "NVIDIA H100 PCIe 80GB": "h100-pcie",
    "NVIDIA H200 SXM 141GB": "h200-sxm",
    "NVIDIA B200 SXM 180GB": "b200-sxm",
    "NVIDIA A100 80GB": "a100-80gb",
    "NVIDIA RTX 5090 32GB": "rtx-5090",
    "2x RTX 4090 rig": "rtx-4090-2x",
    "8x H100 node (server complete)": "h100-8x",
}
WATTS = {
    "L4 TDP": "l4",
    "L40S TDP": "l40s",
    "A100 SXM 80GB TDP": "a100-80gb",
    "H100 SXM TDP": "h100-sxm",
    "H200 SXM TDP": "h200-sxm",
    "B200 SXM TDP": "b200-sxm",
    "MI300X TDP": "mi300x",
    "RTX 4090 TDP": "rtx-4090",
    "A10G TDP (AWS variant)": "a10g",
}
SYSTEM_WATTS = {
    "DGX H100 / H200 max system power (8 GPU)": ("h100-8x", "dgx-h200"),
    "DGX B200 max system power (8 GPU)": ("dgx-b200",),
    "GB200 NVL72 rack power": ("gb200-nvl72",),
}
RUNNING = {
    "Electricity US commercial average": ("electricity", "us/commercial", "per_kwh"),
    "Electricity US industrial by state (Apr 2025)": ("electricity", "us/industrial", "per_kwh"),
    "Electricity assumption in arXiv 2509.18101": ("electricity", "us/paper-2509.18101", "per_kwh"),
    "Electricity AI data-center assumption": ("electricity", "us/ai-data-centre", "per_kwh"),
    "Electricity EU non-household average": ("electricity", "eu/non-household", "per_kwh"),
    "Electricity India HT industrial - Karnataka": ("electricity", "in/karnataka-ht", "per_kwh"),
    "Electricity India industrial - state comparison": ("electricity", "in/industrial", "per_kwh"),
    "Colocation asking rent, N. America primary markets, 250-500 kW": (
        "colocation", "data-centres/us-wholesale", "per_kw_month",
    ),
    "Colocation for GPU nodes (retail)": ("colocation", "data-centres/us-gpu-retail", "per_kw_month"),
}  # fmt: skip


def bounds(r: Mapping[str, str], scale: Fraction = WHOLE) -> list[Fraction]:
    """Low, typical and high of a line of the table; the midpoint where no figure is typical."""
    known = {end: F(r[f"value_{end}"]) * scale for end in ("low", "typical", "high") if r[f"value_{end}"]}
    typical = known.get("typical") or (known["low"] + known["high"]) / 2
    return [known.get("low", typical), typical, known.get("high", typical)]


def hardware(key: str) -> Hardware:
    found: Hardware = entry("hardware", f"hardware/{key}")
    return found


def test_hardware_is_what_the_table_says(capsys: pytest.CaptureFixture[str]) -> None:
    table = {r["item"]: r for r in shared("hardware_opex.csv", capsys)}
    for item, key in HARDWARE.items():
        assert written(hardware(key).prices[-1].price) == bounds(table[item]), item
    for item, key in WATTS.items():
        figure = stated(hardware(key))["gpu_watts"]
        assert written(figure.value) == bounds(table[item]), item
        assert (figure.kind == "assumption") == ("author knowledge" in table[item]["source"]), item
    for item, keys in SYSTEM_WATTS.items():
        for key in keys:
            assert written(stated(hardware(key))["system_watts"].value) == bounds(table[item]), item
    percent = F(1, 100)
    server = stated(hardware("h100-8x"))
    residual = table["residual value after 36 months"]
    assert (written(server["residual"].value), server["residual"].after_months) == (bounds(residual, percent), 36)
    extras = table["extra networking/cabling/insurance on top of GPU server capex"]
    assert written(server["extras_share"].value) == bounds(extras, percent)
    assert written(server["software_per_gpu_year"].value) == bounds(table["NVIDIA AI Enterprise subscription"])
    factor = table["non-GPU server overhead (DGX H100: 10.2 kW / (8*0.7 kW))"]
    assert written(stated(hardware("h100-sxm"))["system_watts_factor"].value) == bounds(factor)


def test_running_costs_are_what_the_table_says(capsys: pytest.CaptureFixture[str]) -> None:
    table = {r["item"]: r for r in shared("hardware_opex.csv", capsys)}
    for item, (section, name, key) in RUNNING.items():
        row = entry(section, name).prices[-1]
        assert written(getattr(row, key)) == bounds(table[item]), item
        currency = table[item]["unit"].split(maxsplit=1)[0]
        assert currency == catalogue(ROOT / "pricing" / f"{name.split('/')[0]}.yaml").currency, item
    earlier = table["Colocation asking rent, N. America primary markets, 250-500 kW (year-end 2024)"]
    assert written(entry("colocation", "data-centres/us-wholesale").prices[0].per_kw_month) == bounds(earlier)
    pue = [entry("pue", f"data-centres/{key}").pue for key in ("average", "new")]
    items = ("PUE - industry weighted average", "PUE - hyperscale / new AI DC")
    assert [written(p) for p in pue] == [bounds(table[item]) for item in items]


def test_every_line_of_the_hardware_table_has_a_place(capsys: pytest.CaptureFixture[str]) -> None:
    """Or a reason: in a note of the server with 8 H100 (too vague for an entry of their own)."""
    known = {*HARDWARE, *WATTS, *SYSTEM_WATTS, *RUNNING}
    rest = [r["item"] for r in shared("hardware_opex.csv", capsys) if r["item"] not in known]
    assert [item.split(",")[0] for item in rest] == [
        "8x GPU Lenovo ThinkSystem list price used in Lenovo TCO papers (upper bound)",
        "4-8 GPU AI server range",
        "extra networking/cabling/insurance on top of GPU server capex",
        "residual value after 36 months",
        "NVIDIA AI Enterprise subscription",
        "non-GPU server overhead (DGX H100: 10.2 kW / (8*0.7 kW))",
        "PUE - industry weighted average",
        "PUE - hyperscale / new AI DC",
        "Colocation asking rent",
    ]
    note = hardware("h100-8x").note or ""
    assert "833,000" in note and "$120k-833k" in note


def test_published_calculations_can_be_repeated_from_the_catalogue() -> None:
    lenovo = hardware("lenovo-lp2368-8xh100")
    figures_of = {name: figure.value for name, figure in stated(lenovo).items()}
    price = lenovo.prices[-1].price
    colocation = entry("colocation", "data-centres/lenovo-lp2368").prices[-1].per_server_month
    maintenance = price * figures_of["maintenance_share_per_year"] / 8760
    hourly = maintenance + figures_of["power_and_cooling_per_hour"] + colocation / 720
    assert price == F("250141.80") and round(float(hourly), 2) == 6.38  # 6.37 from terms rounded one by one
    example = hardware("nvidia-example-8gpu")
    per_year = {name: figure.value for name, figure in stated(example).items()}
    cost = example.prices[-1].price / per_year["life_years"] + per_year["hosting_per_year"]
    assert cost + per_year["software_per_year"] == 87_500
    for key, watts, paid in (("a100-80gb-paper", 300, 15_000), ("rtx-5090-paper", 500, 2_000)):
        assert stated(hardware(key))["gpu_watts"].value == watts and hardware(key).prices[-1].price == paid
