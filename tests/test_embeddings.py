"""Embeddings: the corpus by chunks and deploys, the queries by requests, once for an option."""

from __future__ import annotations

from decimal import Decimal as D
from fractions import Fraction
from typing import Any, ClassVar

import pytest
from conftest import FROZEN, Build, Data
from priced import Key, amounts, check, check_draws, check_inputs, notes, put, warnings

from tco.analysis.case import build_case
from tco.document import Faults, load_text
from tco.lineitem import Exact
from tco.quantity import at

F = Fraction
DAYS = F(365, 12)
ALL = F(1)
VOLUMES: list[int | Fraction] = [1, 1000, 20_000_000, F(10**9, 7)]
WORK: Data = {"chunks": "5M", "tokens_per_chunk": 400, "deploys_per_month": 2, "query_tokens_per_request": 30}
PRICE: Data = {"kind": "api", "price": {"blended": "$1/1M tokens"}}
OWN: Data = {"kind": "self_hosted", "gpu_price": "$1/hour", "replicas": 1}
UNKNOWN = "what embeddings cost is unknown, not zero"
CORPUS, QUERY = ("embeddings", "corpus embedding"), ("embeddings", "query embedding")
BATCHED = ("embeddings", "corpus embedding (batch)")


def scenario(by: Data | None, work: Data | None = WORK, **workload: Any) -> Data:
    option = PRICE if by is None else {**PRICE, "embeddings": by}
    sizes = {"volume": "20M tokens/day", "input_tokens": 900, "output_tokens": 100, **workload}
    return {"workload": sizes if work is None else {**sizes, "embeddings": work}, "options": {"api": option}}


def corpus(price: Fraction, deploys: int = 2, chunks: int = 5_000_000, share: Fraction = ALL) -> Fraction:
    """Deploy by deploy: every changed chunk of so many tokens."""
    return sum((chunks * share * 400 * price / 10**6 for _ in range(deploys)), F(0))


def queries(v: Fraction, price: Fraction) -> Fraction:
    """Hour by hour: the requests of each, 30 tokens a request."""
    return sum((v / 1000 / 24 * DAYS * 30 * price / 10**6 for _ in range(24)), F(0))


