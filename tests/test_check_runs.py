"""`tco check` as it is run: exit codes, outputs held as golden files, and what may go wrong around it.

`UPDATE_GOLDEN=1 pytest tests/test_check_runs.py` writes the golden files anew: read the difference.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import xmlschema

from tco.gate.paths import scenarios
from tco.report.check_markdown import MARKER
from tco.report.markdown import MOST_OF_A_COMMENT
from tco.report.schema import schema_text

HERE = Path(__file__).parent
ENV = {
    "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb", "_TYPER_FORCE_DISABLE_TERMINAL": "1", "PYTHONWARNINGS": "error",
}  # fmt: skip
DAY = "--today 2026-11-21"
CODES = {"passed": 0, "crossed": 3, "unknown": 2}

GOLDEN = {
    "text": f"check scenarios {DAY}",
    "wide": f"check scenarios {DAY}",
    "markdown": f"check scenarios/assistant.yaml {DAY} --md",
    "markdown_many": f"check scenarios {DAY} --md",
    "json": f"check scenarios {DAY} --json",
    "github": f"check scenarios {DAY} --format github",
    "junit": f"check scenarios {DAY} --format junit",
    "sarif": f"check scenarios {DAY} --format sarif",
    "passed": f"check scenarios/desk.yaml {DAY}",
    "unknown": f"check scenarios/desk.yaml scenarios/prices nope.yaml 'no*.yaml' {DAY}",
    "unknown_markdown": f"check scenarios/desk.yaml nope.yaml {DAY} --md",
    "unknown_github": f"check nope.yaml {DAY} --format github",
    "unknown_junit": f"check scenarios/desk.yaml nope.yaml {DAY} --format junit",
    "unknown_sarif": f"check scenarios/desk.yaml nope.yaml {DAY} --format sarif",
    "max_monthly": f"check scenarios/desk.yaml --max-monthly 500 {DAY}",
    "usage": "check scenarios/desk.yaml --exit-code 4",
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory with a few scenarios."""
    shutil.copytree(HERE / "gate", tmp_path, dirs_exist_ok=True)
    return tmp_path


def tco(arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-W", "error", "-m", "tco", *shlex.split(arguments)]
    kept = {k: v for k, v in os.environ.items() if k != "GITHUB_STEP_SUMMARY"}
    return subprocess.run(
        program, cwd=cwd, env={**kept, **ENV, **env}, capture_output=True, text=True, check=False, timeout=100
    )


def edit(file: Path, **changes: str) -> None:
    """Replace what each pattern of `old=new` finds, which must be there."""
    text = file.read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name: str, here: Path) -> None:
    done = tco(GOLDEN[name], here, **({"COLUMNS": "140"} if name == "wide" else {}))
    assert "Traceback" not in done.stderr
    stdout, stderr = ("".join(f"{line.rstrip()}\n" for line in t.splitlines()) for t in (done.stdout, done.stderr))
    text = f"$ tco {GOLDEN[name]}\nexit: {done.returncode}\n--- stdout\n{stdout}--- stderr\n{stderr}"
    golden = HERE / "golden_check" / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


def test_every_golden_file_has_its_run() -> None:
    assert {p.stem for p in (HERE / "golden_check").iterdir()} == set(GOLDEN)


# -- published schemas ------------------------------------------------------------------------------------------------

SARIF = json.loads((HERE / "schemas" / "sarif-2.1.0.json").read_text())
JUNIT = xmlschema.XMLSchema(HERE / "schemas" / "junit-10.xsd")
AWKWARD = "scenarios/assistant.yaml scenarios/desk.yaml scenarios/odd.yaml nope.yaml"


@pytest.fixture
def awkward(here: Path) -> Path:
    """Texts that every format has to escape."""
    text = (here / "scenarios" / "desk.yaml").read_text()
    text = text.replace("name: Desk", 'name: "<b>100% & co</b>, a::b |*_`$x @team"')
    text = text.replace("bill: $2,000/month", 'bill: {limit: $5/month, owner: "<i>50% @ops & co: ::error::|`"}')
    (here / "scenarios" / "odd, name: 100%.yaml").write_text(text)
    (here / "scenarios" / "odd.yaml").write_text(text)
    return here


