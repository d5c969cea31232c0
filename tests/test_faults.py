"""Scenarios that read well and mean nothing, or something else: each an error at its place, or said aloud."""

from __future__ import annotations

import shutil
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from tco.analysis.case import build_case
from tco.analysis.compare import Comparison, compare
from tco.document import Faults, load_text

FIXTURES = Path(__file__).parent / "fixtures" / "prices"
HEAD = """
as_of: 2026-11-21
catalogs: [prices]
workload: {volume: 10k requests/day, input_tokens: 1000, output_tokens: 200}
options:
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(FIXTURES, tmp_path / "prices")
    return tmp_path


def run(folder: Path, options: str, head: str = HEAD) -> Comparison:
    text = head + "\n".join(f"  {line}" for line in options.strip().splitlines()) + "\n"
    return compare(build_case(load_text(text, str(folder / "s.yaml")), today=date(2026, 11, 21)))


def refused(folder: Path, options: str, head: str = HEAD) -> str:
    with pytest.raises(Faults) as caught:
        run(folder, options, head)
    return " ".join(caught.value.render().split())


OWN = "own: {kind: self_hosted, gpu_price: $2/hour, people: {fte: 1, cost: 9 USD/year}, "
API = "api: {kind: api, price: {blended: $1/1M tokens}}\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (OWN + "capacity: {requests_per_s: 2, input_tokens: 1000}}", "both `input_tokens` and `output_tokens`"),
        (OWN + "capacity: {requests_per_s: 2, input_tokens: 0, output_tokens: 0}}", "a mix with tokens"),
        (OWN + "capacity: {output_tokens_per_s: 9, input_tokens: 9, output_tokens: 0}}", "`output_tokens` above 0"),
        (OWN + "capacity: {requests_per_s: 9, input_tokens: 9, output_tokens: 0}}", "says nothing of request"),
        (OWN + "capacity: {requests_per_m: 9}}", "unknown key: `requests_per_m`"),
        (OWN + "gpus_per_replica: 0}", "a whole number from 1"),
        (OWN + "region: mars, replicas: 1}", "no `region` beside `gpu_price`"),
        (OWN + "replicas: 1, gpu: acme/big.8x}", "not gpu and gpu_price"),
        ("own: {kind: self_hosted, all_in: $8,000/month}", "a comma ends the value"),
        ("own: {kind: self_hosted, all_in: 80.000 USD/month}", "write `80,000` for thousands, `80` for a decimal"),
        (API + "mix: {kind: hybrid, routes: {api: 100%}, overhead: {retries: 9%}}", "unknown key: `overhead`"),
        (API + "mix: {kind: hybrid, routes: {api: 100%}, overflow: {api: api}}", "`api` is never full"),
        (API + "a: {kind: hybrid, routes: {b: 100%}}\nb: {kind: hybrid, routes: {a: 100%}}", "in a circle: a → b → a"),
    ],
)
def test_refused(folder: Path, options: str, said: str) -> None:
    assert said in refused(folder, options)


@pytest.mark.parametrize("name", ["own", "nobody"])
def test_equivalent_spend_is_stated_in_an_api(folder: Path, name: str) -> None:
    message = refused(folder, API + OWN + "replicas: 1}", HEAD.replace("options:", f"reference_api: {name}\noptions:"))
    assert "s.yaml:5:16:" in message
    assert "an option of kind api: api" in message


@pytest.mark.parametrize("currency", ["[USD]", "usd", "{a: 1}", "12"])
def test_a_catalogue_without_a_currency_is_faulted_where_it_is(folder: Path, currency: str) -> None:
    path = folder / "prices" / "acme.yaml"
    path.write_text(path.read_text().replace("currency: USD", f"currency: {currency}"))
    assert "acme.yaml:3:" in refused(folder, "a: {kind: api, model: acme/small}")


FLEET = "kind: self_hosted, gpu_price: $2/hour, capacity: {requests_per_s: 0.1}, replicas: {max: 1}"


def test_a_chain_of_overflows_is_refused_and_not_forgotten(folder: Path) -> None:
    chain = f"f1: {{{FLEET}}}\nf2: {{{FLEET}}}\n" + API
    chain += "mix: {kind: hybrid, routes: {f1: 100%}, overflow: {f1: f2, f2: api}}"
    assert "a fleet that itself overflows" in refused(folder, chain)
    circle = chain.replace("f2: api", "f2: f1")
    assert "in a circle: f1 → f2 → f1" in refused(folder, circle)


def test_an_endpoint_has_as_many_units_as_its_profile_has_gpus(folder: Path) -> None:
    path = folder / "prices" / "seven-b.yaml"
    path.write_text(path.read_text().replace("gpus_per_replica: 1", "gpus_per_replica: 2"))
    c = run(folder, "a: {kind: dedicated, endpoint: acme/hosted, capacity: seven-b/g80-max}")
    assert c.standing("a").ledger.total == 730 * 2 * 3


def test_hardware_that_does_not_fit_its_profile_is_said(folder: Path) -> None:
    path = folder / "prices" / "seven-b.yaml"
    path.write_text(
        path.read_text().replace("gpu: G80", "gpu: Z9").replace("gpus_per_replica: 1", "gpus_per_replica: 2")
    )
    own = "own: {kind: self_hosted, gpu: acme/big.8x, capacity: seven-b/g80-max, "
    warnings = [str(w) for w in run(folder, own + "region: north}").warnings]
    assert "own: seven-b/g80-max was found on Z9, and what is paid for is G80" in warnings
    assert "was found on 2 GPUs per replica, not on fewer" in refused(folder, own + "gpus_per_replica: 1}")


def test_what_nobody_stated_is_listed(folder: Path) -> None:
    said = [str(n) for n in run(folder, OWN + "capacity: {requests_per_s: 2}}").assumptions]
    assert any(n.startswith("defaults: ") and "billed hours a month 730" in n for n in said)
    assert any("taken to hold at this workload's" in n for n in said)


def test_a_retired_model_is_not_recommended_without_a_word(folder: Path) -> None:
    path = folder / "prices" / "acme.yaml"
    path.write_text(
        path.read_text().replace("    name: Acme Small\n", "    name: Acme Small\n    retires: 2026-01-31\n")
    )
    from tco.report.words import verdict

    said = verdict(run(folder, "a: {kind: api, model: acme/small}"))
    assert said.endswith("But acme/small was switched off on 2026-01-31.")


def test_the_headline_is_true_of_curves_that_cross_often(folder: Path) -> None:
    from tco.report.words import changes

    head = HEAD.replace("10k requests/day", "1k requests/day")
    fleet = "own: {kind: self_hosted, gpu_price: $1/hour, capacity: {requests_per_s: 0.25}}"
    c = run(folder, API + fleet, head)
    assert len(c.bands) > 3
    assert f"it changes {len(c.bands) - 1} times in all" in changes(c)


def test_a_fleet_of_working_hours_bills_working_hours(folder: Path) -> None:
    """8 hours on 21 days are 168 hours, not 8/24 of 730."""
    hours = ", ".join(["0"] * 9 + ["1"] * 8 + ["0"] * 7)
    head = HEAD.replace("output_tokens: 200}", f"output_tokens: 200, load: {{by_hour: [{hours}]}}}}")
    head = head.replace("options:", "traffic_days_per_month: 21\noptions:")
    c = run(folder, OWN + "capacity: {requests_per_s: 2}, billing: busy_hours}", head)
    (fleet,) = c.standing("own").ledger.fleets
    assert c.standing("own").ledger.categories["gpu"] == 8 * 21 * 2
    assert fleet.utilisation == Fraction(10_000, 8 * 3600 * 2)
