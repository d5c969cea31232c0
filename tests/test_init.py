"""`tco init`: what it writes runs, says what nobody stated, and never replaces anything."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tco.analysis import starter
from tco.analysis.case import read_case
from tco.analysis.check import check_file
from tco.analysis.compare import Comparison, compare
from tco.analysis.starter import Answers
from tco.report.schema import schema_text
from tco.scenario.requirements import DATA_LEVELS
from tco.units import UnitError

ROOT = Path(__file__).parent.parent
TODAY = date(2026, 11, 21)
ENV = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", "_TYPER_FORCE_DISABLE_TERMINAL": "1"}
SCHEMA = json.loads(schema_text("scenario"))


def tco(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-W", "error", "-m", "tco", *shlex.split(command)]
    return subprocess.run(
        words, cwd=cwd, env=ENV, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60
    )


def catalogue(name: str) -> Any:
    return yaml.load((ROOT / "pricing" / f"{name}.yaml").read_text(), Loader=yaml.BaseLoader)


def price(model: str) -> tuple[Fraction, Fraction]:
    """The list price per 1M input and output tokens that holds, read without the tool."""
    stem, entry = model.split("/")
    rows = [r for r in catalogue(stem)["models"][entry]["prices"] if r["as_of"] <= TODAY.isoformat()]
    row = max(rows, key=lambda r: str(r["as_of"]))
    return Fraction(row["input_per_mtok"]), Fraction(row["output_per_mtok"])


def compared(text: str, folder: Path) -> Comparison:
    path = folder / "mine.yaml"
    path.write_text(text)
    faults, what = check_file(str(path))
    assert faults is None, faults
    assert what == "scenario"
    jsonschema.validate(yaml.load(text, Loader=yaml.SafeLoader), SCHEMA)
    return compare(read_case(str(path), today=TODAY), draws=0)


def test_a_quote_for_a_gpu(tmp_path: Path) -> None:
    done = tco(
        "init quote.yaml --model anthropic/claude-haiku-4.5 --volume '2M requests/month' --gpu-price '$2.10/hour'",
        tmp_path,
    )
    assert (done.returncode, done.stdout) == (0, "")
    beside = ", and scenario.schema.json beside it for editors"
    assert done.stderr.endswith(f"wrote quote.yaml{beside}: now `tco compare quote.yaml`\n")
    assert len((tmp_path / "quote.yaml").read_text().splitlines()) <= 18
    assert tco("validate quote.yaml", tmp_path).returncode == 0
    found = json.loads(tco("compare quote.yaml --json", tmp_path).stdout)
    cost = {o["name"]: Fraction(o["cost_per_month"]) for o in found["options"]}
    assert cost["claude-haiku-4.5"] == 2 * (1200 * 1 + 300 * 5)
    gpus = next(o for o in found["options"] if o["name"] == "own-gpus")
    (fleet,) = gpus["fleets"]
    (paid,) = [line for line in gpus["lines"] if line["category"] == "gpu"]
    assert Fraction(paid["amount"]) == fleet["replicas_at_peak"] * 2 * 730 * Fraction("2.10")
    assert found["recommendation"]["option"] == min(cost, key=lambda name: cost[name])
    assert next(o for o in found["options"] if o["name"] == "own-gpus")["saving_against_current"] is not None


def test_an_invoice(tmp_path: Path) -> None:
    done = tco("init invoice.yaml --model anthropic/claude-haiku-4.5 --invoice '$4,300'", tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "invoice.yaml").read_text()
    requests = round(Fraction(4300) / ((1200 * 1 + 300 * 5) / Fraction(10**6)))
    assert f"volume: {requests:,} requests/month   # from the invoice" in text
    assert f"the volume is what $4,300.00 buys at list prices of {date.today()}" in text
    assert "the traffic is 1200 input and 300 output tokens a request" in text
    assert "nobody stated a model" not in text
    found = json.loads(tco("compare invoice.yaml --json", tmp_path).stdout)
    paid = next(o for o in found["options"] if o["name"] == "claude-haiku-4.5")["cost_per_month"]
    assert Fraction(paid) == 4300


def test_a_rule_about_data(tmp_path: Path) -> None:
    command = "init rule.yaml --model anthropic/claude-haiku-4.5 --volume '2M requests/month' --data vpc"
    assert tco(command, tmp_path).returncode == 0
    c = compared((tmp_path / "rule.yaml").read_text(), tmp_path)
    assert {s.name: s.feasible for s in c.standings} == {
        "claude-haiku-4.5": False,
        "claude-haiku-4.5-zero-retention": False,
        "private-endpoint": True,
        "own-gpus": True,
    }
    assert c.recommendation.option in ("private-endpoint", "own-gpus")
    text = (tmp_path / "rule.yaml").read_text()
    assert "private-endpoint: {kind: api, model: aws/bedrock-claude-haiku-4.5, data: vpc}" in text
    assert "own-gpus runs another model than claude-haiku-4.5, and quality was not compared" in text


@pytest.mark.parametrize(
    ("model", "private"),
    [
        ("anthropic/claude-haiku-4.5", "aws/bedrock-claude-haiku-4.5"),
        ("groq/gpt-oss-120b", "aws/bedrock-gpt-oss-120b"),
        ("openai/gpt-5", "azure/gpt-5"),
        ("azure/gpt-5", "azure/gpt-5"),
        ("fireworks/llama-3.1-405b", None),  # Bedrock's was switched off
        ("openai/gpt-5-mini", None),
    ],
)
@pytest.mark.parametrize("level", ["vpc", "zero_retention"])
def test_the_same_model_at_a_private_provider_before_another(model: str, private: str | None, level: str) -> None:
    text = starter.starter(Answers((model,), data=level), TODAY).text
    assert f"private-endpoint: {{kind: api, model: {private or starter.PRIVATE_MODEL}, data: vpc}}" in text
    said = f"private-endpoint is {starter.PRIVATE_MODEL}, as the catalogue has no {model.split('/')[1]} at a private"
    assert (said in text) == (private is None)


def test_premises_hold_servers_that_are_owned(tmp_path: Path) -> None:
    text = starter.starter(Answers(data="on_premises"), TODAY).text
    scenario = yaml.safe_load(text)
    assert scenario["options"]["own-servers"]["owned"] == {
        "hardware": "hardware/h100-8x",
        "life_years": 3,
        "power": {"price": "us/industrial", "pue": "data-centres/average"},
    }
    assert "gpu" not in scenario["options"]["own-servers"]
    c = compared(text, tmp_path)
    assert c.recommendation.option == "own-servers"
    assert {"depreciation", "power"} <= set(c.standing("own-servers").ledger.categories)
    for rented in (Answers(gpu="nebius/h100"), Answers(gpu_price="$2/hour")):
        with pytest.raises(UnitError, match="rented: they do not stand on your premises"):
            starter.starter(rented._replace(data="on_premises"), TODAY)


def test_what_is_taken_for_granted_is_printed_with_the_results(tmp_path: Path) -> None:
    assert tco("init mine.yaml --data vpc --model openai/gpt-5-mini --invoice '$90'", tmp_path).returncode == 0
    said = yaml.safe_load((tmp_path / "mine.yaml").read_text())["assumptions"]
    assert len(said) == 6
    found = json.loads(tco("compare mine.yaml --json", tmp_path).stdout)
    assert [text for text in found["assumptions"] if text in said] == said


def test_an_invoice_that_contradicts_the_traffic(tmp_path: Path) -> None:
    command = "init {}.yaml --model anthropic/claude-haiku-4.5 --volume '2M requests/month' --invoice '${}'"
    low = tco(command.format("low", 4000), tmp_path)  # 2 x (1200 x $1 + 300 x $5) = $5,400
    said = "$5,400.00 a month at list prices, and not the invoice of $4,000.00"
    assert "the invoice was $4,000.00: if that is a discount, put `discount: 25.9%` on the option" in low.stderr
    text = (tmp_path / "low.yaml").read_text()
    assert f"the stated traffic is {said}" in text
    assert "discount" not in text
    high = tco(command.format("high", "5,941"), tmp_path)
    assert "check the traffic, or what else is on the invoice" in high.stderr
    for paid in ("4,860", "5,940"):  # exactly 10 % is no contradiction
        near = tco(command.format(f"near{paid[0]}", paid), tmp_path)
        assert "note:" not in near.stderr
        assert f"the invoice was ${paid}.00" in (tmp_path / f"near{paid[0]}.yaml").read_text()


def test_an_invoice_of_no_model_says_which_it_is_taken_for() -> None:
    text = starter.starter(Answers(invoice="$4,300"), TODAY).text
    assert f"the invoice is of {starter.MODELS[0]}, as nobody stated a model" in text


@pytest.mark.parametrize("answer", ["none", "no", "None"])
def test_no_gpus(answer: str, tmp_path: Path) -> None:
    text = starter.starter(Answers(gpu=answer), TODAY).text
    assert set(yaml.safe_load(text)["options"]) == {m.split("/")[1] for m in starter.MODELS}
    assert compared(text, tmp_path).recommendation.option is not None


def test_a_name_of_a_shell_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "scenario.schema.json").write_text("{}")
    done = tco("init 'my $first.yaml'", tmp_path)
    assert done.stderr.endswith("wrote my $first.yaml: now `tco compare 'my $first.yaml'`\n")


@pytest.mark.parametrize(
    ("level", "able"),
    [
        ("public", 3),
        ("dpa", 3),
        ("zero_retention", 3),
        ("vpc", 2),
        ("on_premises", 1),
    ],
)
def test_each_level_of_data(level: str, able: int, tmp_path: Path) -> None:
    c = compared(starter.starter(Answers(data=level), TODAY).text, tmp_path)
    assert sum(s.feasible for s in c.standings) == able
    assert not [s for s in c.standings if s.unknown]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    model=st.sampled_from(["anthropic/claude-haiku-4.5", "openai/gpt-5-mini", "groq/llama-3.3-70b"]),
    paid=st.integers(1, 10**9),
    sizes=st.tuples(st.integers(1, 50_000), st.integers(1, 5_000)),
    currency=st.sampled_from(["USD", "EUR", "INR"]),
)
def test_an_invoice_is_what_its_volume_costs(
    model: str, paid: int, sizes: tuple[int, int], currency: str, tmp_path: Path
) -> None:
    """Held against list prices read apart: the nearest whole number of requests, never another."""
    rates = catalogue("currencies")["exchange_rates"]
    usd = Fraction(1) if currency == "USD" else Fraction(rates[currency][0]["usd"])
    each = sum(Fraction(n) * p for n, p in zip(sizes, price(model), strict=True)) / 10**6
    amount = Fraction(paid, 100)
    answers = Answers((model,), None, f"{paid / 100:.2f} {currency}", str(sizes[0]), str(sizes[1]))
    expected = round(amount * usd / each)
    if expected < 1:
        with pytest.raises(UnitError, match="one request"):
            starter.starter(answers, TODAY)
        return
    text = starter.starter(answers, TODAY).text
    assert f"volume: {expected:,} requests/month" in text
    assert ("currency" in text) == (currency != "USD")
    case = read_case_text(text, tmp_path)
    assert abs(case.standings[0].ledger.exact - amount) <= each / usd / 2


def read_case_text(text: str, folder: Path) -> Comparison:
    path = folder / "mine.yaml"
    path.write_text(text)
    return compare(read_case(str(path), today=TODAY), draws=0)


def test_an_invoice_in_another_currency_than_the_results(tmp_path: Path) -> None:
    """4,300 euros in dollars at the catalogue's rate, over $0.0027 a request."""
    euro = Fraction(catalogue("currencies")["exchange_rates"]["EUR"][0]["usd"])
    stated = Answers(("anthropic/claude-haiku-4.5",), invoice="€4,300", currency="USD")
    text = starter.starter(stated, TODAY).text
    requests = round(4300 * euro / ((1200 * 1 + 300 * 5) / Fraction(10**6)))
    assert f"volume: {requests:,} requests/month " in text
    assert "the volume is what €4,300.00 buys" in text
    assert "currency" not in text
    assert abs(read_case_text(text, tmp_path).standings[0].ledger.exact - 4300 * euro) < Fraction(27, 20_000)


