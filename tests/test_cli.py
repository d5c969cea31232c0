"""Whole runs of the command line, held as golden files: exit code, stdout and stderr.

`UPDATE_GOLDEN=1 pytest tests/test_cli.py` writes them anew: read the difference before it is committed.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
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
    return subprocess.run(program, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=60)


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


def test_a_reader_that_leaves_early_is_no_fault(here: Path) -> None:
    command = f"{sys.executable} -m tco compare support.yaml --json | head -1"
    done = subprocess.run(command, shell=True, cwd=here, capture_output=True, text=True, check=False)
    assert done.stdout == "{\n"
    assert done.stderr == ""


def test_cells_that_a_spreadsheet_would_run_are_defused(here: Path) -> None:
    text = (here / "support.yaml").read_text()
    (here / "evil.yaml").write_text(text.replace("kind: list price", "kind: list price"))
    prices = here / "prices" / "acme.yaml"
    prices.write_text(prices.read_text().replace("gpu: G80", "gpu: '=HYPERLINK(\"http://x\")'"))
    done = tco("tco compare evil.yaml --csv out.csv --md", here)
    assert done.returncode == 0, done.stderr
    import csv

    with (here / "out.csv").open() as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [c for c in cells if c[:1] in "=+-@\t\r" and c and not c.lstrip("-").replace(".", "").isdigit()]
