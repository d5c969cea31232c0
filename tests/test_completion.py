"""What TAB completes, asked the way bash asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = """
workload: {volume: 1M tokens/day, output_tokens: 5}
options: {cheap: {kind: api, price: {blended: $1/1M tokens}}, chic: {kind: api, price: {blended: $2/1M tokens}}}
variants: {double: {workload: {volume: 2M tokens/day}}}
"""


def completed(line: str, cwd: Path) -> list[str]:
    env = {
        **os.environ,
        "_TCO_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tco"], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(SCENARIO)
    (tmp_path / "minefield").mkdir()
    (tmp_path / "minutes.txt").write_text("")
    (tmp_path / "broken.yaml").write_text("a: [")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tco compare doc", ["document-pipeline"]),
        ("tco compare min", ["mine.yaml", "minefield/"]),
        ("tco explain mine.yaml che", ["cheap"]),
        ("tco explain mine.yaml ch", ["cheap", "chic"]),
        ("tco compare mine.yaml --variant d", ["double"]),
        ("tco compare broken.yaml --variant d", []),
        ("tco compare nowhere.yaml --variant d", []),
        ("tco copy tco", ["tco-matrix"]),
        ("tco prices show anthropic/claude-haiku-4", ["anthropic/claude-haiku-4.5"]),
        ("tco init --gpu nebius/h100", ["nebius/h100", "nebius/h100-8x"]),
        ("tco init --data v", ["vpc"]),
        ("tco prices list gp", ["gpus"]),
    ],
)
def test_completes(line: str, expected: list[str], here: Path) -> None:
    assert completed(line, here) == expected


def test_every_entry_can_be_completed() -> None:
    """Entries are found without parsing: the same names as the catalogue itself has."""
    from datetime import date

    from tco.catalog.browse import entries
    from tco.catalog.store import SECTIONS
    from tco.cli import completion
    from tco.shipped import shipped

    from tco.catalog.store import Store  # isort: skip

    listed = {e.name for e in entries(Store([shipped("pricing")], date(2026, 11, 21))) if e.section in SECTIONS}
    assert set(completion.entries("")) == listed
    assert set(completion.models("")) < listed
