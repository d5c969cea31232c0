"""Look-up of catalogue entries: only what is needed is read, dated rows, and nothing falls back in silence."""

from __future__ import annotations

import shutil
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from tco.analysis.case import Case, build_case
from tco.analysis.compare import compare
from tco.catalog.store import LookupFault, Store
from tco.document import Faults, load_text
from tco.lineitem import Exact

FIXTURES = Path(__file__).parent / "fixtures" / "prices"


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    shutil.copytree(FIXTURES, tmp_path / "prices")
    return tmp_path


def case(folder: Path, options: str, head: str = "as_of: 2026-11-21", tokens: int = 1000) -> Case:
    text = f"""
{head}
catalogs: [prices]
workload: {{volume: 1000 requests/day, input_tokens: {tokens}, output_tokens: 100}}
options:
  a: {options}
"""
    return build_case(load_text(text, str(folder / "s.yaml")), today=date(2026, 11, 21))


def faults(folder: Path, options: str, **changes: object) -> str:
    with pytest.raises(Faults) as caught:
        compare(case(folder, options, **changes))  # type: ignore[arg-type]
    return caught.value.render()


def test_only_the_files_a_scenario_needs_are_read(prices: Path) -> None:
    (prices / "prices" / "broken.yaml").write_text("models: [no, not: this\n")
    c = compare(case(prices, "{kind: api, model: acme/small}"))
    assert [Path(file).name for file in c.inputs] == ["acme.yaml", "s.yaml"]


@pytest.mark.parametrize(("as_of", "price"), [("2026-01-01", "1.00"), ("2026-05-31", "1.00"), ("2026-06-01", "0.80")])
def test_the_row_of_the_date_holds(prices: Path, as_of: str, price: str) -> None:
    (part,) = case(prices, "{kind: api, model: acme/small}", f"as_of: {as_of}").price(Exact())["a"].parts
    assert part.bill.lines[0].rate == Fraction(price)


def test_before_the_first_row_there_is_no_price(prices: Path) -> None:
    message = faults(prices, "{kind: api, model: acme/small}", head="as_of: 2025-12-31")
    assert "no price of `acme/small` as of 2025-12-31" in " ".join(message.split())
    assert "2026-01-01" in message


@pytest.mark.parametrize(
    ("option", "blamed", "said"),
    [
        ("{kind: api, model: acme/smal}", "acme/smal}", "did you mean `acme/small`?"),
        ("{kind: api, model: acne/small}", "acne/", "did you mean `acme/small`?"),
        ("{kind: api, model: acme/small, tier: flex}", "flex", "one of standard, batch"),
        ("{kind: self_hosted, gpu: acme/big.8x, region: nort, replicas: 1}", "nort,", "did you mean `north`?"),
        ("{kind: self_hosted, gpu: acme/big.8x, term: commit_1y, replicas: 1}", "commit_1y", "one of on_demand, spot"),
        ("{kind: self_hosted, gpu: acme/big.8x, region: south, term: spot, replicas: 1}", "spot", "one of on_demand"),
        ("{kind: self_hosted, gpu: acme/big.8x, capacity: seven-b/g80, replicas: 1}", "seven-b/", "`seven-b/g80-max`?"),
        ("{kind: api, model: acme/small, people: {fte: 1, role: staff/enginer}}", "staff/", "`staff/engineer`?"),
        ("{kind: api, price: {blended: 1 XYZ/1M tokens}}", "1 XYZ", "no exchange rate for `XYZ`"),
    ],
)
def test_an_unknown_name_is_an_error_with_the_nearest(prices: Path, option: str, blamed: str, said: str) -> None:
    message = faults(prices, option)
    assert f"s.yaml:6:{len('  a: ') + option.index(blamed) + 1}:" in message
    assert said in message


def test_a_tier_without_a_long_context_price_is_no_licence_to_bill_the_short_one(prices: Path) -> None:
    compare(case(prices, "{kind: api, model: acme/small, batch_share: 50%}", tokens=8000))
    message = faults(prices, "{kind: api, model: acme/small, batch_share: 50%}", tokens=8001)
    assert "no long-context price is known in the `batch` tier for 8,001 input tokens" in message


