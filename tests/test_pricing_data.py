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

from tco.catalog.entries import ApiModel, Catalogue, Offer, PriceSet, TierPrices
from tco.catalog.meters import METERS
from tco.document import load, validate

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
    for section in (content.models, content.gpus, content.endpoints):
        for key, entry in section.items():
            yield from (Row(f"{path.stem}/{key}", row) for row in entry.prices)
    for people_or_capacity in (content.people, content.capacity):
        yield from (Row(f"{path.stem}/{key}", entry) for key, entry in people_or_capacity.items())
    for currency, rates in content.exchange_rates.items():
        yield from (Row(f"{path.stem}/{currency}", rate) for rate in rates)


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


def test_capacity_is_per_replica_and_no_single_stream() -> None:
    for path in FILES:
        for key, c in catalogue(path).capacity.items():
            name = f"{path.stem}/{key}"
            rate = c.output_tokens_per_s or (c.requests_per_s or F(0)) * (c.output_tokens or F(0))
            # The quotes of a field report are carried as stated, whatever they are.
            assert rate / c.gpus_per_replica >= (80 if c.objective == "not stated" else 200), name
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