def test_totals_of_an_invoice_keep_their_split(tmp_path: Path) -> None:
    answers = Answers(
        ("anthropic/claude-haiku-4.5",), None, "$4,300", "1.9B tokens/month", "480M tokens/month", gpu_price="$2/hour"
    )
    text = starter.starter(answers, TODAY).text
    assert "$4,300.00 a month at list prices; the invoice was $4,300.00" in text  # 1900 x $1 + 480 x $5
    c = compared(text, tmp_path)
    assert c.tokens_per_month == 2_380_000_000
    assert abs(c.standings[0].ledger.exact - 4300) < Fraction(1, 100)
    both = starter.starter(answers._replace(volume="2M requests/month"), TODAY).text
    assert "input_tokens: 950 " in both
    assert "output_tokens: 240 " in both


def known(section: str) -> st.SearchStrategy[str]:
    names = {
        "models": ["anthropic/claude-haiku-4.5", "openai/gpt-5", "groq/llama-3.3-70b", "deepinfra/llama-3.3-70b"],
        "gpus": ["nebius/h100", "aws/p5.48xlarge", "runpod/h100-secure", "lambda/b200", "crusoe/h200"],
        "capacity": list(starter.CAPACITY.values()),
    }
    return st.sampled_from(names[section])


maybe: Callable[[st.SearchStrategy[str]], st.SearchStrategy[str | None]] = lambda s: st.none() | s  # noqa: E731
SIZES = st.sampled_from(["1", "1200", "1.5k", "950.5", "12,000", "0.5"])