def test_json_fits_its_schema(awkward: Path) -> None:
    schema = json.loads(schema_text("check"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema == json.loads((HERE.parent / "docs" / "schemas" / "check.schema.json").read_text())
    for arguments in (AWKWARD, "scenarios/desk.yaml", "nope.yaml"):
        content = json.loads(tco(f"check {arguments} {DAY} --json", awkward).stdout)
        jsonschema.validate(content, schema, format_checker=jsonschema.FormatChecker())
        assert (content["schema"], content["version"]) == ("tco.check", 1)
    del content["verdict"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema)


def test_sarif_fits_the_published_schema(awkward: Path) -> None:
    for arguments in (AWKWARD, "scenarios/desk.yaml", "nope.yaml"):
        done = tco(f"check {arguments} {DAY} --format sarif", awkward)
        content = json.loads(done.stdout)
        jsonschema.Draft7Validator(SARIF).validate(content)
        (run,) = content["runs"]
        assert run["invocations"][0]["exitCode"] == done.returncode
        assert run["invocations"][0]["executionSuccessful"] == (done.returncode in (0, 3))
        for result in run["results"]:
            assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    run["results"] = [{"level": "error"}]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SARIF).validate(content)


def test_junit_fits_the_published_schema(awkward: Path) -> None:
    for arguments in (AWKWARD, "scenarios/desk.yaml", "nope.yaml"):
        text = tco(f"check {arguments} {DAY} --format junit", awkward).stdout
        JUNIT.validate(text)
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        JUNIT.validate(text.replace("<testcase", "<tescase").replace("</testcase", "</tescase"))


COMMAND = re.compile(r"::(?P<level>error|warning|notice) (?P<properties>[^:]*(?:=[^:]*)*)::(?P<message>.*)")


def read_back(text: str) -> list[dict[str, str]]:
    """As the runner reads workflow commands: properties split at commas, then escapes undone, `%25` last."""

    def plain(value: str, *escapes: tuple[str, str]) -> str:
        for escape, character in (*escapes, ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
            value = value.replace(escape, character)
        return value

    found = []
    for line in text.splitlines():
        command = COMMAND.fullmatch(line)
        if command is None:
            assert not line.startswith("::"), line
            continue
        pairs = (pair.partition("=") for pair in command["properties"].split(","))
        properties = {key: plain(value, ("%3A", ":"), ("%2C", ",")) for key, _, value in pairs}
        assert set(properties) <= {"file", "line", "col", "title"}
        found.append({"level": command["level"], **properties, "message": plain(command["message"])})
    return found


def test_annotations_are_read_back_as_they_were_meant(awkward: Path) -> None:
    done = tco(f"check 'scenarios/odd, name: 100%.yaml' {DAY} --format github", awkward)
    (found,) = read_back(done.stdout)
    assert (found["level"], found["file"]) == ("error", "scenarios/odd, name: 100%.yaml")
    assert (found["title"], found["line"]) == ("bill: crossed", "9")
    assert "Owner: <i>50% @ops & co: ::error::|`." in found["message"]


def test_annotations_point_at_the_line_of_the_budget(here: Path) -> None:
    lines = (here / "scenarios" / "assistant.yaml").read_text().splitlines()
    found = read_back(tco(f"check scenarios {DAY} --format github", here).stdout)
    crossed = [a for a in found if a["title"].endswith(": crossed")]
    assert len(crossed) == 4
    for annotation in crossed:
        assert lines[int(annotation["line"]) - 1].strip().startswith(annotation["title"].removesuffix(": crossed"))


def test_a_comment_is_inert_and_found_again(awkward: Path) -> None:
    text = tco(f"check scenarios {DAY} --md", awkward).stdout
    assert text.startswith(f"{MARKER}\n")
    assert "<i>" not in text and "<b>" not in text
    assert not re.search(r"(?<!\\)[<](?!!--|/?sub>)", text)
    assert not re.search(r"@\w", text)


def test_a_comment_is_never_too_long(here: Path) -> None:
    desk = (here / "scenarios" / "desk.yaml").read_text().replace("$2,000/month", "$5/month")
    for i in range(250):
        (here / "scenarios" / f"desk-{i}.yaml").write_text(desk)
    text = tco(f"check scenarios {DAY} --md", here).stdout
    assert len(text) < MOST_OF_A_COMMENT + 1000
    assert "too long for a comment" in text
    assert "failed (exit 3)" in text


# -- exit codes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("scenarios/desk.yaml", 0),
        ("scenarios/assistant.yaml", 3),
        ("scenarios/assistant.yaml scenarios/desk.yaml", 3),
        ("scenarios/assistant.yaml --exit-code 7", 7),
        ("scenarios/desk.yaml --exit-code 7", 0),
        ("scenarios", 3),
        ("'scenarios/*.yaml'", 3),
        ("'**/desk.yaml'", 0),
        ("'**/nothing.yaml'", 2),
        ("scenarios/prices", 2),  # a folder without a scenario
        ("'scenarios/prices/*.yaml'", 2),
        ("empty", 2),
        ("nope.yaml", 2),
        ("nope.yaml scenarios/assistant.yaml", 2),
        ("scenarios/assistant.yaml nope.yaml --exit-code 9", 2),
        ("scenarios/prices/acme.yaml", 2),  # named, and no scenario
        ("bare.yaml", 2),  # has no budgets
        ("bare.yaml scenarios/desk.yaml", 2),
        ("bare.yaml --max-monthly 577.92", 0),
        ("scenarios/desk.yaml --max-monthly 577.92", 0),
        ("scenarios/desk.yaml --max-monthly 577.91", 3),
        ("scenarios/desk.yaml --max-monthly '$577.92/month'", 0),
        ("scenarios/desk.yaml --max-monthly '$577.91'", 3),
        ("scenarios/desk.yaml --max-monthly 5 --option ap", 2),
        ("scenarios/desk.yaml --max-monthly 12,0,0", 2),
        ("scenarios/desk.yaml --option api", 2),
        ("scenarios/desk.yaml --exit-code 0", 2),
        ("scenarios/desk.yaml --exit-code 1", 2),
        ("scenarios/desk.yaml --exit-code 2", 2),
        ("scenarios/desk.yaml --exit-code 4", 2),
        ("scenarios/desk.yaml --exit-code 256", 2),
        ("scenarios/assistant.yaml --exit-code 125", 125),
        ("scenarios/assistant.yaml --exit-code 126", 2),
        ("scenarios/assistant.yaml --exit-code 130", 2),
        ("''", 2),
        ("scenarios/desk.yaml ''", 2),
        ("circle/loop.yaml", 2),
        ("circle", 2),
        ("scenarios/desk.yaml --write json=circle/loop.yaml", 4),
        ("scenarios/desk.yaml --json --md", 2),
        ("scenarios/desk.yaml --json --format sarif", 2),
        ("scenarios/desk.yaml --format xml", 2),
        ("scenarios/desk.yaml --write junit", 2),
        ("scenarios/desk.yaml --write xml=a.xml", 2),
        ("scenarios/desk.yaml --write json=scenarios/desk.yaml", 2),
        ("scenarios/desk.yaml --write json=scenarios/prices/acme.yaml", 2),
        ("scenarios/desk.yaml --write json=a --write sarif=./a", 2),
        ("scenarios/desk.yaml --draws 0", 2),
        ("scenarios/desk.yaml --write json=nowhere/a.json", 4),
        ("scenarios/assistant.yaml --write json=nowhere/a.json", 4),
        ("scenarios/desk.yaml --write json=/dev/full", 4),
        ("", 2),
    ],
)
def test_exit_codes(here: Path, arguments: str, code: int) -> None:
    (here / "empty").mkdir()
    bare = (here / "scenarios" / "desk.yaml").read_text().replace("budgets:\n  bill: $2,000/month\n", "")
    (here / "bare.yaml").write_text(bare.replace("[prices]", "[scenarios/prices]"))
    before = {p: p.read_bytes() for p in here.rglob("*.yaml")}
    (here / "circle").mkdir()
    (here / "circle" / "loop.yaml").symlink_to("loop.yaml")
    done = tco(f"check {arguments} {DAY}", here)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert ("passed (exit 0)" in done.stdout) == (code == 0)
    if done.stdout:
        assert f"(exit {code})" in done.stdout.splitlines()[-1]
    else:
        assert code == 2
    assert (here / "circle" / "loop.yaml").is_symlink()
    shutil.rmtree(here / "circle")
    assert {p: p.read_bytes() for p in here.rglob("*.yaml")} == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("check nope.yaml", 2),
        ("compare nope.yaml", 2),
        (f"check scenarios/assistant.yaml {DAY}", 3),
        (f"check scenarios/desk.yaml {DAY} --write json=nowhere/a.json", 4),
    ],
)
def test_a_closed_stderr_changes_no_exit_code(here: Path, arguments: str, code: int) -> None:
    program = shlex.join([sys.executable, "-m", "tco", *shlex.split(arguments)])
    done = subprocess.run(
        ["sh", "-c", f"{program} 2>&-"], cwd=here, env={**os.environ, **ENV}, stdout=subprocess.PIPE, check=False,
        timeout=100,
    )  # fmt: skip
    assert done.returncode == code


