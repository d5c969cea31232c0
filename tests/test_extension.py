"""Adding things in one place: a price dimension is one row, a kind of option is one file. No source is edited."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CATALOGUE = """
currency: USD
models:
  seer:
    name: Seer
    prices:
      - {as_of: 2026-01-01, kind: list price, source: a page, checked: 2026-11-01,
         input_per_mtok: 1, output_per_mtok: 2, video_input_per_mtok: 7}
"""

WITH_METER = """
as_of: 2026-11-21
catalogs: [prices]
workload: {volume: 30k requests/month, input_tokens: 1000, output_tokens: 100, video_input_tokens: 400}
options:
  named: {kind: api, model: own/seer}
  stated: {kind: api, price: {input: $1/1M tokens, output: $2/1M tokens, video_input: $7/1M tokens}}
"""

ADD_METER = """
from tco.catalog import meters
meters.METERS.append(meters.Meter("video_input", "video input tokens", "input", "class"))
"""

KIND = '''
"""A flat fee for so many requests each: an invented kind."""
from typing import Literal
from tco.fields import MoneyOverTime, Positive
from tco.lineitem import Bill, LineItem
from tco.options.base import OptionSpec, class_figures, fixed_lines
from tco.quantity import Steps, linear

class Spec(OptionSpec):
    """Bundles of requests."""
    kind: Literal["bundles"]
    bundle: MoneyOverTime
    requests_per_bundle: Positive

def bill(spec, at, demand, context):
    requests = linear(0, *((1, demand.requests_per_month(c.name, context.n)) for c in class_figures(demand)))
    size = at.figure("requests_per_bundle", "requests")
    price = context.money(at, "bundle", spec.bundle, "bundle")
    bundles = Steps(requests, context.n(size))
    line = LineItem("bundles", "bundles", bundles, "bundles", context.n(price), (size, *price.base))
    return Bill((line, *fixed_lines(at, context)))
'''

WITH_KIND = """
as_of: 2026-11-21
workload: {volume: 100k requests/month, input_tokens: 1000}
options:
  api: {kind: api, price: {blended: $1/1M tokens}}
  packs: {kind: bundles, bundle: $25/month, requests_per_bundle: 30k}
"""


def run(tmp_path: Path, before: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = f"{before}\nimport sys\nsys.argv = ['tco', *{list(arguments)!r}]\nfrom tco.cli import main\nmain()\n"
    return subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)


def test_a_new_price_dimension_is_one_row(tmp_path: Path) -> None:
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "own.yaml").write_text(CATALOGUE)
    (tmp_path / "s.yaml").write_text(WITH_METER)

    done = run(tmp_path, ADD_METER, "compare", "s.yaml", "--json", "--csv", "out.csv", "--png", "out.png")
    assert done.returncode == 0, done.stderr
    expected = 30_000 * (600 * 1 + 400 * 7 + 100 * 2) / 1e6
    for option in json.loads(done.stdout)["options"]:
        lines = {line["label"]: line["amount"] for line in option["lines"]}
        assert lines == {"input tokens": "18.00", "video input tokens": "84.00", "output tokens": "6.00"}
        assert float(option["cost_per_month"]) == expected
    assert "video input tokens" in (tmp_path / "out.csv").read_text()

    for which, key in (("scenario", "video_input_tokens"), ("catalog", "video_input_per_mtok")):
        assert key in run(tmp_path, ADD_METER, "schema", which).stdout
    without = run(tmp_path, "", "compare", "s.yaml")
    assert without.returncode == 2
    assert "video_input_tokens" in without.stderr


def test_a_new_kind_of_option_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "bundles.py").write_text(KIND)
    (tmp_path / "s.yaml").write_text(WITH_KIND)
    add_kind = f"import tco.options.kinds\ntco.options.kinds.__path__.append({str(tmp_path / 'kinds')!r})"

    done = run(tmp_path, add_kind, "compare", "s.yaml", "--json", "--csv", "out.csv", "--png", "out.png")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["options"][1]["cost_per_month"] == "100.00"  # ceil(100k / 30k) = 4 bundles of $25
    assert len(content["crossovers"][0]["crossings"]) > 1
    assert "packs,bundles,line,,bundles,bundles,4" in (tmp_path / "out.csv").read_text()
    assert (tmp_path / "out.png").stat().st_size > 10_000

    schema = json.loads(run(tmp_path, add_kind, "schema", "scenario").stdout)
    assert "requests_per_bundle" in schema["$defs"]["option-bundles"]["properties"]
    assert "bundles" in run(tmp_path, add_kind, "explain", "s.yaml", "packs").stdout
    unknown = run(tmp_path, "", "compare", "s.yaml")
    assert unknown.returncode == 2
    assert "s.yaml:6:17" in unknown.stderr