def test_a_folder_of_ones_own_comes_first(prices: Path) -> None:
    own = (prices / "prices" / "acme.yaml").read_text()
    (prices / "prices" / "anthropic.yaml").write_text(own)
    (part,) = case(prices, "{kind: api, model: anthropic/small}").price(Exact())["a"].parts
    assert part.bill.lines[0].rate == Fraction("0.80")
    compare(case(prices, "{kind: api, model: anthropic/claude-haiku-4.5}"))  # the shipped file is still looked into


def test_an_old_figure_is_warned_about_and_a_fresh_one_is_not(prices: Path) -> None:
    spot = "{kind: self_hosted, gpu: acme/big.8x, term: spot, replicas: 1}"
    assert any("173 days ago" in w.text for w in compare(case(prices, spot)).warnings)
    fresh = "{kind: self_hosted, gpu: acme/big.8x, region: north, replicas: 1}"
    assert not any("days ago" in w.text for w in compare(case(prices, fresh)).warnings)


def test_the_store_names_what_there_is() -> None:
    store = Store([FIXTURES], date(2026, 11, 21))
    with pytest.raises(LookupFault, match="no catalogue file `nobody.yaml`") as caught:
        store.find("models", "nobody/large")
    assert "acme" in caught.value.expected
    assert store.find("models", "acme/small") is store.find("models", "acme/small")


BROWSE = FIXTURES.parent / "browse"


def test_what_owning_costs_is_found_by_name() -> None:
    store = Store([BROWSE], date(2026, 11, 21))
    box = store.find("hardware", "zenith/box-8x")
    index, row = store.row(box, box.spec.prices, "")
    assert (index, row.price, row.price.low, row.price.high) == (0, 250_000, 200_000, 400_000)
    watts = box.figure("power", box.spec.system_watts.value, "W", box.spec.system_watts, "system_watts", "value")
    assert watts.value == 9000
    assert (watts.home.kind, watts.home.checked) == ("specification", "2026-11-01")
    assert watts.home.where.endswith("zenith.yaml:89")
    assert store.find("pue", "zenith/hall").spec.pue.low == Fraction("1.1")
    assert store.find("open_weights", "zenith/moon-70b").spec.weights_gb.of("fp8") == Fraction("70.6")
    assert store.find("open_weights", "zenith/moon-70b").spec.weights_gb.of("int4") is None
    assert store.find("colocation", "zenith/cage").currency == "EUR"


def test_hardware_without_a_price_says_so() -> None:
    store = Store([BROWSE], date(2026, 11, 21))
    card = store.find("hardware", "zenith/card")
    with pytest.raises(LookupFault, match="no price of `zenith/card` is known"):
        store.row(card, card.spec.prices, "")


@pytest.mark.parametrize(
    ("section", "entry", "said"),
    [
        ("pue", "{name: hall, pue: 0.9, PAPER}", "a `pue` of 1 or more"),
        ("pue", "{name: hall, pue: {low: 0.9, high: 1.2}, PAPER}", "a `pue` of 1 or more"),
        (
            "colocation",
            "{name: cage, includes_power: false, prices: [{PAPER}]}",
            "`per_kw_month` or `per_server_month`",
        ),
        (
            "colocation",
            "{name: cage, includes_power: false, prices: [{PAPER, per_kw_month: 1, per_server_month: 2}]}",
            "one of `per_kw_month` or `per_server_month`",
        ),
        ("hardware", "{name: box, gpu: G, gpus: 1, gpu_watts: {value: 0, PAPER}}", "a number above 0"),
        ("hardware", "{name: box, gpu: G, gpus: 1, gpu_wats: {value: 7, PAPER}}", "did you mean `gpu_watts`?"),
        ("hardware", "{name: box, gpu: G, gpus: 1, residual: {value: 30%, PAPER}}", "after_months"),
        ("electricity", "{name: grid, prices: []}", "prices"),
        ("open_weights", "{name: M, parameters_b: 7, licence: MIT, PAPER}", "weights_gb"),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path: Path, section: str, entry: str, said: str) -> None:
    paper = "as_of: 2026-01-01, kind: quote, source: a street, checked: 2026-11-01"
    (tmp_path / "own.yaml").write_text(f"{section}:\n  x: {entry.replace('PAPER', paper)}\n")
    with pytest.raises(Faults) as caught:
        Store([tmp_path], date(2026, 11, 21)).find(section, "own/x")
    assert said in caught.value.render()
    assert "own.yaml:2:" in caught.value.render()