@pytest.mark.parametrize("arguments", ["compare ''", "plan ''", "diff '' ''", "diff --base HEAD ''", "check ''"])
def test_an_empty_path_is_not_the_current_folder(here: Path, arguments: str) -> None:
    done = tco(arguments, here / "scenarios")
    assert (done.returncode, done.stdout) == (2, "")
    assert "an empty path" in done.stderr


def test_a_name_that_is_no_text_is_in_no_baseline(here: Path) -> None:
    odd = os.fsencode(here / "scenarios") + b"/caf\xe9.yaml"
    shutil.copyfile(here / "scenarios" / "desk.yaml", odd)
    program = [sys.executable, "-m", "tco", "diff", "--save", "kept.json", os.fsdecode(odd)]
    done = subprocess.run(program, cwd=here, env={**os.environ, **ENV}, capture_output=True, check=False, timeout=100)
    assert done.returncode == 2, done.stderr
    assert b"its name cannot be kept in a baseline" in done.stderr and b"Traceback" not in done.stderr
    assert not (here / "kept.json").exists()


def test_links_in_a_circle_are_no_place_for_a_baseline(here: Path) -> None:
    (here / "loop.json").symlink_to("loop.json")
    done = tco("diff --save loop.json scenarios/desk.yaml", here)
    assert (done.returncode, "Traceback" in done.stderr) == (4, False)