class TestLines:
    def test_a_price_of_ones_own(self, build: Build) -> None:
        data = scenario({"price": "$0.02/1M tokens"})
        check(build, data, "api", VOLUMES, lambda v: {CORPUS: corpus(F(2, 100)), QUERY: queries(v, F(2, 100))})
        check(build, data, "api", [1], lambda v: {CORPUS: F(80), QUERY: queries(v, F(2, 100))})

    def test_a_model_of_the_catalogue_and_its_batch_price(self, build: Build) -> None:
        data = scenario({"model": "frozen/rich"})
        check(build, data, "api", VOLUMES, lambda v: {CORPUS: corpus(F("1.3")), QUERY: queries(v, F("1.3"))})
        data = scenario({"model": "frozen/rich", "batch": True})
        check(build, data, "api", VOLUMES, lambda v: {BATCHED: corpus(F("0.65")), QUERY: queries(v, F("1.3"))})

    def test_a_batch_price_of_ones_own(self, build: Build) -> None:
        data = scenario({"price": "$0.02/1M tokens", "batch_price": "$0.01/1M tokens"})
        check(build, data, "api", VOLUMES, lambda v: {BATCHED: corpus(F(1, 100)), QUERY: queries(v, F(2, 100))})

    @pytest.mark.parametrize(("text", "monthly"), [("$200/month", F(200)), ("$1.1/hour", F(11, 10) * 730)])
    def test_one_figure_for_everything(self, build: Build, text: str, monthly: Fraction) -> None:
        check(build, scenario({"all_in": text}), "api", VOLUMES, lambda v: {("embeddings", "embeddings"): monthly})

    def test_only_what_changed_and_only_what_is_stated(self, build: Build) -> None:
        price = {"price": "$0.02/1M tokens"}
        data = scenario(price, {**WORK, "changed_share": "10%", "deploys_per_month": 3})
        share = F(10, 100)
        check(
            build, data, "api", VOLUMES,
            lambda v: {CORPUS: corpus(F(2, 100), 3, share=share), QUERY: queries(v, F(2, 100))},
        )  # fmt: skip
        data = scenario(price, {"query_tokens_per_request": 30})
        check(build, data, "api", VOLUMES, lambda v: {QUERY: queries(v, F(2, 100))})
        data = scenario(price, {**WORK, "deploys_per_month": 0})
        check(build, data, "api", VOLUMES, lambda v: {QUERY: queries(v, F(2, 100))})

    def test_no_part_of_the_volume_nor_of_overhead(self, build: Build) -> None:
        price = {"price": "$0.02/1M tokens"}
        data = scenario(price, overhead={"retries": "20%"})
        assert build(data).volume() == build(scenario(None, None)).volume()
        check(build, data, "api", VOLUMES, lambda v: {CORPUS: F(80), QUERY: queries(v, F(2, 100))})

    def test_requests_of_several_classes(self, build: Build) -> None:
        classes = {
            "a": {"share": "25%", "input_tokens": 3600, "output_tokens": 400},
            "b": {"share": "rest", "input_tokens": 100, "output_tokens": 20},
        }
        mean = F(1, 4) * 4000 + F(3, 4) * 120
        workload = {"volume": "20M tokens/day", "classes": classes, "embeddings": WORK}
        data = {"workload": workload, "options": {"api": {**PRICE, "embeddings": {"price": "$0.02/1M tokens"}}}}

        def expected(v: Fraction) -> dict[Key, Fraction]:
            by_class = (v / mean * share * DAYS * 30 * F(2, 100) / 10**6 for share in (F(1, 4), F(3, 4)))
            return {CORPUS: F(80), QUERY: sum(by_class, F(0))}

        check(build, data, "api", VOLUMES, expected)

    def test_draws(self, build: Build) -> None:
        ranges = {
            "workload.embeddings.chunks": (10**6, 10**7, "{}"),
            "workload.embeddings.tokens_per_chunk": (200, 800, "{}"),
            "workload.embeddings.deploys_per_month": (1, 4, "{}"),
            "workload.embeddings.changed_share": (D("0.1"), D("0.9"), "{}"),
            "workload.embeddings.query_tokens_per_request": (10, 60, "{}"),
            "options.api.embeddings.price": ("0.01", "0.13", "${}/1M tokens"),
            "options.api.embeddings.batch_price": ("0.005", "0.05", "${}/1M tokens"),
        }
        data = scenario({"price": "$0.02/1M tokens", "batch_price": "$0.01/1M tokens"}, {**WORK, "changed_share": 1})
        check_draws(build, data, "api", 10**7, ranges)
        one = {"options.api.embeddings.all_in": (100, 300, "${}/month")}
        check_draws(build, scenario({"all_in": "$200/month"}), "api", 10**7, one)

    def test_inputs(self, build: Build) -> None:
        work = {
            "chunks": 7, "tokens_per_chunk": 7, "deploys_per_month": 7, "changed_share": D("0.7"),
            "query_tokens_per_request": 7,
        }  # fmt: skip
        data = scenario({"price": "$0.02/1M tokens", "batch_price": "$0.01/1M tokens"}, {**WORK, "changed_share": 1})
        data["traffic_days_per_month"] = 30
        others = {
            **{f"workload.embeddings.{k}": x for k, x in work.items()},
            "options.api.embeddings.price": "$7/1M tokens", "options.api.embeddings.batch_price": "$7/1M tokens",
            "workload.input_tokens": 700, "traffic_days_per_month": 31, "options.api.price.blended": "$7/1M tokens",
        }  # fmt: skip
        check_inputs(build, data, "api", 10**7, others)


