"""Which YAML files are scenarios: one rule for `tco check` and `tco diff`, of folders and of Git revisions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tco.document import Faults
from tco.scenario.found import hidden, is_scenario, may_be_scenario, yaml_files


@pytest.mark.parametrize(
    "text",
    [
        "workload: {}\noptions: {}\n",
        "options:\n  a: 1\n",  # one of both: a scenario with a fault
        "# a comment\n'workload' : 1\n",
        "\ufeffworkload: 1\n",
        "name: a\r\noptions: {}\r\n",
        "{options: {}}",
        "# a comment\n---\n  {workload: {}}",
        "{workload: {",  # nobody can tell
    ],
)
def test_a_scenario(text: str) -> None:
    assert is_scenario(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "models: {}\n",
        "jobs:\n  workload: 1\n  options: 2\n",
        "{jobs: {workload: 1}}",
        "# workload: 1\n",
        "workloads: 1\n",
    ],
)
def test_none(text: str) -> None:
    assert not is_scenario(text.encode())


def test_what_cannot_be_read_may_be_one(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    assert may_be_scenario(tmp_path / "gone.yaml")


def test_files_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yaml", "deep/c.yaml", ".git/d.yaml", "deep/.idea/e.yml", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path) for path in yaml_files(tmp_path)]
    assert found == [Path("a.yaml"), Path("b.yml"), Path("deep/c.yaml")]
    assert not any(map(hidden, found))
    assert hidden(Path(".git/d.yaml")) and hidden(Path("deep/.idea/e.yml")) and not hidden(Path(".d.yaml"))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Faults) as raised:
        list(yaml_files(tmp_path / "none"))
    assert raised.value.faults[0].message == "folder cannot be read (no such file or directory)"