@st.composite
def answers(draw: st.DrawFn) -> Answers:
    data = draw(maybe(st.sampled_from(["public", "dpa", "zero_retention", "vpc", "on_premises"])))
    gpu = None if data == "on_premises" else draw(st.sampled_from(["gpu", "gpu_price", None]))
    return Answers(
        models=tuple(draw(st.lists(known("models"), max_size=3))),
        volume=draw(maybe(st.sampled_from(["2M requests/month", "30M tokens/day", "5 queries/s", "1 request/hour"]))),
        invoice=draw(maybe(st.sampled_from(["$4,300", "€90/month", "12 lakh INR/month"]))),
        input_tokens=draw(maybe(SIZES)),
        output_tokens=draw(maybe(SIZES)),
        gpu=draw(known("gpus")) if gpu == "gpu" else None,
        gpu_price=draw(st.sampled_from(["$2.10/hour", "€1,400/month", "$2/GPU-hour"])) if gpu == "gpu_price" else None,
        capacity=draw(maybe(known("capacity"))),
        data=data,
        currency=draw(maybe(st.sampled_from(["USD", "EUR", "INR"]))),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stated=answers())
def test_whatever_is_answered_it_runs(stated: Answers, tmp_path: Path) -> None:
    made = starter.starter(stated, TODAY)
    c = compared(made.text, tmp_path)
    assert c.recommendation.option is not None
    assert made.text.splitlines()[0] == "# yaml-language-server: $schema=scenario.schema.json"
    lines = made.text.splitlines()
    marked = [line for line in lines[2:] if starter.ASSUMED in line]
    assert made.assumed == len(marked)
    for key, mark in (("input_tokens", stated.input_tokens), ("output_tokens", stated.output_tokens)):
        (line,) = [line for line in lines if line.startswith(f"  {key}:")]
        assert (starter.ASSUMED in line) == (mark is None)
        assert mark is None or mark in line
    (carried,) = [line for line in lines if line.startswith("    capacity:")]
    assert (starter.ASSUMED in carried) == (stated.capacity is None)
    (volume,) = [line for line in lines if line.startswith("  volume:")]
    assert (volume.endswith(f"# {starter.ASSUMED}")) == (stated.volume is None and stated.invoice is None)


