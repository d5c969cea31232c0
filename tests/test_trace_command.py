"""`tco trace`: what is printed, what is written, what is refused, and what never reaches a terminal or an output."""

from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tco.cli.app import app
from tco.document import load_text, validate
from tco.traffic.anonymize import text_of
from tco.traffic.request import Request
from tco.traffic.statistics import statistics
from tco.traffic.trace import open_trace
from tco.workload.model import Workload

TRACES = Path(__file__).parent / "fixtures" / "traces"
SAMPLES = sorted(path.name for path in TRACES.iterdir())


def run(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["trace", *map(str, arguments)], input=stdin, env={"COLUMNS": "100"})


def good(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    found = run(*arguments, stdin=stdin)
    assert found.exit_code == 0, found.output
    return found


def bad(*arguments: str | Path, stdin: bytes | None = None) -> str:
    found = run(*arguments, stdin=stdin)
    assert found.exit_code == 2, found.output
    assert found.stdout == ""
    return found.stderr


def requests(path: Path) -> list[Request]:
    return list(open_trace(path).requests())


def adds_up(rows: dict[str, Any]) -> None:
    assert rows["read"] == rows["kept"] + sum(rows["dropped"].values())


# -- inspect ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_inspected_in_every_form(name: str) -> None:
    assert "Tokens of a request" in good("inspect", TRACES / name).stdout
    assert "### Tokens of a request" in good("inspect", TRACES / name, "--md").stdout
    found = json.loads(good("inspect", TRACES / name, "--json").stdout)
    adds_up(found["rows"])
    assert found["digest"] == open_trace(TRACES / name).digest
    assert found["rows"]["kept"] == len(requests(TRACES / name))


def test_figures_in_a_terminal() -> None:
    text = good("inspect", TRACES / "mooncake.jsonl").stdout
    assert "milliseconds, as Mooncake JSONL documents" in text
    # of 3 + 3 + 2 + 3 blocks: 0 (512 tokens) is hit three times, 1 twice, the rest of the last prompt once
    served = 3 * 512 + 2 * 512 + (1100 - 1024)
    assert f"{served / (1100 + 1536 + 600 + 1100) * 100:.1f} %" in text
    assert "2 requests share theirs with another, up to 2 on one" in text
    assert "cached tokens when it was recorded" in text
    dropped = good("inspect", TRACES / "litellm.jsonl").stdout
    assert "dropped: answered by the response cache" in dropped
    assert "line 3: answered by the response cache" in dropped


def test_minutes_go_to_csv_and_json(tmp_path: Path) -> None:
    path = tmp_path / "minutes.csv"
    good("inspect", TRACES / "burstgpt_1.csv", "--csv", path)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [(r["minute"], r["requests"], r["input_tokens"]) for r in rows] == [("0", "2", "1559"), ("1", "1", "417")]
    found = json.loads(good("inspect", TRACES / "burstgpt_1.csv", "--json").stdout)
    assert [m["requests"] for m in found["arrivals"]["minutes"]] == [2, 1]
    assert "no times" in bad("inspect", TRACES / "batch_output.jsonl", "--csv", path)


def test_a_chart_of_the_rate(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        "".join(f'{{"at_s": {60 * m + i}, "input_tokens": 5}}\n' for m in range(4) for i in range(4 * m + 1))
    )
    lines = good("inspect", path).stdout.splitlines()
    at = lines.index("Requests by minute")
    assert lines[at + 1].split("┤")[1] == "   █" and lines[at + 5].split("┤")[1][-2:] == "██"


def test_unknown_is_null_and_a_dash() -> None:
    found = json.loads(good("inspect", TRACES / "batch_input.jsonl", "--json").stdout)
    assert found["arrivals"] is None and found["time"] is None and found["prefix"] is None
    assert found["output_tokens"]["mean"] is None and found["output_tokens"]["known"] == 0
    text = good("inspect", TRACES / "batch_input.jsonl").stdout
    assert "when requests came: no rate, no peak, no burstiness" in text
    assert "output tokens of 2 of 2 requests" in text


def test_standard_input_once() -> None:
    packed = gzip.compress((TRACES / "mooncake.jsonl").read_bytes())
    for content in (packed, (TRACES / "mooncake.jsonl").read_bytes()):
        found = json.loads(good("inspect", "-", "--json", stdin=content).stdout)
        assert (found["file"], found["rows"]["kept"], found["digest"]) == ("standard input", 4, None)
        assert found["arrivals"]["span_s"] == 5.999
    assert "second pass" in bad("inspect", "-", "--spread", "1", stdin=packed)
    assert "the file is empty" in bad("inspect", "-", stdin=b"")


def test_standard_input_out_of_order(tmp_path: Path) -> None:
    lines = (TRACES / "mooncake.jsonl").read_bytes().splitlines(keepends=True)
    good("convert", "-", "-o", tmp_path / "t.jsonl", stdin=b"".join([lines[3], *lines[:3]]))
    assert requests(tmp_path / "t.jsonl") == requests(TRACES / "mooncake.jsonl")
    found = json.loads(good("inspect", "-", "--json", stdin=b"".join([lines[3], *lines[:3]])).stdout)
    assert found["rows"]["out_of_order"] == 3


@pytest.mark.parametrize("arguments", [("--json", "--md"), ("--json", "--workload"), ("--csv", "minutes.txt")])
def test_options_that_exclude_each_other(arguments: tuple[str, ...]) -> None:
    bad("inspect", TRACES / "own.jsonl", *arguments)


def test_a_fault_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\nnever,1,1\n")
    assert f"{path}:2:1: `TIMESTAMP` is no time" in bad("inspect", path)
    assert "no such file" in bad("inspect", tmp_path / "nothing")
    assert "an empty path" in bad("inspect", "")


# -- workload ---------------------------------------------------------------------------------------------------------


def workload(path: Path) -> Workload:
    document = load_text(good("inspect", path, "--workload").stdout, "workload.yaml")
    return validate(Workload, document.data["workload"], document, ("workload",))


def test_a_workload_for_a_scenario(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    lengths = np.random.default_rng(1).lognormal(7, 1.2, 4000).astype(int) + 1
    lines = ['{"tco_trace": 1, "block_tokens": 16}']
    for i, n in enumerate(lengths.tolist()):
        lines.append(json.dumps({"at_s": i / 2, "input_tokens": n, "output_tokens": i % 300 + 1, "blocks": [0]}))
    path.write_text("\n".join(lines))
    found = statistics(open_trace(path))
    made = workload(path)
    assert found.input_tokens.mean is not None and found.output_tokens.mean is not None
    assert made.volume.unit == "tokens" and made.volume.per == "day"
    assert found.tokens_per_day is not None
    assert float(made.volume.amount) == pytest.approx(found.tokens_per_day, abs=1)
    assert float(made.tokens("output")) == pytest.approx(found.output_tokens.mean, rel=1e-5)
    assert float(made.tokens("input")) == pytest.approx(found.input_tokens.mean, rel=0.01)
    assert made.tokens("input").most == max(lengths)
    above = made.tokens("input").above(Fraction(found.input_tokens.quantile(0.9) or 0))[0]
    assert float(above) == pytest.approx(0.1, abs=0.001)
    assert found.hit_rate is not None
    assert float(made.cacheable_input_tokens) == pytest.approx(found.hit_rate * found.input_tokens.mean, rel=1e-4)


def test_workloads_of_odd_traces(tmp_path: Path) -> None:
    for name in ("own.jsonl", "mooncake.jsonl", "azure_2023.csv", "batch_output.jsonl", "burstgpt_3.csv"):
        made = workload(TRACES / name)
        assert made.tokens("input") > 0
    same = tmp_path / "same.jsonl"
    same.write_text(
        '{"at_s": 0, "input_tokens": 5, "output_tokens": 2}\n{"at_s": 2, "input_tokens": 5, "output_tokens": 2}\n'
    )
    assert workload(same).tokens("input") == 5
    assert float(workload(same).volume.amount) == 7 * 86_400 / 2
    assert "does not say how many tokens" in bad("inspect", TRACES / "batch_input.jsonl", "--workload")


# -- convert ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_converted_is_the_same_trace(name: str, tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    found = json.loads(good("convert", TRACES / name, "-o", path, "--json").stdout)
    adds_up(found["rows"])
    assert found["written"] == found["rows"]["kept"]
    assert requests(path) == requests(TRACES / name)
    again = tmp_path / "again.jsonl"
    good("convert", path, "-o", again)
    assert requests(again) == requests(path)
    assert open_trace(path).block_tokens == open_trace(TRACES / name).block_tokens


def test_times_are_made_up_only_where_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    good("convert", TRACES / "batch_output.jsonl", "--rate", "2/s", "--arrivals", "even", "-o", path)
    assert [r.at for r in requests(path)] == [0.0, 0.5]
    assert open_trace(path).header["note"] == "times made up: even, 2 requests/s, seed 1"
    assert "has times of its own" in bad("convert", TRACES / "own.jsonl", "--rate", "2/s", "-o", tmp_path / "no.jsonl")
    assert not (tmp_path / "no.jsonl").exists()


def test_poisson_arrivals(tmp_path: Path) -> None:
    log, path = tmp_path / "log.jsonl", tmp_path / "t.jsonl"
    log.write_text('{"input_tokens": 5}\n' * 5000)

    def times(seed: int) -> list[float]:
        good("convert", log, "--rate", "300/min", "--seed", str(seed), "-o", path)
        return [r.at for r in requests(path) if r.at is not None]

    at = times(1)
    assert '"at_s":0.0,' in path.read_text().splitlines()[1]
    assert at == times(1) != times(2)
    gaps = np.diff(at)
    assert gaps.mean() == pytest.approx(60 / 300, rel=4 / 5000**0.5)  # four standard errors
    assert gaps.std() / gaps.mean() == pytest.approx(1, rel=0.06)


@pytest.mark.parametrize("rate", ["5", "0/s", "5 tokens/s", "x/s", "5/month", "-1/s"])
def test_rates_that_are_none(rate: str, tmp_path: Path) -> None:
    assert "--rate" in bad("convert", TRACES / "batch_output.jsonl", "--rate", rate, "-o", tmp_path / "t.jsonl")
    bad("convert", TRACES / "batch_output.jsonl", "--rate", "1/s", "--arrivals", "odd", "-o", tmp_path / "t.jsonl")


def test_nothing_that_was_read_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_bytes((TRACES / "own.jsonl").read_bytes())
    (tmp_path / "link").symlink_to(path)
    for output in (path, tmp_path / "link"):
        assert "it would replace what was read" in bad("convert", path, "-o", output)
    assert path.read_bytes() == (TRACES / "own.jsonl").read_bytes()


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"input_tokens": -1}\n')
    output = tmp_path / "out.jsonl"
    bad("convert", path, "-o", output)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.jsonl"]
    output.write_text("as it was")
    bad("convert", path, "-o", output)
    assert output.read_text() == "as it was"
    found = run("convert", TRACES / "own.jsonl", "-o", tmp_path / "no" / "such.jsonl")
    assert isinstance(found.exception, OSError)


# -- sample -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    """A request every second for 20 minutes, of 40 sessions; in the 8th minute three a second."""
    path = tmp_path / "talks.jsonl"
    at = sorted([*range(1200), *(480 + i / 2 + 0.1 for i in range(120))])
    rows = [{"at_s": t, "input_tokens": 5, "output_tokens": 1, "session": f"s{i % 40}"} for i, t in enumerate(at)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_stretch(talks: Path, tmp_path: Path) -> None:
    path = tmp_path / "part.jsonl"
    found = json.loads(good("sample", talks, "--from", "100s", "--to", "2min", "-o", path, "--json").stdout)
    assert [r.at for r in requests(path)] == [float(t) for t in range(20)]
    assert (found["written"], found["rows"]["kept"]) == (20, 1320), (
        "what is left out of the sample was read all the same"
    )
    adds_up(found["rows"])


def test_the_busiest_stretch(talks: Path, tmp_path: Path) -> None:
    path = tmp_path / "part.jsonl"
    good("sample", talks, "--peak", "1min", "-o", path)
    at = [r.at for r in requests(talks) if r.at is not None]
    most = max(sum(s <= t < s + 60 for t in at) for s in at)
    assert len(requests(path)) == most == 60 + 120
    assert (requests(path)[-1].at or 0) < 60


@pytest.mark.parametrize("seed", [1, 2])
def test_a_share_keeps_sessions_whole(talks: Path, tmp_path: Path, seed: int) -> None:
    path = tmp_path / "part.jsonl"
    good("sample", talks, "--share", "25%", "--seed", str(seed), "-o", path)
    whole, part = (Counter(r.session for r in requests(p)) for p in (talks, path))
    assert 0 < len(part) < len(whole) / 2
    assert all(part[name] == whole[name] for name in part)
    again = tmp_path / "again.jsonl"
    good("sample", talks, "--share", "25%", "--seed", str(seed), "-o", again)
    assert again.read_bytes() == path.read_bytes()
    good("sample", talks, "--share", "100%", "-o", again)
    assert requests(again) == requests(talks)


def test_other_seeds_draw_other_sessions(talks: Path, tmp_path: Path) -> None:
    drawn = set()
    for seed in range(4):
        good("sample", talks, "--share", "50%", "--seed", str(seed), "-o", tmp_path / "p.jsonl")
        drawn.add(frozenset(r.session for r in requests(tmp_path / "p.jsonl")))
    assert len(drawn) == 4


def test_the_first_rows(talks: Path, tmp_path: Path) -> None:
    path = tmp_path / "part.jsonl"
    good("sample", talks, "--from", "1min", "--rows", "7", "-o", path)
    assert [r.at for r in requests(path)] == [float(t) for t in range(7)]
    good("sample", TRACES / "batch_output.jsonl", "--rows", "1", "-o", path)
    assert len(requests(path)) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("--peak", "1min", "--from", "1s"), ("--from", "2min", "--to", "1min"), ("--peak", "0s"), ("--share", "0"),
        ("--share", "200%"), ("--from", "soon"), ("--rows", "0"),
    ],
)  # fmt: skip
def test_parts_that_are_none(talks: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    bad("sample", talks, *arguments, "-o", tmp_path / "p.jsonl")
    assert "without times" in bad("sample", TRACES / "batch_output.jsonl", "--to", "1s", "-o", tmp_path / "p.jsonl")
    assert not (tmp_path / "p.jsonl").exists()


# -- anonymize --------------------------------------------------------------------------------------------------------

SECRETS = ("private-prompt", "session-of-ann", "request-of-ann", "model-of-ann", "2025-")


def raw(tmp_path: Path, tokens: bool = True) -> Path:
    """A spend log: three prompts, of which two begin alike, each word a token of five bytes."""
    path = tmp_path / "spend.jsonl"
    common, rows = "word private-prompt " * 40, []
    for i, text in enumerate((common + "tail " * 30, common + "more " * 90, "else " * 50)):
        message = [{"role": "user", "content": text}]
        rows.append(
            {
                "startTime": f"2025-06-01T12:00:0{i}.000Z", "endTime": f"2025-06-01T12:00:0{i}.500Z",
                "model": "model-of-ann", "session_id": "session-of-ann", "request_id": f"request-of-ann-{i}",
                "prompt_tokens": len(text_of(message)) // 5 if tokens else None, "completion_tokens": 9,
                "messages": message,
            }
        )  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_lengths_and_prefix_hashes_are_all_that_is_left(tmp_path: Path) -> None:
    log, path = raw(tmp_path), tmp_path / "out.jsonl"
    good("anonymize", log, "--block-tokens", "16", "-o", path)
    text = path.read_text()
    for secret in SECRETS:
        assert secret in log.read_text()
        assert secret not in text
    before, after = requests(log), requests(path)
    for a, b in zip(before, after, strict=True):
        assert (a.at, a.input_tokens, a.output_tokens, a.think) == (b.at, b.input_tokens, b.output_tokens, b.think)
        assert b.prompt is None and b.model is None
        assert (b.session is None) == (a.session is None) and b.session != a.session
    # who waits for whom is kept under other names
    names = {a.id: b.id for a, b in zip(before, after, strict=True)}
    assert [b.after for b in after] == [None if a.after is None else names[a.after] for a in before]
    assert any(b.after for b in after)
    assert open_trace(path).block_tokens == 16
    assert "blocks estimated from bytes: 5" in open_trace(path).header["note"]


def test_prompts_that_begin_alike_share_blocks(tmp_path: Path) -> None:
    log, path = raw(tmp_path), tmp_path / "out.jsonl"
    good("anonymize", log, "--block-tokens", "16", "-o", path)
    one, two, three = (r.blocks for r in requests(path))
    tokens = [r.input_tokens or 0 for r in requests(path)]
    assert [len(b) for b in (one, two, three)] == [-(-n // 16) for n in tokens]
    common = len(b"user\n") + len("word private-prompt " * 40)
    whole = int(common / 5.0 / 16)
    shared = sum(a == b for a, b in zip(one, two, strict=False))
    assert whole - 1 <= shared <= whole and one[:shared] == two[:shared]
    assert not set(one[shared:]) & set(two[shared:])
    assert not set(three) & {*one, *two}
    assert len(set(one)) == len(one), "equal text later in a prompt is no equal block"


def test_two_outputs_cannot_be_matched(tmp_path: Path) -> None:
    log = raw(tmp_path)
    found = []
    for i in range(2):
        good("anonymize", log, "-o", tmp_path / f"{i}.jsonl")
        found.append(requests(tmp_path / f"{i}.jsonl"))
    for a, b in zip(*found, strict=True):
        assert not set(a.blocks) & set(b.blocks) and a.session != b.session and a.id != b.id
        assert a._replace(blocks=(), session=None, id=None, after=None) == b._replace(
            blocks=(), session=None, id=None, after=None
        )


def test_what_cannot_be_counted_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    assert "no token count, and nothing to estimate it by" in bad("anonymize", raw(tmp_path, tokens=False), "-o", path)
    log = tmp_path / "half.jsonl"
    log.write_text(
        '{"input_tokens": 4, "prompt": "aaaabbbbccccdddd"}\n{"prompt": "aaaabbbb"}\n'
        '{"messages": [], "input_tokens": 3}\n'
    )
    good("anonymize", log, "--block-tokens", "2", "-o", path)
    found = requests(path)
    assert [r.input_tokens for r in found] == [4, 2, 3], "estimated: 16 bytes were 4 tokens"
    assert found[0].blocks[:1] == found[1].blocks


def test_blocks_of_a_log_without_texts_are_renamed(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    good("anonymize", TRACES / "mooncake.jsonl", "-o", path)
    before, after = (statistics(open_trace(p)) for p in (TRACES / "mooncake.jsonl", path))
    assert after.prefix_served == before.prefix_served and after[1:5] == before[1:5]
    old = {b for r in requests(TRACES / "mooncake.jsonl") for b in r.blocks}
    assert not old & {b for r in requests(path) for b in r.blocks}
    assert "without texts" in bad("anonymize", TRACES / "mooncake.jsonl", "--block-tokens", "16", "-o", path)


def test_what_a_header_says_is_left_out(tmp_path: Path) -> None:
    log, path = tmp_path / "log.jsonl", tmp_path / "out.jsonl"
    log.write_text('{"tco_trace": 1, "note": "of Ann", "origin": {"path": "of Ann"}}\n{"input_tokens": 4}\n')
    good("anonymize", log, "-o", path)
    assert path.read_text() == '{"tco_trace":1,"origin":{"format":"jsonl"}}\n{"input_tokens":4}\n'


def test_models_only_if_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    good("anonymize", raw(tmp_path), "--model", "-o", path)
    assert {r.model for r in requests(path)} == {"model-of-ann"}


def test_a_tokenizer_counts_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One token a word; the library itself is not needed to see what is made of its ids."""
    from tco.traffic import tokens

    seen: dict[str, int] = {}
    monkeypatch.setattr(
        tokens, "tokenizer", lambda _: lambda text: [seen.setdefault(w, len(seen)) for w in text.split()]
    )
    log, path = tmp_path / "log.jsonl", tmp_path / "out.jsonl"
    log.write_text('{"prompt": "a b c d e"}\n{"prompt": "a b c x"}\n{"prompt": "b c d"}\n')
    good("anonymize", log, "--tokenizer", "tokenizer.json", "--block-tokens", "2", "-o", path)
    one, two, three = requests(path)
    assert [r.input_tokens for r in (one, two, three)] == [5, 4, 3]
    assert [len(r.blocks) for r in (one, two, three)] == [3, 2, 2]
    assert one.blocks[0] == two.blocks[0] and one.blocks[1] != two.blocks[1]
    assert not set(three.blocks) & {*one.blocks, *two.blocks}
    assert "note" not in open_trace(path).header


def test_a_tokenizer_that_is_not_there(tmp_path: Path) -> None:
    said = bad("anonymize", raw(tmp_path), "--tokenizer", tmp_path / "no.json", "-o", tmp_path / "o.jsonl")
    assert "no such file" in said
    (tmp_path / "t.json").write_text("{}")
    said = bad("anonymize", raw(tmp_path), "--tokenizer", tmp_path / "t.json", "-o", tmp_path / "o.jsonl")
    assert "`tokenizers` is not installed" in said or "no tokenizer" in said


# -- what must not get out --------------------------------------------------------------------------------------------

EVIL = "\x1b[31mred\x1b[0m\x07\x9b2J\u202e|`<b>=1+1"


def test_text_of_a_log_reaches_no_terminal_unescaped(tmp_path: Path) -> None:
    path = tmp_path / f"log{EVIL[:9]}.jsonl"
    rows = [{"at_s": i, "input_tokens": 5, "output_tokens": 1, "model": EVIL, "session": EVIL} for i in range(3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"' + EVIL + '": 1}\n')
    text = good("inspect", path).stdout
    markdown = good("inspect", path, "--md").stdout
    error = bad("inspect", path, "--format", EVIL)
    for said in (text, markdown, error, good("convert", path, "-o", tmp_path / "o.jsonl").stderr):
        for character in "\x1b\x07\x9b\u202e":
            assert character not in said
    assert "\\|" in markdown and "\\<b\\>" in markdown
    assert "\x1b" not in good("inspect", path, "--json").stdout
    assert "\x1b" not in good("inspect", path, "--workload").stdout
    load_text(good("inspect", path, "--workload").stdout, "w.yaml")


def test_help_has_examples() -> None:
    for command in ("inspect", "convert", "sample", "anonymize"):
        assert f"Example: tco trace {command}" in good(command, "--help").stdout


def test_help_imports_no_reader() -> None:
    code = "import sys; sys.argv = ['tco', 'trace', '--help']; from tco.cli import main\n"
    code += "try: main()\nexcept SystemExit: pass\n"
    code += "print(*(m for m in ('msgspec', 'numpy', 'tco.traffic') if m in sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""


def test_interrupted_it_leaves_nothing(tmp_path: Path) -> None:
    """A writer that waits for the rest of a pipe is interrupted in mid-run: no output, nothing aside."""
    pipe, out = tmp_path / "pipe", tmp_path / "out"
    out.mkdir()
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "tco", "trace", "convert", str(pipe), "-o", str(out / "t.jsonl")]
    environment = {**os.environ, "TMPDIR": str(out)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    try:
        with open(pipe, "wb", buffering=0) as feed:
            feed.write((TRACES / "mooncake.jsonl").read_bytes() * 200)
            deadline = time.monotonic() + 20
            while not list(out.iterdir()) and time.monotonic() < deadline:
                time.sleep(0.02)
            assert list(out.iterdir()), "it had begun to write aside"
            time.sleep(0.3)
            for _ in range(20):  # again, should the first come while Python cleans up and drops it
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(timeout=1)
                    break
                except subprocess.TimeoutExpired:
                    continue
    finally:
        process.kill()
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130, said
    assert list(out.iterdir()) == []


# -- what is said of prompts, and once -------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("convert",), ("sample", "--rows", "2")])
def test_prompts_that_stay_in_a_trace_are_said_on_stderr(command: tuple[str, ...], tmp_path: Path) -> None:
    log, out = tmp_path / "log.jsonl", tmp_path / "out.jsonl"
    log.write_text('{"at_s": 0, "prompt": "a", "input_tokens": 1}\n{"at_s": 1, "prompt": "b", "input_tokens": 1}\n')
    done = CliRunner().invoke(app, ["trace", *command, str(log), "-o", str(out), "--json"])
    assert (
        done.exit_code == 0 and "2 rows have their prompts in it: `tco trace anonymize` takes them out" in done.stderr
    )
    log.write_text('{"at_s": 0, "input_tokens": 1}\n{"at_s": 1, "input_tokens": 1}\n')
    done = CliRunner().invoke(app, ["trace", *command, str(log), "-o", str(out), "--json"])
    assert done.exit_code == 0 and "prompt" not in done.stderr


def test_prompts_without_counts_need_a_tokenizer(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"at_s": 0, "prompt": "a"}\n')
    done = CliRunner().invoke(app, ["trace", "anonymize", str(log), "-o", str(tmp_path / "out.jsonl")])
    assert done.exit_code == 2 and "`--tokenizer`" in done.stderr


def test_the_same_of_one_line_is_said_once() -> None:
    from tco.report.trace_sheets import rows
    from tco.traffic.tally import Tally

    tally = Tally()
    for line in (1, 1, 1, 2):
        tally.drop("no model call", line, 1)
    assert [text for text, _ in rows(tally).notes] == ["line 1: no model call", "line 2: no model call"]