class TestOnce:
    """A hybrid embeds once, whatever it hands its requests to."""

    BY: ClassVar[Data] = {"price": "$0.02/1M tokens"}

    def hybrid(self, api: Data | None, own: Data | None, whole: Data | None) -> Data:
        data = scenario(api)
        data["options"]["own"] = OWN if own is None else {**OWN, "embeddings": own}
        mix = {"kind": "hybrid", "response_cache": "20%", "routes": {"own": "70%", "api": "rest"}}
        data["options"]["mix"] = mix if whole is None else {**mix, "embeddings": whole}
        return data

    @pytest.mark.parametrize(("api", "own", "whole"), [(BY, BY, None), (BY, None, None), (None, None, BY)])
    def test_for_all_requests_before_the_cache(
        self, build: Build, api: Data | None, own: Data | None, whole: Data | None
    ) -> None:
        data = self.hybrid(api, own, whole)
        check(build, data, "mix", VOLUMES, lambda v: {CORPUS: F(80), QUERY: queries(v, F(2, 100))})
        assert f"mix: {UNKNOWN}" not in " ".join(warnings(build, data))

    def test_its_own_word_comes_first(self, build: Build) -> None:
        data = self.hybrid({"all_in": "$1/month"}, {"all_in": "$2/month"}, {"all_in": "$3/month"})
        check(build, data, "mix", VOLUMES, lambda v: {("embeddings", "embeddings"): F(3)})

    def test_parts_that_differ_leave_it_unknown(self, build: Build) -> None:
        data = self.hybrid({"all_in": "$1/month"}, {"all_in": "$2/month"}, None)
        check(build, data, "mix", VOLUMES, lambda v: {})
        assert f"mix: its parts embed in different ways: {UNKNOWN}" in warnings(build, data)

    def test_nested_ones_too(self, build: Build) -> None:
        data = self.hybrid(self.BY, None, None)
        data["options"]["outer"] = {"kind": "hybrid", "routes": {"mix": "50%", "api": "rest"}}
        check(build, data, "outer", VOLUMES, lambda v: {CORPUS: F(80), QUERY: queries(v, F(2, 100))})


class TestSaid:
    def test_unknown_is_not_zero(self, build: Build) -> None:
        data = scenario({"price": "$0.02/1M tokens"})
        data["options"]["silent"] = PRICE
        data["options"]["part"] = {**PRICE, "candidate": False}
        assert [w for w in warnings(build, data) if UNKNOWN in w] == [
            f"silent: it does not say who embeds (`embeddings`): {UNKNOWN}"
        ]

    def test_nothing_to_embed(self, build: Build) -> None:
        data = scenario({"price": "$0.02/1M tokens"}, None)
        check(build, data, "api", VOLUMES, lambda v: {})
        assert "api: `embeddings` has no effect: the workload has none" in warnings(build, data)

    def test_a_whole_corpus_each_time_is_an_assumption(self, build: Build) -> None:
        by = {"price": "$0.02/1M tokens"}
        text = "each deploy embeds the whole corpus again (`changed_share`)"
        assert text in map(str, notes(build, scenario(by)).assumptions)
        stated = scenario(by, {**WORK, "changed_share": "30%"})
        assert text not in map(str, notes(build, stated).assumptions)

    @pytest.mark.parametrize("name", ["lump", "Lump-2025", "retries-and-embeddings"])
    def test_a_lump_may_not_stand_beside_it(self, build: Build, name: str) -> None:
        data = scenario({"price": "$0.02/1M tokens"}, overhead={name: "40%"})
        with pytest.raises(Faults) as caught:
            build(data).price(Exact())
        (fault,) = caught.value.faults
        assert f"`{name}`" in fault.message and "`embeddings`" in fault.message
        taken_out = put(data, "options.api.overhead", {name: 0})
        check(build, taken_out, "api", VOLUMES, lambda v: {CORPUS: F(80), QUERY: queries(v, F(2, 100))})
        own = put(scenario({"price": "$0.02/1M tokens"}), "options.api.overhead", {name: "40%"})
        with pytest.raises(Faults, match=name):
            build(own).price(Exact())

    def test_a_lump_alone_covers_them(self, build: Build) -> None:
        data = scenario(None, overhead={"lump": "40%"})
        said = notes(build, data)
        assert "api: its embeddings are within the overhead `lump`" in map(str, said.assumptions)
        assert not any(UNKNOWN in str(w) for w in said.warnings)

    def test_a_model_that_is_switched_off(self, build: Build) -> None:
        rich = {**FROZEN["models"]["rich"], "retires": "2026-12-31"}
        catalogue = {**FROZEN, "models": {"rich": rich}}
        said = notes(lambda data: build(data, catalogue), scenario({"model": "frozen/rich"}))
        assert any("frozen/rich will be switched off on 2026-12-31" in str(w) for w in said.warnings)

    @pytest.mark.parametrize(
        ("by", "says"),
        [
            ({}, "one of `model`"),
            ({"model": "frozen/rich", "price": "$1/1M tokens"}, "not model and price"),
            ({"price": "$1/1M tokens", "batch": True}, "`batch_price`"),
            ({"model": "frozen/rich", "batch_price": "$1/1M tokens"}, "`price` beside `batch_price`"),
            ({"price": "$1/request"}, "1M tokens"),
            ({"model": "frozen/rihc"}, "rich"),
            ({"model": "frozen/plain", "batch": True}, "no `batch` price is known for frozen/plain"),
        ],
    )
    def test_refused_options(self, build: Build, by: Data, says: str) -> None:
        with pytest.raises(Faults) as caught:
            build(scenario(by)).price(Exact())
        assert any(says in str(fault) for fault in caught.value.faults), caught.value.faults

    @pytest.mark.parametrize(
        ("work", "says"),
        [
            ({}, "query_tokens_per_request"),
            ({"chunks": 5, "tokens_per_chunk": 400}, "`deploys_per_month` beside `chunks`"),
            ({"deploys_per_month": 2}, "`chunks` and `tokens_per_chunk` beside"),
            ({"query_tokens_per_request": 3, "changed_share": "3%"}, "`chunks` beside `changed_share`"),
            ({**WORK, "chunks": 0}, "above 0"),
            ({**WORK, "changed_share": "130%"}, "share"),
        ],
    )
    def test_refused_workloads(self, build: Build, work: Data, says: str) -> None:
        with pytest.raises(Faults) as caught:
            build(scenario({"price": "$1/1M tokens"}, work))
        assert any(says in str(fault) for fault in caught.value.faults), caught.value.faults