def test_defaults_are_in_the_catalogues_and_alive() -> None:
    store = starter.shipped_store(TODAY)
    for model in (*starter.MODELS, starter.PRIVATE_MODEL):
        assert store.find("models", model).spec.retires is None
    gpu = store.find("gpus", starter.GPU).spec.gpu
    assert any(gpu.startswith(of) for of in starter.CAPACITY)
    for of, profile in starter.CAPACITY.items():
        found = store.find("capacity", profile).spec
        assert found.gpu.startswith(of)
        assert not found.objective.startswith(("none", "not stated"))
    for role in starter.ENGINEER.values():
        store.find("people", role)
    for price in starter.ELECTRICITY.values():
        store.find("electricity", price)
    for section, name in starter.EXAMPLES.items():
        starter.check({"models": "model", "gpus": "gpu"}.get(section, section), name, store)
    hardware = store.find("hardware", starter.HARDWARE).spec
    assert hardware.residual.after_months == 12 * int(starter.LIFE_YEARS)
    assert hardware.gpu == next(iter(starter.CAPACITY))


def test_a_level_of_data_is_said_in_five_words() -> None:
    assert tuple(starter.LEVELS) == DATA_LEVELS
    assert {len(words.split()) for words in starter.LEVELS.values()} == {5}


def test_the_page_names_the_defaults() -> None:
    page = (ROOT / "docs" / "commands" / "init.md").read_text()
    for default in (*starter.MODELS, starter.VOLUME, starter.INPUT_TOKENS, starter.OUTPUT_TOKENS, starter.GPU):
        assert default in page


