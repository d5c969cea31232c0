"""`tco prices`: whole runs over a catalogue made up for it, held as golden files, and what must hold of any catalogue.

`UPDATE_GOLDEN=1 pytest tests/test_prices_command.py` writes them anew: read the difference before it is committed. The
shipped catalogue is looked into as well by every run: the names asked for here are in the made-up one only.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tco.catalog.browse import EVERY_SECTION, entries, stale
from tco.catalog.entries import Catalogue
from tco.catalog.store import SECTIONS, Store
from tco.report.price_lines import LISTINGS

HERE = Path(__file__).parent
GOLDEN = HERE / "golden_prices"
ENV = {
    "COLUMNS": "80",
    "NO_COLOR": "1",
    "TERM": "dumb",
    "_TYPER_FORCE_DISABLE_TERMINAL": "1",
    "PYTHONWARNINGS": "error",
}
OWN = "--catalog browse --as-of 2026-11-21"
TODAY = date(2026, 11, 21)

RUNS = {
    "help": "tco prices --help",
    "list": f"tco prices list --provider zenith {OWN}",
    "list_wide": f"COLUMNS=140 tco prices list --provider Zenith {OWN}",
    "list_earlier": "tco prices list models --provider zenith --catalog browse --as-of 2024-12-31",
    "list_json": f"tco prices list pue --provider zenith {OWN} --json",
    "list_nothing": f"tco prices list gpus --provider cohere {OWN}",
    "show_model": f"tco prices show zenith/moonlet {OWN}",
    "show_both": f"tco prices show zenith/quad {OWN}",
    "show_hardware": f"tco prices show box-8x {OWN}",
    "show_weights": f"tco prices show moon-70b {OWN}",
    "show_people": f"tco prices show zenith/engineer {OWN}",
    "show_json": f"tco prices show box-8x {OWN} --json",
    "show_unknown": f"tco prices show zenith/moonlit {OWN}",
    "show_far": f"tco prices show zzzqqq {OWN}",
    "search": f"tco prices search MOON zenith {OWN}",
    "search_gpu": f"tco prices search z90 spot-less {OWN}",
    "search_section": f"tco prices search z90 hardware {OWN}",
    "stale": f"tco prices stale --provider zenith {OWN}",
    "stale_json": f"tco prices stale --provider zenith {OWN} --json",
    "stale_none": f"tco prices stale --provider zenith {OWN} --days 1000",
    "no_section": f"tco prices list modles {OWN}",
    "no_provider": f"tco prices list --provider zenit {OWN}",
    "no_folder": "tco prices list --catalog nowhere",
    "no_date": "tco prices list --as-of 20261121",
    "no_days": "tco prices stale --days -1",
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
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
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_every_golden_file_has_its_run() -> None:
    assert {p.stem for p in GOLDEN.iterdir()} == set(RUNS)


def content(command: str, here: Path) -> Any:
    done = tco(command, here)
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_every_section_can_be_listed() -> None:
    assert set(LISTINGS) == set(EVERY_SECTION) == {*SECTIONS, "exchange_rates"}
    assert set(EVERY_SECTION) == set(Catalogue.model_fields) - {"provider", "currency"}


def test_json_has_every_number_of_the_file(here: Path) -> None:
    (found,) = content(f"tco prices show zenith/moonlet {OWN} --json", here)["entries"]
    prices = found["entry"]["prices"]
    assert [p["holds"] for p in prices] == [False, True, False]
    assert prices[1]["long_context"]["output_per_mtok"] == 9
    assert prices[1]["tiers"]["batch"]["input_per_mtok"] == 0.75
    (box,) = content(f"tco prices show box-8x {OWN} --json", here)["entries"]
    price = {"point": 250000, "low": 200000, "high": 400000, "shape": "triangular"}
    assert box["entry"]["prices"][0]["price"] == price
    assert box["entry"]["residual"]["after_months"] == 36


@pytest.mark.parametrize("command", ["list", "show moonlet", "search zenith", "stale"])
def test_json_is_only_json_and_the_same_twice(command: str, here: Path) -> None:
    first, second = (tco(f"tco prices {command} {OWN} --json", here) for _ in range(2))
    assert first.stdout == second.stdout
    said = json.loads(first.stdout)
    assert said["schema"] == f"tco.prices.{command.partition(' ')[0]}"
    assert said["version"] == 1


def test_the_row_that_holds_moves_with_the_date(here: Path) -> None:
    for day, held in (("2026-05-31", 0), ("2026-06-01", 1), ("2026-12-31", 1), ("2027-01-01", 2)):
        command = f"tco prices show zenith/moonlet --catalog browse --as-of {day} --json"
        (found,) = content(command, here)["entries"]
        assert [p["holds"] for p in found["entry"]["prices"]].index(True) == held


def test_exactly_so_many_days_is_not_stale() -> None:
    found = [e for e in entries(Store([HERE / "fixtures" / "browse"], TODAY)) if e.name == "zenith/waning"]
    days = (TODAY - date(2026, 3, 1)).days
    assert not stale(found, TODAY, days)
    assert [o.days for o in stale(found, TODAY, days - 1)] == [days]


def test_history_is_never_stale_and_what_is_announced_can_be() -> None:
    every = entries(Store([HERE / "fixtures" / "browse"], TODAY))
    moonlet = [e for e in every if e.name == "zenith/moonlet"]
    (old,) = stale(moonlet, TODAY, 0)
    assert (old.checked, old.many) == (date(2026, 11, 1), 2)  # what holds, and what is to come


def test_a_folder_of_ones_own_hides_what_it_names(here: Path) -> None:
    (here / "mine").mkdir()
    text = (here / "browse" / "zenith.yaml").read_text()
    (here / "mine" / "zenith.yaml").write_text(text.replace("name: Waning 1", "name: Mine"))
    (found,) = content(f"tco prices show waning --catalog mine {OWN} --json", here)["entries"]
    assert found["entry"]["name"] == "Mine"
    assert found["where"].startswith("mine/zenith.yaml:")


def test_every_fault_of_every_file_is_said(here: Path) -> None:
    for name in ("a", "b"):
        (here / "browse" / f"{name}.yaml").write_text("models: {x: {name: X}}\n")
    done = tco("tco prices list --catalog browse", here)
    assert (done.returncode, done.stdout) == (2, "")
    assert "browse/a.yaml:1:" in done.stderr
    assert "browse/b.yaml:1:" in done.stderr


def test_no_name_is_cut_however_narrow_the_terminal(here: Path) -> None:
    done = tco(f"COLUMNS=20 tco prices list --provider zenith {OWN}", here)
    for text in ("zenith/moon-70b-z90", "€250,000 (200,000–400,000)", "2026-11-01"):
        assert text in done.stdout
    assert "…" not in done.stdout


def test_no_colour_codes_without_a_terminal(here: Path) -> None:
    for command in ("list", "show moonlet", "stale"):
        done = tco(f"tco prices {command} {OWN}", here)
        assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_no_terminal_is_too_plain(encoding: str, here: Path) -> None:
    for command in (f"list {OWN}", f"show quad {OWN}"):
        done = tco(f"PYTHONIOENCODING={encoding} tco prices {command}", here)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_help_of_the_program_loads_no_catalogue() -> None:
    code = (
        "import sys\nsys.argv = ['tco', 'prices', '--help']\nfrom tco.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('numpy', 'yaml', 'tco.catalog', 'tco.fields') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().endswith("[]")


def test_shipped_catalogue_lists_whole() -> None:
    done = tco("tco prices list --as-of 2026-11-21", HERE.parent)
    assert done.returncode == 0
    assert done.stderr == ""
    for section in EVERY_SECTION:
        assert f"\n{section}: " in f"\n{done.stdout}"