class TestTheFieldReport:
    """Document 002: an API is fine under 500k chunks; above 5M, self-host or batch; each deploy pays again."""

    def monthly(self, build: Build, by: Data, **work: Any) -> Fraction:
        data = scenario(by, {**WORK, **work})
        found = amounts(build(data).price(Exact())["api"], at([F(20_000_000)]))
        return sum((x for k, x in found.items() if k != QUERY), F(0))

    def test_every_deploy_pays_again(self, build: Build) -> None:
        by = {"price": "$0.02/1M tokens"}
        once, twice = (self.monthly(build, by, deploys_per_month=k) for k in (1, 2))
        assert twice == 2 * once == F(5_000_000) * 400 * 2 * F(2, 100) / 10**6

    def test_where_a_machine_of_ones_own_begins_to_pay(self, build: Build) -> None:
        """A machine at $300 a month (the least of the report's range for one small GPU) against $0.06 per 1M tokens
        and a deploy a week: dearer at 500k chunks, cheaper at 10M."""
        api, machine = {"price": "$0.06/1M tokens"}, {"all_in": "$300/month"}
        few = {"chunks": "500k", "deploys_per_month": 4}
        many = {"chunks": "10M", "deploys_per_month": 4}
        assert self.monthly(build, api, **few) == F(500_000) * 400 * 4 * F(6, 100) / 10**6 < 300
        assert self.monthly(build, api, **many) == F(10_000_000) * 400 * 4 * F(6, 100) / 10**6 > 300
        assert self.monthly(build, machine, **few) == self.monthly(build, machine, **many) == 300

    def test_a_shipped_model(self) -> None:
        text = """
as_of: 2026-11-21
workload: {volume: 20M tokens/day, input_tokens: 900, output_tokens: 100,
           embeddings: {chunks: 5M, tokens_per_chunk: 400, deploys_per_month: 2, query_tokens_per_request: 30}}
options: {api: {kind: api, price: {blended: $1/1M tokens}, embeddings: {model: voyage/voyage-4-lite}}}
"""
        found = amounts(build_case(load_text(text, "s.yaml")).price(Exact())["api"], at([F(20_000_000)]))
        assert found == {CORPUS: corpus(F(2, 100)), QUERY: queries(F(20_000_000), F(2, 100))}