def test_the_pages_commands_run(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "commands" / "init.md").read_text()
    commands = re.findall(r"^\$ tco ((?:init|compare) \w+\.yaml.*)$", page, re.MULTILINE)
    assert len(commands) == 6
    for command in commands:
        done = tco(command, tmp_path)
        assert done.returncode == 0, done.stderr


def test_nothing_is_replaced(tmp_path: Path) -> None:
    assert tco("init", tmp_path).returncode == 0
    before = (tmp_path / "scenario.yaml").read_bytes()
    again = tco("init", tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert "scenario.yaml exists already" in again.stderr
    assert (tmp_path / "scenario.yaml").read_bytes() == before
    assert (tmp_path / "scenario.schema.json").read_bytes() == (
        ROOT / "scenarios" / "scenario.schema.json"
    ).read_bytes()
    (tmp_path / "dangling.yaml").symlink_to("elsewhere.yaml")
    assert tco("init dangling.yaml", tmp_path).returncode == 2
    assert not (tmp_path / "elsewhere.yaml").exists()
    assert tco("init nowhere/mine.yaml", tmp_path).returncode == 2


WRONG = {
    "--model anthropic/claude-haiku4.5": "did you mean `anthropic/claude-haiku-4.5`?",
    "--model claude-haiku-4.5": "FILE/ENTRY",
    "--volume 2M": "rate without a unit",
    "--volume '0 requests/month'": "--volume: less than one token a day",
    "--model haiku": "did you mean `anthropic/claude-haiku-5.5` or `anthropic/claude-haiku-4.5`",
    "--model zzzzzz": "such as anthropic/claude-haiku-4.5",
    "--model anthropic/claude-haiku-3.5": "switched off on 2026-02-19: expected a model that is still served, such as",
    "--model together/llama-3.3-70b": "such as deepinfra/llama-3.3-70b, fireworks/llama-3.3-70b, groq/llama-3.3-70b",
    "--model voyage/voyage-4": "--model: request: no price for output tokens",
    "--gpu H100": "did you mean `nebius/h100`",
    "--gpu h100": "did you mean `nebius/h100`",
    "--gpu zzzzzz": "such as nebius/h100",
    "--capacity zzzzzz": "such as gpt-oss-120b/h100-2x-vllm-fp4",
    "--gpu none --capacity gpt-oss-120b/h100-2x-vllm-fp4": "nothing to carry load",
    "--gpu none --data on_premises": "nothing runs on your premises",
    "--gpu nebius/h100 --data on_premises": "rented: they do not stand on your premises",
    "--gpu-price '$2/hour' --data on_premises": "rented: they do not stand on your premises",
    "--invoice 4300": "did you mean `$4300`?",
    "--invoice '$0.0001'": "one request",
    "--gpu-price '$2.10'": "money without what it is per",
    "--gpu-price '£2.10/hour'": "no exchange rate for `GBP`",
    "--gpu nebius/h1000": "did you mean `nebius/h100`?",
    "--gpu aws/g5.xlarge": "--capacity NAME",
    "--gpu nebius/h100 --gpu-price '$2/hour'": "one of `--gpu`",
    "--capacity llama-3.3-70b/h100": "did you mean",
    "--data zero-retention": "did you mean `zero_retention`?",
    "--currency eur": "a currency code",
    "--input-tokens many": "a number",
    "--input-tokens 0 --output-tokens 0": "`--input-tokens` or `--output-tokens` above 0",
    "--input-tokens '1B tokens/month'": "both a month",
    "--input-tokens '1B tokens/day' --output-tokens 5": "tokens of a request",
    "--input-tokens '1B tokens/month' --output-tokens '1B tokens/month' --volume '1M tokens/day'": "requests/month",
    "--volume '1M requests/month\n# x'": "one line",
}


@pytest.mark.parametrize("flags", WRONG)
def test_wrong_answers_write_nothing(flags: str, tmp_path: Path) -> None:
    done = tco(f"init mine.yaml {flags}", tmp_path)
    assert done.returncode == 2
    assert WRONG[flags] in done.stderr
    assert "Traceback" not in done.stderr
    assert not re.search(r"scenario\.yaml|mine\.yaml|tco init. would|:\d+:\d+:", done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_messages_are_those_of_a_scenario(tmp_path: Path) -> None:
    """What a flag refuses is said in the words that the same value has in a file."""
    done = tco("init mine.yaml --volume 2M", tmp_path)
    (tmp_path / "bad.yaml").write_text("workload: {volume: 2M, output_tokens: 5}\noptions: {}\n")
    in_file = tco("validate bad.yaml", tmp_path).stderr
    for words in ("rate without a unit", "a rate such as 33.3M tokens/day or 100k requests/month"):
        assert words in done.stderr
        assert words in in_file


class Terminal:
    """A run of `tco init` in a terminal."""

    def __init__(self, cwd: Path, *flags: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell that runs the tests aside has it ignored
            os.execve(sys.executable, [sys.executable, "-m", "tco", "init", *flags], ENV)
        self.seen = ""

    def until(self, text: str) -> None:
        """Read until a text has been printed since the last answer."""
        deadline = time.monotonic() + 40
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    self.seen += os.read(self.fd, 4096).decode()
                except OSError:
                    break
        assert text in self.seen

    def answer(self, prompt: str, text: str) -> None:
        self.until(prompt)
        self.seen = ""
        os.write(self.fd, text.encode())

    def end(self) -> int:
        deadline = time.monotonic() + 40
        while True:
            if not select.select([self.fd], [], [], max(deadline - time.monotonic(), 0))[0]:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"it waits for more: {self.seen}")
            try:
                more = os.read(self.fd, 4096)
            except OSError:
                break
            if not more:
                break
            self.seen += more.decode()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


PROMPTS = ("APIs", "Traffic", "Input tokens", "Output tokens", "Where data may go", "A GPU")


def test_six_questions_and_enter_takes_the_default(tmp_path: Path) -> None:
    run = Terminal(tmp_path)
    for prompt in PROMPTS:
        run.answer(prompt, "\n")
    assert run.end() == 0
    (tmp_path / "other").mkdir()
    assert tco("init", tmp_path / "other").returncode == 0
    assert (tmp_path / "scenario.yaml").read_bytes() == (tmp_path / "other" / "scenario.yaml").read_bytes()


def test_on_premises_no_gpu_is_asked_for(tmp_path: Path) -> None:
    run = Terminal(tmp_path, "--model", "anthropic/claude-haiku-4.5", "--volume", "2M requests/month")
    run.answer("Input tokens", "\n")
    run.answer("Output tokens", "\n")
    run.until("the provider keeps no copy")
    run.answer("Where data may go", "on_premises\n")
    assert run.end() == 0
    assert "hardware: hardware/h100-8x" in (tmp_path / "scenario.yaml").read_text()


def test_a_wrong_answer_is_asked_again(tmp_path: Path) -> None:
    run = Terminal(tmp_path, "--model", "anthropic/claude-haiku-4.5", "--data", "public")
    run.answer("Traffic", "4300\n")
    run.until("rate without a unit")
    run.answer("Traffic, or", "$4,300\n")
    run.answer("Input tokens", "minus one\n")
    run.until("expected a number of 0 or more")
    run.answer("Input tokens", "1800\n")
    run.answer("Output tokens", "250\n")
    run.answer("A GPU", "$2.10\n")
    run.until("money without what it is per")
    run.answer("A GPU", "$2.10/hour\n")
    assert run.end() == 0
    text = (tmp_path / "scenario.yaml").read_text()
    requests = round(4300 / ((1800 * 1 + 250 * 5) / Fraction(10**6)))
    assert f"volume: {requests:,} requests/month" in text
    assert "gpu_price: $2.10/hour\n" in text


def test_answers_that_do_not_go_together_are_asked_again(tmp_path: Path) -> None:
    run = Terminal(tmp_path, "--model", "anthropic/claude-haiku-4.5", "--data", "public")
    run.answer("Traffic", "\n")
    run.answer("Input tokens", "1.9B tokens/month\n")
    run.answer("Output tokens", "\n")
    run.until("both a month, or both of a request")
    run.answer("Output tokens", "480M tokens/month\n")
    run.answer("A GPU", "aws/g5.xlarge\n")
    run.until("no profile to assume for A10G")
    run.answer("A GPU", "\n")
    assert run.end() == 0
    assert "volume: 2,380,000,000 tokens/month\n" in (tmp_path / "scenario.yaml").read_text()


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    run = Terminal(tmp_path)
    run.answer("APIs", "\n")
    run.until("Traffic")
    os.write(run.fd, b"\x03")
    assert run.end() in (130, -signal.SIGINT)
    assert "nothing was written" in run.seen
    assert list(tmp_path.iterdir()) == []


def test_yes_asks_nothing(tmp_path: Path) -> None:
    run = Terminal(tmp_path, "--yes")
    assert run.end() == 0
    assert "APIs" not in run.seen
    assert (tmp_path / "scenario.yaml").exists()
