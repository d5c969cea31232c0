"""Whole runs of the command line, held as golden files: exit code, stdout and stderr.

`UPDATE_GOLDEN=1 pytest tests/test_cli.py` writes them anew: read the difference before it is committed.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ENV = {
    "COLUMNS": "80",
    "NO_COLOR": "1",
    "TERM": "dumb",
    "_TYPER_FORCE_DISABLE_TERMINAL": "1",
    "PYTHONWARNINGS": "error",
}

RUNS = {
    "help": "tco --help",
    "compare": "tco compare support.yaml",
    "compare_variants": "tco compare support.yaml --variants",
    "compare_wide": "COLUMNS=140 tco compare support.yaml",
    "compare_variant_at": "tco compare support.yaml --variant night-shift --at '400M tokens/day'"
    " --from '1M tokens/day' --to '1B tokens/day'",
    "compare_md": "tco compare support.yaml --md",
    "compare_json": "tco compare support.yaml --json --variant twice",
    "explain_api": "tco explain support.yaml small",
    "explain_fleet": "tco explain support.yaml own",
    "explain_hybrid": "tco explain support.yaml mix",
    "ranges": "tco compare ranges.yaml",
    "ranges_wide": "COLUMNS=140 tco compare ranges.yaml --variants",
    "ranges_md": "tco compare ranges.yaml --md --draws 100 --seed 7",
    "ranges_json": "tco compare ranges.yaml --json",
    "no_draws": "tco compare ranges.yaml --draws 0",
    "none_feasible": "tco compare ranges.yaml --variant nowhere --md",
    "explain_ranges": "tco explain ranges.yaml own",
    "validate": "tco validate support.yaml prices",
    "ten_mistakes": "tco compare ten_mistakes.yaml",
    "no_such_scenario": "tco compare document-pipline",
    "no_such_variant": "tco compare support.yaml --variant night-shft",
    "no_such_option": "tco explain support.yaml onw",
    "bad_at": "tco compare support.yaml --at 40M",
    "bad_range": "tco compare support.yaml --from '1B tokens/day' --to '1M tokens/day'",
    "json_and_md": "tco compare support.yaml --json --md",
    "no_such_flag": "tco compare support.yaml --jsn",
    "infeasible": "tco compare full.yaml",
    "no_folder": "tco compare support.yaml --csv nowhere/out.csv",
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """An empty directory with the fixtures, in which a command runs."""
    shutil.copytree(HERE / "fixtures", tmp_path, dirs_exist_ok=True)
    return tmp_path


def tco(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command)
    env = {**os.environ, **ENV}
    while "=" in words[0]:
        key, _, value = words.pop(0).partition("=")
        env[key] = value
    program = [sys.executable, "-W", "error", "-m", "tco", *words[1:]]
    return subprocess.run(
        program, cwd=cwd, env=env, capture_output=True, text=True, errors="replace", check=False, timeout=60
    )


@pytest.mark.parametrize("name", RUNS)
def test_golden(name: str, here: Path) -> None:
    done = tco(RUNS[name], here)
    assert "Traceback" not in done.stderr
    stdout, stderr = (
        "".join(f"{line.rstrip()}\n" for line in text.replace(str(here), "HERE").splitlines())
        for text in (done.stdout, done.stderr)
    )
    text = f"$ {RUNS[name]}\nexit: {done.returncode}\n--- stdout\n{stdout}--- stderr\n{stderr}"
    golden = HERE / "golden" / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_every_golden_file_has_its_run() -> None:
    assert {p.stem for p in (HERE / "golden").iterdir()} == set(RUNS)


def test_json_is_only_json_and_the_same_twice(here: Path) -> None:
    first, second = (tco("tco compare support.yaml --json", here) for _ in range(2))
    assert first.stderr == ""
    assert first.stdout == second.stdout
    content = json.loads(first.stdout)
    assert (content["schema"], content["version"]) == ("tco.compare", 1)
    assert {i["file"] for i in content["inputs"]} == {
        "support.yaml", "prices/acme.yaml", "prices/staff.yaml", "prices/seven-b.yaml",
    }  # fmt: skip


def test_exports_are_byte_identical(here: Path) -> None:
    for n in "12":
        done = tco(f"tco compare support.yaml --csv a{n}.csv --sweep s{n}.csv --png p{n}.png", here)
        assert done.returncode == 0, done.stderr
    for stem, suffix in (("a", "csv"), ("s", "csv"), ("p", "png")):
        assert (here / f"{stem}1.{suffix}").read_bytes() == (here / f"{stem}2.{suffix}").read_bytes()


def test_no_colour_codes_without_a_terminal(here: Path) -> None:
    done = tco("tco compare support.yaml", here)
    assert "\x1b" not in done.stdout + done.stderr


def test_copy_out_changes_nothing_that_is_there(here: Path) -> None:
    assert tco("tco copy break-even-sketch", here).returncode == 0
    again = tco("tco copy break-even-sketch", here)
    assert again.returncode == 2
    assert "exists already" in again.stderr
    assert tco("tco compare break-even-sketch.yaml", here).returncode == 0


def test_a_failed_write_leaves_the_old_file(here: Path) -> None:
    """The disk is full: exit 4, the old file whole, nothing half-written beside it."""
    target = here / "out.csv"
    target.write_text("old")
    code = (
        "import os, sys, errno\n"
        "def full(*a, **k): raise OSError(errno.ENOSPC, 'No space left on device', 'out.csv')\n"
        "os.fsync = full\n"
        "sys.argv = ['tco', 'compare', 'support.yaml', '--csv', 'out.csv']\n"
        "from tco.cli import main\nmain()\n"
    )
    before = {p.name for p in here.iterdir()}
    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert target.read_text() == "old"
    assert {p.name for p in here.iterdir()} == before


def test_a_reader_that_leaves_early_ends_the_run_in_silence(here: Path) -> None:
    for arguments in ("compare support.yaml --json", "compare support.yaml", "--help"):
        command = f"{sys.executable} -m tco {arguments} | true; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", command], cwd=here, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        assert done.returncode in (0, 128 + signal.SIGPIPE)


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ("--csv a.csv --sweep ./a.csv", "it would replace another output"),
        ("--csv support.csv", "it would replace what was read"),
        ("--csv out.txt", "name a file that ends in .csv"),
        ("--png out.pdf", "name a file that ends in .png"),
    ],
)
def test_an_output_never_replaces_an_input_or_another_output(here: Path, outputs: str, said: str) -> None:
    (here / "support.yaml").rename(here / "support.csv")
    before = {p: p.read_bytes() for p in here.iterdir() if p.is_file()}
    done = tco(f"tco compare support.csv {outputs}", here)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert {p: p.read_bytes() for p in here.iterdir() if p.is_file()} == before


def test_a_pipe_is_written_to_and_not_replaced(here: Path) -> None:
    os.mkfifo(here / "out.csv")
    with subprocess.Popen(["cat", "out.csv"], cwd=here, stdout=subprocess.PIPE, text=True) as reader:
        done = tco("tco compare support.yaml --csv out.csv", here)
        assert done.returncode == 0, done.stderr
        assert reader.communicate()[0].startswith("option,kind,row")
    assert (here / "out.csv").is_fifo()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("output", ["", "--md", "--json"])
def test_no_terminal_is_too_plain(here: Path, encoding: str, output: str) -> None:
    done = tco(f"PYTHONIOENCODING={encoding} tco compare support.yaml {output}", here)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_amount_is_cut_however_narrow_the_terminal(here: Path) -> None:
    done = tco("COLUMNS=30 tco compare support.yaml", here)
    for amount in ("16,630.00", "17,428.37", "11,680.00", "21,496.67"):
        assert amount in done.stdout
    assert "…" not in done.stdout


def test_a_file_name_cannot_speak_to_the_terminal(here: Path) -> None:
    text = (here / "support.yaml").read_text().replace("name: Support desk\n", "")
    (here / "\x1b[31mred.yaml").write_text(text)
    for command in ("compare", "validate", "compare --md"):
        done = subprocess.run(
            [sys.executable, "-m", "tco", *command.split(), "\x1b[31mred.yaml"],
            cwd=here, env={**os.environ, **ENV}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout + done.stderr


def test_a_folder_without_a_yaml_file_is_no_pass(here: Path) -> None:
    (here / "empty").mkdir()
    done = tco("tco validate empty", here)
    assert done.returncode == 2
    assert "nothing was checked" in done.stderr


def test_a_variant_that_changes_nothing_is_no_variant(here: Path) -> None:
    path = here / "support.yaml"
    path.write_text(path.read_text().replace("twice: {workload: {volume: 80M tokens/day}}", "twice: 5"))
    for flags in ("--variant twice", "", "--variants"):
        assert tco(f"tco compare support.yaml {flags}", here).returncode == 2


def test_a_volume_on_the_command_line_holds_for_every_variant(here: Path) -> None:
    done = tco("tco compare support.yaml --variants --json --at '5M tokens/day'", here)
    content = json.loads(done.stdout)
    assert {v["tokens_per_day"] for v in content["variants"]} == {5e6} == {content["tokens_per_day"]}


def test_cells_that_a_spreadsheet_would_run_are_defused(here: Path) -> None:
    text = (here / "support.yaml").read_text()
    (here / "evil.yaml").write_text(text)
    prices = here / "prices" / "acme.yaml"
    prices.write_text(prices.read_text().replace("gpu: G80", "gpu: '=HYPERLINK(\"http://x\")'"))
    done = tco("tco compare evil.yaml --csv out.csv --md", here)
    assert done.returncode == 0, done.stderr
    import csv

    with (here / "out.csv").open() as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [c for c in cells if c[:1] in "=+-@\t\r" and c and not c.lstrip("-").replace(".", "").isdigit()]