def test_diff_and_check_refuse_the_same_exit_codes(here: Path) -> None:
    done = tco("diff scenarios/desk.yaml scenarios/desk.yaml --exit-code 137", here)
    assert done.returncode == 2 and "--exit-code" in done.stderr


def test_without_what_runs_today_a_limit_needs_an_option(here: Path) -> None:
    desk = here / "scenarios" / "desk.yaml"
    edit(desk, **{"current: api\n": "", "budgets:\n  bill: $2,000/month\n": ""})
    assert tco(f"check {desk} --max-monthly 5000 {DAY}", here).returncode == 2
    assert tco(f"check {desk} --max-monthly 5000 --option api {DAY}", here).returncode == 0


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda d: (d / "prices" / "acme.yaml").write_text("models: {small: [1, 2"), "acme.yaml"),
        (lambda d: (d / "prices" / "acme.yaml").write_bytes(b"\xff\xfe\x00"), "UTF-16"),
        (lambda d: ((d / "prices" / "acme.yaml").unlink(), (d / "prices" / "acme.yaml").mkdir()), "is a directory"),
        (lambda d: (d / "prices" / "acme.yaml").unlink(), "no catalogue file `acme.yaml`"),
        (lambda d: shutil.rmtree(d / "prices"), "no folder `prices`"),
        (lambda d: edit(d / "prices" / "acme.yaml", **{"input_per_mtok: 1, ": ""}), "input"),
        (lambda d: edit(d / "prices" / "acme.yaml", **{"as_of: 2026-11-01": "as_of: 2026-11-22"}), "as of 2026-11-21"),
        (lambda d: edit(d / "desk.yaml", **{"$2,000/month": "CHF 5/month"}), "no exchange rate for `CHF`"),
        (lambda d: edit(d / "desk.yaml", **{"bill: $2,000/month": "bill: {limit: $5/month, class: x}"}), "class `x`"),
        (lambda d: (d / "desk.yaml").write_text("options: {"), "desk.yaml"),
    ],
)
def test_what_cannot_be_read_is_no_verdict(here: Path, break_it: Any, said: str) -> None:
    break_it(here / "scenarios")
    done = tco(f"check scenarios/desk.yaml {DAY}", here)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr and "Traceback" not in done.stderr
    # and it hides no other scenario, nor is it hidden
    (here / "fine.yaml").write_text((HERE / "gate" / "scenarios" / "desk.yaml").read_text().replace("[prices]", "[p]"))
    shutil.copytree(HERE / "gate" / "scenarios" / "prices", here / "p")
    both = tco(f"check scenarios/desk.yaml fine.yaml {DAY} --json", here)
    assert both.returncode == 2
    first, second = json.loads(both.stdout)["scenarios"]
    assert first["faults"] and not first["findings"]
    assert [f["status"] for f in second["findings"]] == ["within"] and not second["faults"]


