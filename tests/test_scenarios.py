"""The figures of the field reports come out of the shipped scenarios."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from tco.analysis.case import Case, build_case, document_of
from tco.analysis.compare import Comparison, compare
from tco.scenario.variant import with_variant

DAYS = Fraction(365, 12)


def case(name: str, variant: str | None = None, volume: str | None = None) -> Case:
    document = document_of(name)
    if variant:
        document = with_variant(document, variant)
    if volume:
        document.data["workload"]["volume"] = volume
    return build_case(document, variant)


def result(name: str, variant: str | None = None, volume: str | None = None) -> Comparison:
    return compare(case(name, variant, volume))


def cost(c: Comparison, option: str) -> Decimal:
    return c.standing(option).ledger.total


def crossing(c: Comparison, below: str, above: str) -> float:
    (found,) = [x for p in c.pairs for x in p.crossings if (x.below, x.above) == (below, above)]
    return found.volume


class TestBreakEvenSketch:
    @pytest.mark.parametrize(
        ("volume", "api", "verdict"),
        [
            ("500k tokens/day", "120.00", "api"),
            ("5M tokens/day", "1200.00", "api"),
            ("20M tokens/day", "4800.00", "api"),
            ("50M tokens/day", "12000.00", "self-hosted"),
            ("200M tokens/day", "48000.00", "self-hosted"),
        ],
    )
    def test_five_rows(self, volume: str, api: str, verdict: str) -> None:
        c = result("break-even-sketch", volume=volume)
        assert cost(c, "api") == Decimal(api)
        assert cost(c, "self-hosted") == Decimal("8000.00")
        assert c.recommendation.option == verdict

    def test_crossover_at_a_third_of_100m(self) -> None:
        assert crossing(result("break-even-sketch"), "api", "self-hosted") == float(Fraction(8000, 30) / 8 * 10**6)

    def test_months_of_365_12_days_would_move_it(self) -> None:
        document = document_of("break-even-sketch")
        del document.data["traffic_days_per_month"]
        assert crossing(compare(build_case(document)), "api", "self-hosted") == float(8000 / DAYS / 8 * 10**6)

    @pytest.mark.parametrize(("variant", "lump"), [("overhead-30", "1.3"), ("overhead-50", "1.5")])
    def test_overhead_is_billed_beside_what_is_served(self, variant: str, lump: str) -> None:
        c = result("break-even-sketch", variant)
        assert cost(c, "api") == Decimal("4800.00") * Decimal(lump)
        assert crossing(c, "api", "self-hosted") == float(Fraction(8000, 30) / 8 * 10**6 / Fraction(lump))

    @pytest.mark.parametrize(
        ("variant", "people_a_year_usd"),
        [
            ("us-people-low", Fraction(40_000)),
            ("us-people-high", Fraction(80_000)),
            ("india-people-low", 400_000 * Fraction("0.010338")),
            ("india-people-high", 800_000 * Fraction("0.010338")),
        ],
    )
    def test_people_replace_the_people_in_it(self, variant: str, people_a_year_usd: Fraction) -> None:
        all_in = Fraction(8000) - Fraction(40_000, 12)
        expected = all_in + people_a_year_usd / 12
        assert abs(Fraction(cost(result("break-even-sketch", variant), "self-hosted")) - expected) <= Fraction(1, 100)


class TestDocumentPipeline:
    def test_a_call_and_a_month(self) -> None:
        c = result("document-pipeline")
        per_call = Fraction(500 * 80, 100 * 10**6) + Fraction(200 * 4, 10**6)
        assert c.standing("haiku").per_request == per_call == Fraction("0.0012")
        assert cost(c, "haiku") == Decimal("120.00")

    def test_two_a100s(self) -> None:
        gpus = result("document-pipeline").standing("own-gpus").ledger.categories["gpu"]
        assert gpus == Decimal("1606.00") == 2 * 730 * Decimal("1.10")

    @pytest.mark.parametrize(
        ("variant", "fte", "spend"), [(None, "0.2", "4106.00"), ("half-an-engineer", "0.5", "7856.00")]
    )
    def test_computed_crossover(self, variant: str | None, fte: str, spend: str) -> None:
        c = result("document-pipeline", variant)
        (found,) = [x for p in c.pairs for x in p.crossings if (x.below, x.above) == ("haiku", "own-gpus")]
        assert found.equivalent == Decimal(spend) == Decimal("1606.00") + Decimal(150_000) * Decimal(fte) / 12
        assert found.equivalent_api == "haiku"
        assert found.volume == float(Fraction(spend) / Fraction("0.0012") * 700 / DAYS)

    def test_stated_multiples_are_not_the_computed_ones(self) -> None:
        c = result("document-pipeline")
        assert cost(c, "sonnet") / cost(c, "haiku") == Decimal("3.75")
        assert round(cost(c, "gpt-4o") / cost(c, "haiku"), 2) == Decimal("2.71")

    @pytest.mark.parametrize(("variant", "cut"), [("hybrid-60", "0.6"), (None, "0.65"), ("hybrid-70", "0.7")])
    def test_hybrid_cuts_the_bill(self, variant: str | None, cut: str) -> None:
        savings = result("document-pipeline", variant).standing("hybrid").savings
        assert savings is not None
        assert savings.against == "haiku"
        assert savings.api_bill == Fraction(cut)
        assert savings.total < 0, "the bill is cut, the whole cost is not: the GPUs and people stand beside it"


class TestCrossover70b:
    def test_gpus_a_day(self) -> None:
        for variant, per_day in ((None, 72), ("a100-high", 96)):  # stated: $70-95
            monthly = Fraction(cost(result("crossover-70b", variant), "two-a100"))
            assert monthly / Fraction(730, 24) == per_day

    @pytest.mark.parametrize(
        ("variant", "option", "per_request", "inside"),
        [
            (None, "mid", Fraction(750 * 2 + 250 * 8, 10**6), True),
            ("api-high", "mid", Fraction(750 * 5 + 250 * 20, 10**6), True),
            (None, "frontier", Fraction(750 * 10 + 250 * 30, 10**6), False),
            (None, "fast", Fraction(750 * 40 + 250 * 160, 100 * 10**6), False),
        ],
    )
    def test_crossover_in_queries_a_day(
        self, variant: str | None, option: str, per_request: Fraction, inside: bool
    ) -> None:
        queries = crossing(result("crossover-70b", variant), option, "two-a100") / 1000
        assert queries == pytest.approx(float(72 / per_request), rel=1e-12)
        assert (5_000 <= queries <= 50_000) is inside

    @pytest.mark.parametrize(("variant", "cut"), [("hybrid-60", "0.6"), (None, "0.7"), ("hybrid-80", "0.8")])
    def test_hybrid_cuts_the_bill(self, variant: str | None, cut: str) -> None:
        savings = result("crossover-70b", variant).standing("hybrid").savings
        assert savings is not None
        assert savings.api_bill == Fraction(cut)
        assert savings.total < savings.api_bill

    def test_a_growing_fleet_crosses_more_than_once(self) -> None:
        (pair,) = [p for p in result("crossover-70b", "paper-capacity").pairs if (p.a, p.b) == ("fast", "two-a100")]
        assert len(pair.crossings) == 7
        # the fleet steps at multiples of 380 output tokens/s = 131.328M tokens/day of this mix
        steps = [x.volume for x in pair.crossings if x.kind == "step"]
        assert steps == [380 * 86400 * 4.0 * k for k in (1, 2, 3)]


class TestTcoMatrix:
    @pytest.mark.parametrize(
        ("variant", "option", "expected"),
        [
            (None, "fast", 300 * (Fraction("0.75") * Fraction("0.10") + Fraction("0.25") * Fraction("0.40"))),
            ("high", "fast", 300 * (Fraction("0.75") * Fraction("0.40") + Fraction("0.25") * Fraction("1.60"))),
            (None, "mid", 300 * (Fraction("0.75") * 2 + Fraction("0.25") * 8)),
            ("high", "mid", 300 * (Fraction("0.75") * 5 + Fraction("0.25") * 20)),
            (None, "frontier", 300 * (Fraction("0.75") * 10 + Fraction("0.25") * 30)),
            ("high", "frontier", 300 * (Fraction("0.75") * 25 + Fraction("0.25") * 75)),
            (None, "l4", Fraction(300)),
            ("high", "l4", Fraction(800)),
            (None, "a100", Fraction(1200)),
            ("high", "a100", Fraction(2500)),
            (None, "h100x2", Fraction(6000)),
            ("high", "h100x2", Fraction(14000)),
            ("kubernetes-20", "a100", 1200 * Fraction("1.2")),
            ("kubernetes-40", "h100x2", 6000 * Fraction("1.4")),
        ],
    )
    def test_cells(self, variant: str | None, option: str, expected: Fraction) -> None:
        assert Fraction(cost(result("tco-matrix", variant), option)) == expected