def test_every_output_is_written_before_a_failing_exit(here: Path) -> None:
    formats = ("text", "json", "markdown", "github", "junit", "sarif")
    writes = " ".join(f"--write {f}=out/{f}" for f in formats)
    (here / "out").mkdir()
    done = tco(f"check scenarios {DAY} {writes}", here)
    assert done.returncode == 3
    assert (here / "out" / "text").read_text() == done.stdout
    for f in formats:
        printed = tco(f"check scenarios {DAY} --format {f}", here)
        assert (printed.returncode, printed.stdout) == (3, (here / "out" / f).read_text())
    assert {p.name for p in (here / "out").iterdir()} == set(formats)


def test_one_output_that_fails_keeps_no_other_from_being_written(here: Path) -> None:
    done = tco(f"check scenarios {DAY} --write json=/dev/full --write junit=report.xml", here)
    assert done.returncode == 4
    assert "error: /dev/full: No space left on device" in done.stderr
    assert JUNIT.is_valid(str(here / "report.xml"))
    assert "failed (exit 4): something outside of tco failed" in done.stdout


def test_a_full_stdout_is_no_verdict(here: Path) -> None:
    for arguments in ("scenarios", "scenarios/desk.yaml", "scenarios/desk.yaml --json"):
        with Path("/dev/full").open("w") as full:
            program = [sys.executable, "-m", "tco", "check", *arguments.split()]
            env = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}  # what is held back fails last
            done = subprocess.run(
                program, cwd=here, env=env, stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        assert done.returncode == 4
        assert done.stderr == "error: No space left on device\n"


def test_the_summary_of_a_job_is_added_to(here: Path) -> None:
    summary = here / "summary.md"
    summary.write_text("# Before\n")
    done = tco(f"check scenarios {DAY} --format github", here, GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 3
    assert summary.read_text() == "# Before\n" + tco(f"check scenarios {DAY} --md", here).stdout
    tco(f"check scenarios {DAY} --format json", here, GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text().count(MARKER) == 1  # only beside annotations
    full = tco(f"check scenarios/desk.yaml {DAY} --format github", here, GITHUB_STEP_SUMMARY="/dev/full")
    assert full.returncode == 4 and "/dev/full: No space left on device" in full.stderr


# -- killed, interrupted, broken --------------------------------------------------------------------------------------


def broken(how: str, here: Path, arguments: str = "scenarios") -> subprocess.CompletedProcess[str]:
    """A run in which something gives way."""
    code = f"""
import errno, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import tco.analysis.case, tco.cli.app, tco.gate.gate
def give_way(*_, **__):
    {how}
tco.gate.gate.check_budget = give_way
sys.argv = ["tco", "check", *{arguments.split()!r}]
from tco.cli import main
main()
"""
    program = [sys.executable, "-c", code]
    return subprocess.run(program, cwd=here, env={**os.environ, **ENV}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("raise RuntimeError('a fault in tco')", 1),
        ("raise MemoryError", 1),
        ("raise OSError(errno.ENOSPC, 'No space left on device', 'x')", 4),
        ("raise OSError(errno.EIO, 'Input/output error', 'x')", 4),
        ("raise KeyboardInterrupt", 130),
        ("os.kill(os.getpid(), signal.SIGINT)", 130),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("os.abort()", -signal.SIGABRT),
    ],
)
def test_what_breaks_is_neither_a_pass_nor_a_crossing(here: Path, how: str, code: int) -> None:
    done = broken(how, here, "scenarios --write json=out.json")
    assert done.returncode == code, done.stderr
    if code != 4:
        assert done.stdout == ""
        assert not (here / "out.json").exists()
    else:
        assert "passed" not in done.stdout and "(exit 4)" in done.stdout
        assert json.loads((here / "out.json").read_text())["verdict"] == "failed outside"


def test_a_disk_that_fails_in_one_scenario_hides_no_other(here: Path) -> None:
    how = "raise OSError(errno.EIO, 'Input/output error', 'x') if _[0].name == 'bill' else ZeroDivisionError"
    done = broken(how, here, "scenarios/desk.yaml nope.yaml --json")
    content = json.loads(done.stdout)
    assert done.returncode == content["exit_code"] == 4
    assert {s["file"]: bool(s["failure"] or s["faults"]) for s in content["scenarios"]} == {
        "scenarios/desk.yaml": True, "nope.yaml": True,
    }  # fmt: skip


def test_ctrl_c_from_a_terminal(here: Path) -> None:
    code = "import time; time.sleep(60)"
    program = f"""
import signal, sys, tco.gate.gate
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs the tests aside has it ignored
def slow(*_, **__):
    print("begun", file=sys.stderr, flush=True)
    {code}
tco.gate.gate.check_budget = slow
sys.argv = ["tco", "check", "scenarios", "--write", "json=out.json"]
from tco.cli import main
main()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=here, env={**os.environ, **ENV}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as run:  # fmt: skip
        assert run.stderr is not None
        while "begun" not in run.stderr.readline():
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        stdout, stderr = run.communicate(timeout=30)
    assert (run.returncode, stdout) == (130, "")
    assert "interrupted: nothing was decided" in stderr
    assert not (here / "out.json").exists()


# -- which files are meant --------------------------------------------------------------------------------------------


def test_which_files_of_a_folder_are_scenarios(tmp_path: Path) -> None:
    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    meant = {
        write("a.yaml", "workload: {}\noptions: {}\n"),
        write("deep/er/b.yml", "# a comment\n'workload' : 1\n"),
        write("half.yaml", "options:\n  a: 1\n"),  # a scenario that lost its workload is a fault, not passed over
        write("flow.yaml", "{workload: {}, options: {}}"),
        write("torn.yaml", "{workload: {"),
    }
    write("prices.yaml", "models: {}\n")
    write("inner.yaml", "jobs:\n  workload: 1\n  options: 2\n")
    write("flow-other.yaml", "{jobs: 1}")
    write("notes.txt", "workload: 1\n")
    write(".git/hidden.yaml", "workload: {}\noptions: {}\n")
    found = scenarios([str(tmp_path)])
    assert set(found.scenarios) == meant
    assert (found.skipped, found.faults) == (3, ())
    assert list(found.scenarios) == sorted(found.scenarios)
    again = scenarios([str(tmp_path), str(tmp_path / "*.yaml"), str(tmp_path / "a.yaml")])
    assert (set(again.scenarios), again.skipped) == (meant, 3)  # each once


def test_shipped_scenarios_by_folder_and_by_name() -> None:
    assert "break-even-sketch" in scenarios(["break-even-sketch"]).scenarios
    files = {Path(p).stem for p in scenarios(["scenarios"]).scenarios}
    assert "break-even-sketch" in files


def test_many_scenarios_fit_a_screen(here: Path) -> None:
    desk = (here / "scenarios" / "desk.yaml").read_text()
    for i in range(40):
        (here / "scenarios" / f"desk-{i}.yaml").write_text(desk)
    (here / "scenarios" / "assistant.yaml").unlink()
    (here / "scenarios" / "dear.yaml").write_text(desk.replace("$2,000/month", "$5/month"))
    done = tco(f"check scenarios {DAY}", here)
    lines = done.stdout.splitlines()
    assert len(lines) < 20
    assert lines[0].startswith("scenarios/dear.yaml")
    assert "41 scenarios hold: 41 within" in done.stdout


def test_help_has_an_example(here: Path) -> None:
    done = tco("check --help", here)
    assert done.returncode == 0 and "Example: tco check scenarios/" in done.stdout


def test_neither_months_nor_draws_without_a_budget_that_asks(here: Path) -> None:
    code = f"""
import sys
sys.argv = ["tco", "check", "scenarios/desk.yaml", *{DAY.split()!r}]
from tco.cli import main
try:
    main()
except SystemExit as done:
    assert done.code == 0
late = ("tco.analysis.plan", "tco.analysis.months", "tco.gate.rules", "tco.analysis.attribution",
        "matplotlib", "pandas", "jsonschema", "tco.report.check_sarif", "tco.report.json")
print([m for m in late if m in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
