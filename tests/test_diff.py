"""`tco diff` as it is used: files, folders, a Git revision, a baseline; limits, exit codes and every output."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tco.analysis.change.baseline import name_in
from tco.analysis.change.limit import parse_increase
from tco.cli.app import app
from tco.cli.git import GitError, Revision
from tco.document import Faults
from tco.numerals import UnitError
from tco.report import diff_markdown
from tco.report.diff_markdown import MARKER

PRICES = """\
models:
  small:
    name: Small
    prices:
      - {as_of: 2026-01-01, kind: list price, source: made up, checked: 2026-11-01,
         input_per_mtok: 2, output_per_mtok: 8}
people:
  engineer: {role: E, per_year: 120000, as_of: 2026-01-01, kind: assumption, source: made up, checked: 2026-11-01}
"""
SCENARIO = """\
name: Chat
as_of: 2026-11-21
catalogs: [../prices]
traffic_days_per_month: 30
workload:
  volume: 1M tokens/day
  input_tokens: 750
  output_tokens: 250
options:
  api: {kind: api, model: acme/small}
  own: {kind: self_hosted, all_in: $200/month}
current: api
"""
MONTH = Decimal(30) * (Decimal("0.75") * 2 + Decimal("0.25") * 8)
"""What `api` costs a month in it: 30 days of 1M tokens, three quarters at $2 and a quarter at $8 per 1M: $105."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one scenario and its catalogue, in which commands run."""
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "acme.yaml").write_text(PRICES)
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "chat.yaml").write_text(SCENARIO)
    monkeypatch.chdir(tmp_path)
    for key, value in {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(key, value)
    return tmp_path


def tco(*words: str) -> Result:
    done = CliRunner().invoke(app, ["diff", *words], prog_name="tco")
    assert not isinstance(done.exception, Exception), done.exception
    return done


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def git(*words: str, cwd: Path) -> str:
    env = {
        **os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
        **{f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }  # fmt: skip
    return subprocess.run(["git", *words], cwd=cwd, env=env, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repository(here: Path) -> Path:
    """The same, committed on `main`."""
    git("init", "-q", "-b", "main", cwd=here)
    git("add", "-A", cwd=here)
    git("commit", "-q", "-m", "first", cwd=here)
    return here


def later(here: Path, file: str = "later.yaml", **changes: str) -> str:
    """A copy of the scenario with parts of its text replaced: `volume="2M"` for what stands after the key."""
    text = SCENARIO
    for key, value in changes.items():
        text, n = re.subn(rf"(?m)(\b{key}: )[^,}}\n]+", rf"\g<1>{value}", text)
        assert n == 1
    path = here / "team" / file
    path.write_text(text)
    return f"team/{file}"


def data(*words: str) -> dict[str, Any]:
    done = tco(*words, "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class TestTwoFiles:
    def test_before_after_and_why(self, here: Path) -> None:
        new = later(here, volume="2M tokens/day")
        done = tco("team/chat.yaml", new)
        assert done.exit_code == 0 and done.stderr == ""
        text = " ".join(done.stdout.split())
        assert "api, which runs today, costs $210.00 a month instead of $105.00: $105.00 more (100 %)." in text
        assert "volume +105.00 workload.volume: 1M tokens/day → 2M tokens/day (team/later.yaml:6)" in text
        assert "The recommendation changes from api to own (too close to call)." in text

    def test_json_has_the_figures(self, here: Path) -> None:
        (found,) = data("team/chat.yaml", later(here, volume="2M tokens/day"))["scenarios"]
        assert (found["bill"]["before"], found["bill"]["after"]) == (f"{MONTH:.2f}", f"{2 * MONTH:.2f}")
        api = next(o for o in found["options"] if o["name"] == "api")
        assert api["by_cause"] == [
            {"causes": ["volume"], "change": f"{MONTH:.2f}", "change_unrounded": float(MONTH)}
        ]  # fmt: skip
        assert found["changed"] == [
            {
                "cause": "volume", "path": "workload.volume", "before": "1M tokens/day", "after": "2M tokens/day",
                "where": "team/later.yaml:6",
            }
        ]  # fmt: skip
        assert [found[side]["recommendation"]["option"] for side in ("before", "after")] == ["api", "own"]
        (moved,) = found["crossovers_moved"] or [None]
        assert moved is None, "the crossover lies where it was: only the plan moved"

    def test_crossovers_before_and_after(self, here: Path) -> None:
        (found,) = data("team/chat.yaml", later(here, all_in="$400/month"))["scenarios"]
        (moved,) = found["crossovers_moved"]
        for side, cost in (("before", 200), ("after", 400)):
            assert moved[side] == [float(Fraction(cost) / Fraction(MONTH) * 10**6)]

    def test_nothing_changed(self, here: Path) -> None:
        done = tco("team/chat.yaml", later(here))
        assert done.exit_code == 0
        assert "costs $105.00 a month, as before" in done.stdout
        assert "Nothing that decides the cost or the answer changed." in done.stdout

    def test_twice_the_same_bytes(self, here: Path) -> None:
        words = ("team/chat.yaml", later(here, volume="2M tokens/day"), "--json")
        assert tco(*words).stdout == tco(*words).stdout

    def test_a_fault_on_either_side(self, here: Path) -> None:
        new = later(here, volume="2M tokens")
        edited(here / "team" / "chat.yaml", "$200/month", "$200")
        done = tco("team/chat.yaml", new)
        assert done.exit_code == 2
        assert "team/later.yaml:6:11: rate without a period" in done.stderr
        assert "team/chat.yaml:11:" in done.stderr
        assert data("team/chat.yaml", new)["failed"][0]["file"] == new

    @pytest.mark.parametrize("width", [80, 140])
    def test_no_line_is_wider_than_the_terminal(self, here: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", str(width))
        done = tco("team/chat.yaml", later(here, volume="2M tokens/day", input_tokens="900"))
        assert max(len(line.rstrip()) for line in done.stdout.splitlines()) <= width

    def test_an_exchange_rate_of_the_catalogue_is_a_price(self, here: Path) -> None:
        edited(here / "team" / "chat.yaml", "$200/month", "€200/month")
        new = later(here, all_in="€200/month")
        for folder, usd in (("prices", "1.10"), ("rates", "1.20")):
            (here / folder).mkdir(exist_ok=True)
            row = f"as_of: 2026-01-01, kind: list price, source: made up, checked: 2026-11-01, usd: {usd}"
            (here / folder / "currencies.yaml").write_text(f"exchange_rates:\n  EUR:\n    - {{{row}}}\n")
        shutil.copy(here / "prices" / "acme.yaml", here / "rates")
        edited(here / new, "../prices", "../rates")
        (found,) = data("team/chat.yaml", new)["scenarios"]
        own = next(o for o in found["options"] if o["name"] == "own")
        assert [(p["causes"], p["change"]) for p in own["by_cause"]] == [
            (["price"], f"{200 * (Decimal('1.20') - Decimal('1.10')):.2f}")
        ]  # fmt: skip


class TestFolders:
    def test_matched_by_path_added_and_removed_said(self, here: Path) -> None:
        shutil.copytree(here / "team", here / "new")
        (here / "new" / "chat.yaml").rename(here / "new" / "talk.yaml")
        shutil.copy(here / "team" / "chat.yaml", here / "team" / "deep.yaml")
        shutil.copy(here / "team" / "chat.yaml", here / "new" / "deep.yaml")
        (here / "new" / "notes.yaml").write_text("just: notes\n")
        found = data("team", "new")
        assert {s["file"]: s["status"] for s in found["scenarios"]} == {
            "team/chat.yaml": "removed", "new/talk.yaml": "new", "new/deep.yaml": "unchanged",
        }  # fmt: skip
        bills = {s["file"]: s["bill"]["change"] for s in found["scenarios"]}
        assert bills == {
            "team/chat.yaml": f"{-MONTH:.2f}", "new/talk.yaml": f"{MONTH:.2f}", "new/deep.yaml": "0.00",
        }  # fmt: skip

    def test_no_scenario_is_no_pass(self, here: Path) -> None:
        for name in ("a", "b"):
            (here / name).mkdir()
        done = tco("a", "b")
        assert done.exit_code == 2 and "nothing was compared" in done.stderr

    def test_a_file_and_a_folder(self, here: Path) -> None:
        done = tco("team", "team/chat.yaml")
        assert done.exit_code == 2 and "two scenarios, or two folders" in done.stderr

    def test_a_faulty_one_hides_no_other(self, here: Path) -> None:
        shutil.copytree(here / "team", here / "new")
        shutil.copy(here / "new" / "chat.yaml", here / "new" / "bad.yaml")
        edited(here / "new" / "bad.yaml", "1M tokens/day", "1M tokens")
        edited(here / "new" / "chat.yaml", "1M tokens/day", "2M tokens/day")
        done = tco("team", "new", "--md", "--max-increase", "1")
        assert done.exit_code == 2, "2 before 3"
        assert r"\+\$105.00" in done.stdout
        assert "new/bad.yaml could not be compared" in done.stdout
        assert "Above the limit of 1" in done.stdout


class TestGit:
    def test_old_files_and_their_catalogues_come_from_the_revision(self, repository: Path) -> None:
        edited(repository / "prices" / "acme.yaml", "output_per_mtok: 8", "output_per_mtok: 12")
        (found,) = data("--base", "main", "team/chat.yaml")["scenarios"]
        rise = Decimal(30) * Decimal("0.25") * 4
        assert found["bill"]["change"] == f"{rise:.2f}"
        assert [k["path"] for k in found["changed"]] == ["acme/small: output_per_mtok"]
        assert found["causes"] == ["price"]
        assert [i["file"] for i in found["before"]["inputs"]] == ["main:prices/acme.yaml", "main:team/chat.yaml"]

    def test_from_any_folder_and_inside_a_hook(self, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        edited(repository / "team" / "chat.yaml", "1M tokens/day", "2M tokens/day")
        monkeypatch.chdir(repository / "team")
        monkeypatch.setenv("GIT_DIR", ".git")  # as a hook has it, of the top folder
        monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
        (found,) = data("--base", "HEAD", "chat.yaml")["scenarios"]
        assert found["bill"]["change"] == f"{MONTH:.2f}"

    def test_a_folder_with_added_and_removed(self, repository: Path) -> None:
        (repository / "team" / "chat.yaml").rename(repository / "team" / "talk.yaml")
        found = data("--base", "main", "team")
        assert {s["file"]: s["status"] for s in found["scenarios"]} == {
            "team/talk.yaml": "new", "main:team/chat.yaml": "removed",
        }  # fmt: skip
        assert data("--base", "main", ".")["scenarios"][0]["status"] == "removed"

    def test_the_other_ending_is_a_scenario_too(self, repository: Path) -> None:
        git("mv", "team/chat.yaml", "team/chat.yml", cwd=repository)
        git("commit", "-q", "-m", "renamed", cwd=repository)
        edited(repository / "team" / "chat.yml", "1M tokens/day", "2M tokens/day")
        for path in ("team/chat.yml", "team"):
            (found,) = data("--base", "HEAD", path)["scenarios"]
            assert (found["status"], found["bill"]["change"]) == ("changed", f"{MONTH:.2f}")

    def test_a_folder_that_is_gone(self, repository: Path) -> None:
        shutil.rmtree(repository / "team")
        (found,) = data("--base", "main", "team")["scenarios"]
        assert (found["status"], found["bill"]["change"]) == ("removed", f"{-MONTH:.2f}")

    def test_a_new_scenario_is_its_whole_cost(self, repository: Path) -> None:
        new = later(repository, volume="2M tokens/day")
        (found,) = data("--base", "main", new)["scenarios"]
        assert (found["status"], found["bill"]["change"]) == ("new", f"{2 * MONTH:.2f}")

    def test_a_fault_of_the_old_side_is_named_as_git_names_it(self, repository: Path) -> None:
        path = edited(repository / "team" / "chat.yaml", "1M tokens/day", "1M tokens")
        git("commit", "-qam", "broken", cwd=repository)
        edited(path, "1M tokens", "1M tokens/day")
        done = tco("--base", "main", "team/chat.yaml")
        assert done.exit_code == 2 and "main:team/chat.yaml:6:11: rate without a period" in done.stderr

    def test_a_catalogue_folder_that_was_not_there(self, repository: Path) -> None:
        (repository / "prices").rename(repository / "costs")
        edited(repository / "team" / "chat.yaml", "../prices", "../costs")
        (found,) = data("--base", "main", "team/chat.yaml")["scenarios"]
        assert found["bill"]["change"] == "0.00"
        git("rm", "-rq", "--cached", "prices", cwd=repository)
        git("commit", "-qm", "without prices", cwd=repository)
        done = tco("--base", "main", "team/chat.yaml")
        assert done.exit_code == 2 and "no catalogue files in `../prices` at main" in done.stderr

    def test_a_folder_outside_is_said(self, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        outside = tmp_path_factory.mktemp("outside")
        shutil.copy(repository / "prices" / "acme.yaml", outside)
        edited(repository / "team" / "chat.yaml", "../prices", str(outside))
        git("commit", "-qam", "outside", cwd=repository)
        (found,) = data("--base", "main", "team/chat.yaml")["scenarios"]
        assert any("outside the repository" in text for text in found["warnings"])

    @pytest.mark.parametrize("revision", ["nope", "--help", "--output=x", "", "main:team", "-"])
    def test_no_such_revision(self, repository: Path, revision: str) -> None:
        done = tco(f"--base={revision}", "team/chat.yaml")
        assert done.exit_code == 2 and "revision" in done.stderr
        assert not (repository / "x").exists()

    def test_a_branch_named_like_a_flag_is_a_branch(self, repository: Path) -> None:
        git("update-ref", "refs/heads/--quiet", "HEAD", cwd=repository)
        edited(repository / "team" / "chat.yaml", "1M tokens/day", "2M tokens/day")
        (found,) = data("--base=--quiet", "team/chat.yaml")["scenarios"]
        assert found["bill"]["change"] == f"{MONTH:.2f}"

    def test_a_shallow_clone_says_what_to_fetch(self, repository: Path, tmp_path: Path) -> None:
        edited(repository / "team" / "chat.yaml", "1M tokens/day", "2M tokens/day")
        git("commit", "-qam", "second", cwd=repository)
        git("clone", "-q", "--depth", "1", f"file://{repository}", "clone", cwd=tmp_path)
        done = tco("--base", "HEAD~1", "clone/team/chat.yaml")
        assert done.exit_code == 2 and "fetch-depth: 0" in done.stderr

    def test_no_repository(self, here: Path) -> None:
        done = tco("--base", "main", "team/chat.yaml")
        assert done.exit_code == 2 and "not in a Git repository" in done.stderr

    def test_no_git(self, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(repository))
        done = tco("--base", "main", "team/chat.yaml")
        assert done.exit_code == 2 and "not installed" in done.stderr

    def test_neither_here_nor_there(self, repository: Path) -> None:
        done = tco("--base", "main", "team/nix.yaml", "team/chat.yaml")
        assert done.exit_code == 2 and "neither here nor in main" in done.stderr
        assert "costs $105.00 a month, as before" in done.stdout

    def test_a_link_is_not_followed(self, repository: Path) -> None:
        path = repository / "team" / "link.yaml"
        path.symlink_to("chat.yaml")
        git("add", "-A", cwd=repository)
        git("commit", "-qm", "link", cwd=repository)
        done = tco("--base", "main", "team/link.yaml")
        assert done.exit_code == 2 and "symbolic link" in done.stderr

    def test_git_that_fails_is_no_verdict(self, repository: Path) -> None:
        name = git("rev-parse", "main:team/chat.yaml", cwd=repository).strip()
        loose = repository / ".git" / "objects" / name[:2] / name[2:]
        loose.chmod(0o644)
        loose.write_bytes(b"broken")
        done = tco("--base", "main", "team/chat.yaml", "--max-increase", "1")
        assert done.exit_code == 4
        assert "error:" in done.stderr

    def test_a_failure_at_once_is_exit_4(self, repository: Path) -> None:
        (repository / "bin").mkdir()
        fake = repository / "bin" / "git"
        fake.write_text("#!/bin/sh\necho 'fatal: detected dubious ownership' >&2\nexit 128\n")
        fake.chmod(0o755)
        words = [sys.executable, "-m", "tco", "diff", "--base", "main", "team/chat.yaml"]
        env = {**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}"}
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 4 and "dubious ownership" in done.stderr and "Traceback" not in done.stderr

    def test_a_scenario_named_like_a_flag(self, repository: Path) -> None:
        shutil.copy(repository / "team" / "chat.yaml", repository / "team" / "--help.yaml")
        git("add", "-A", cwd=repository)
        git("commit", "-qm", "odd", cwd=repository)
        assert data("--base", "main", "team")["scenarios"][0]["status"] == "unchanged"
        done = tco("--base", "main", "--", "team/--help.yaml")
        assert done.exit_code == 0

    def test_each_object_is_read_once(self, repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        from tco.cli import git as module

        for i in range(5):
            shutil.copy(repository / "team" / "chat.yaml", repository / "team" / f"chat{i}.yaml")
        git("add", "-A", cwd=repository)
        git("commit", "-qm", "more", cwd=repository)
        calls = []
        plain = module._git

        def counted(folder: Path, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
            calls.append(words)
            return plain(folder, *words, given=given)

        monkeypatch.setattr(module, "_git", counted)
        assert len(data("--base", "main", "team")["scenarios"]) == 6
        assert len(calls) < 12, "a few calls for all, not some for each"

    def test_within_the_repository(self, repository: Path, tmp_path: Path) -> None:
        revision = Revision(repository, "main", tmp_path / "into")
        assert revision.within(Path("team/chat.yaml")) == "team/chat.yaml"
        assert revision.within(Path("gone/away/x.yaml")) == "gone/away/x.yaml"
        assert revision.scenarios("") == ["team/chat.yaml"]
        with pytest.raises(Faults):
            Revision(tmp_path, "a\0b", tmp_path)
        assert issubclass(GitError, OSError)


class TestBaseline:
    def saved(self, name: str = "baseline.json", *files: str) -> Path:
        done = tco("--save", name, *(files or ("team/chat.yaml",)))
        assert done.exit_code == 0, done.stderr
        assert done.stdout == ""
        return Path(name)

    def test_the_same_split_as_from_git(self, repository: Path) -> None:
        self.saved()
        edited(repository / "team" / "chat.yaml", "1M tokens/day", "2M tokens/day")
        edited(repository / "prices" / "acme.yaml", "output_per_mtok: 8", "output_per_mtok: 12")
        kept, committed = (
            data(*words, "team/chat.yaml") for words in (("--baseline", "baseline.json"), ("--base", "main"))
        )
        for key in ("bill", "options", "changed", "crossovers_moved", "causes"):
            assert kept["scenarios"][0][key] == committed["scenarios"][0][key]
        assert {p["causes"][0] for o in kept["scenarios"][0]["options"] for p in o["by_cause"]} == {"price", "volume"}

    def test_the_same_bytes_wherever_it_is_written(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = self.saved("team/baseline.json").read_bytes()
        monkeypatch.chdir(here / "team")
        again = self.saved("baseline.json", "chat.yaml").read_bytes()
        assert first == again
        assert str(here).encode() not in first
        assert json.loads(first)["scenarios"][0]["file"] == "chat.yaml"

    def test_it_holds_every_text_and_figure(self, here: Path) -> None:
        content = json.loads(self.saved().read_text())
        (scenario,) = content["scenarios"]
        assert (content["schema"], content["version"]) == ("tco.baseline", 1)
        assert "\n".join(content["texts"][scenario["sha256"]]) == SCENARIO
        ((acme,), _shipped) = scenario["catalogs"]
        assert acme["file"] == "acme.yaml" and "\n".join(content["texts"][acme["sha256"]]) == PRICES
        assert scenario["cost_per_month"] == {"api": f"{MONTH:.2f}", "own": "200.00"}
        assert scenario["recommended"] == "api"

    def test_a_change_may_be_the_first_to_need_a_rate(self, here: Path) -> None:
        """The rates were never read by what was saved, and yet the old side has them."""
        self.saved()
        people = "people: {fte: 1, cost: 60k EUR/year}"
        edited(here / "team" / "chat.yaml", "all_in: $200/month", f"all_in: $200/month, {people}")
        edited(here / "team" / "chat.yaml", "1M tokens/day", "2M tokens/day")
        done = tco("--baseline", "baseline.json", "team/chat.yaml", "--json", "--option", "own")
        (found,) = json.loads(done.stdout)["scenarios"]
        own = next(o for o in found["options"] if o["name"] == "own")
        assert [p["causes"] for p in own["by_cause"]] == [["people"]], "of the people alone, at the rate of before"

    def test_its_day_holds_for_a_scenario_without_one(self, here: Path) -> None:
        edited(here / "team" / "chat.yaml", "as_of: 2026-11-21\n", "")
        path = self.saved()
        content = json.loads(path.read_text())
        content["scenarios"][0]["as_of"] = "2026-02-01"
        path.write_text(json.dumps(content))
        row = "      - {as_of: 2026-06-01, kind: list price, source: made up, checked: 2026-11-01, input_per_mtok: 3, "
        edited(here / "prices" / "acme.yaml", "people:", f"{row}output_per_mtok: 8}}\npeople:")
        (found,) = data("--baseline", "baseline.json", "team/chat.yaml")["scenarios"]
        assert found["before"]["as_of"] == "2026-02-01"
        assert found["bill"]["change"] == f"{Decimal(30) * Decimal('0.75'):.2f}"

    def test_another_day_alone_is_another_price(self, here: Path) -> None:
        """The catalogue knew both rows when the baseline was saved; only the day moved between them."""
        edited(here / "team" / "chat.yaml", "as_of: 2026-11-21\n", "")
        row = "      - {as_of: 2026-06-01, kind: list price, source: made up, checked: 2026-11-01, input_per_mtok: 3, "
        edited(here / "prices" / "acme.yaml", "people:", f"{row}output_per_mtok: 8}}\npeople:")
        content = json.loads(self.saved().read_text())
        content["scenarios"][0]["as_of"] = "2026-02-01"
        content["scenarios"][0]["cost_per_month"]["api"] = f"{MONTH:.2f}"
        (here / "baseline.json").write_text(json.dumps(content))
        (found,) = data("--baseline", "baseline.json", "team/chat.yaml")["scenarios"]
        assert found["causes"] == ["price"]
        assert found["bill"]["change"] == f"{Decimal(30) * Decimal('0.75'):.2f}"

    def test_figures_that_its_texts_do_not_give_are_said(self, here: Path) -> None:
        path = self.saved()
        path.write_text(path.read_text().replace('"api": "105.00"', '"api": "104.00"'))
        (found,) = data("--baseline", "baseline.json", "team/chat.yaml")["scenarios"]
        assert any("api was 104.00 and is 105.00" in text for text in found["warnings"])

    def test_a_folder_with_added_and_removed(self, here: Path) -> None:
        self.saved("baseline.json", "team")
        (here / "team" / "chat.yaml").rename(here / "team" / "talk.yaml")
        found = data("--baseline", "baseline.json", "team")
        assert {s["file"]: s["status"] for s in found["scenarios"]} == {
            "baseline.json:team/chat.yaml": "removed", "team/talk.yaml": "new",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"{", "not a baseline"),
            (b"[]", "not a baseline"),
            (b"\xff", "not a baseline"),
            (b'{"schema": "tco.baseline", "version": 2}', "another version"),
            (b'{"schema": "tco.baseline", "version": 1}', "not a baseline"),
            (b'{"schema": "tco.baseline", "version": 1, "scenarios": [{}], "texts": {}}', "not a baseline"),
            (b'{"schema": "tco.baseline", "version": 1, "scenarios": [], "texts": {"00": ["x"]}}', "is not the one"),
        ],
    )
    def test_bad_files(self, here: Path, content: bytes, message: str) -> None:
        (here / "bad.json").write_bytes(content)
        done = tco("--baseline", "bad.json", "team/chat.yaml")
        assert done.exit_code == 2 and message in done.stderr

    def test_a_file_it_names_stays_inside(self, here: Path) -> None:
        path = self.saved()
        path.write_text(path.read_text().replace('"acme.yaml"', '"../../acme.yaml"'))
        done = tco("--baseline", "baseline.json", "team/chat.yaml")
        assert done.exit_code == 2 and "not a baseline" in done.stderr

    def test_no_such_file(self, here: Path) -> None:
        done = tco("--baseline", "nix.json", "team/chat.yaml")
        assert done.exit_code == 2 and "no such file" in done.stderr

    def test_a_faulty_scenario_is_not_saved(self, here: Path) -> None:
        edited(here / "team" / "chat.yaml", "1M tokens/day", "1M tokens")
        done = tco("--save", "baseline.json", "team/chat.yaml")
        assert done.exit_code == 2 and not (here / "baseline.json").exists()

    def test_it_replaces_no_input(self, here: Path) -> None:
        done = tco("--save", "team/chat.yaml", "team/chat.yaml")
        assert done.exit_code == 2 and (here / "team" / "chat.yaml").read_text() == SCENARIO

    def test_a_shipped_scenario(self, here: Path) -> None:
        self.saved("baseline.json", "on-prem-70b")
        (found,) = data("--baseline", "baseline.json", "on-prem-70b")["scenarios"]
        assert found["status"] == "unchanged" and found["warnings"] == []
        assert name_in(Path("x/baseline.json"), "on-prem-70b") == "on-prem-70b"


class TestLimits:
    @pytest.mark.parametrize(
        ("limit", "code"),
        [
            ("105", 0), ("104.99", 3), ("$105/month", 0), ("$104.99/month", 3), ("$105", 0), ("0", 3),
            ("100%", 0), ("99.999%", 3), ("1k", 0),
        ],
    )  # fmt: skip
    def test_exactly_at_the_limit_is_within(self, here: Path, limit: str, code: int) -> None:
        done = tco("team/chat.yaml", later(here, volume="2M tokens/day"), "--max-increase", limit)
        assert done.exit_code == code
        assert f"{'Within' if code == 0 else 'Above'} the limit of {limit}: +$105.00 a month (+100 %)" in done.stdout

    def test_each_of_several_counts(self, here: Path) -> None:
        words = (
            "team/chat.yaml",
            later(here, volume="2M tokens/day"),
            "--max-increase",
            "500",
            "--max-increase",
            "10%",
        )
        assert tco(*words).exit_code == 3
        statuses = [v["status"] for v in data(*words)["scenarios"][0]["limits"]]
        assert statuses == ["within", "crossed"]

    def test_less_is_within_any(self, here: Path) -> None:
        new = later(here, volume="500k tokens/day")
        assert tco("team/chat.yaml", new, "--max-increase", "0", "--max-increase", "0%").exit_code == 0

    def test_another_exit_code(self, here: Path) -> None:
        words = ("team/chat.yaml", later(here, volume="2M tokens/day"), "--max-increase", "1", "--exit-code", "17")
        assert tco(*words).exit_code == 17

    @pytest.mark.parametrize("code", ["0", "1", "2", "4", "256", "-1"])
    def test_codes_that_are_taken(self, here: Path, code: str) -> None:
        done = tco("team/chat.yaml", "team/chat.yaml", "--max-increase", "1", "--exit-code", code)
        assert done.exit_code == 2

    def test_another_option(self, here: Path) -> None:
        new = later(here, volume="2M tokens/day")
        assert tco("team/chat.yaml", new, "--max-increase", "0", "--option", "own").exit_code == 0
        done = tco("team/chat.yaml", new, "--option", "onw")
        assert done.exit_code == 2 and "did you mean `own`?" in done.stderr

    def test_per_cent_of_nothing_is_no_pass(self, here: Path) -> None:
        free, dear = (later(here, f"{i}.yaml", all_in=price) for i, price in enumerate(("$0/month", "$50/month")))
        done = tco(free, dear, "--option", "own", "--max-increase", "10%")
        assert done.exit_code == 2 and "could not be evaluated: nothing was paid before" in done.stdout
        assert tco(free, dear, "--option", "own", "--max-increase", "50").exit_code == 0

    def test_no_feasible_option_is_no_pass(self, here: Path) -> None:
        old = edited(here / "team" / "chat.yaml", "current: api\n", "requirements: {data: on_premises}\n")
        done = tco(str(old), later(here), "--max-increase", "1")
        assert done.exit_code in (0, 2)
        shutil.copy(old, here / "team" / "same.yaml")
        for option in ("api", "own"):
            edited(here / "team" / "same.yaml", f"  {option}: {{", f"  {option}: {{data: public, ")
        done = tco("team/same.yaml", "team/same.yaml", "--max-increase", "1")
        assert done.exit_code == 2 and "no option is feasible" in done.stdout

    def test_a_limit_in_another_currency_is_no_pass(self, here: Path) -> None:
        done = tco("team/chat.yaml", later(here, volume="2M tokens/day"), "--max-increase", "€500/month")
        assert done.exit_code == 2 and "counts in USD" in done.stdout

    @pytest.mark.parametrize("limit", ["", "ten", "-5", "$5/year", "$5/month", "5%/month", "nan", "1e9"])
    def test_what_is_no_limit_in_all(self, limit: str) -> None:
        with pytest.raises(UnitError, match="an increase in all"):
            parse_increase(limit, "total")

    @pytest.mark.parametrize("limit", ["", "ten", "-5", "$5/year", "5%/month", "nan", "1e9"])
    def test_what_is_no_limit(self, limit: str) -> None:
        with pytest.raises(UnitError, match="an increase a month"):
            parse_increase(limit)


class TestBudgets:
    BUDGETS = "budgets:\n  api-bill: {limit: $150/month, owner: platform}\n"

    def test_what_is_newly_crossed_is_said(self, here: Path) -> None:
        edited(here / "team" / "chat.yaml", "current: api\n", f"current: api\n{self.BUDGETS}")
        shutil.copy(here / "team" / "chat.yaml", here / "team" / "more.yaml")
        new = str(edited(here / "team" / "more.yaml", "1M tokens/day", "2M tokens/day").relative_to(here))
        (found,) = data("team/chat.yaml", new)["scenarios"]
        (budget,) = found["budgets_newly_crossed"]
        assert (budget["name"], budget["status"], budget["limit"]) == ("api-bill", "crossed", 150.0)
        assert budget["figure"] == float(2 * MONTH)
        assert tco("team/chat.yaml", new).exit_code == 0, "that is for `tco check` to fail"
        for words in ((), ("--md",)):
            assert "Newly crossed: api-bill" in tco("team/chat.yaml", new, *words).stdout

    def test_what_was_crossed_before_is_not_new(self, here: Path) -> None:
        edited(here / "team" / "chat.yaml", "current: api\n", f"current: api\n{self.BUDGETS}".replace("150", "50"))
        shutil.copy(here / "team" / "chat.yaml", here / "team" / "more.yaml")
        edited(here / "team" / "more.yaml", "1M tokens/day", "2M tokens/day")
        (found,) = data("team/chat.yaml", "team/more.yaml")["scenarios"]
        assert found["budgets_newly_crossed"] == []

    def test_a_lower_limit_crosses_too(self, here: Path) -> None:
        edited(here / "team" / "chat.yaml", "current: api\n", f"current: api\n{self.BUDGETS}")
        shutil.copy(here / "team" / "chat.yaml", here / "team" / "lower.yaml")
        edited(here / "team" / "lower.yaml", "$150/month", "$100/month")
        (found,) = data("team/chat.yaml", "team/lower.yaml")["scenarios"]
        assert [b["name"] for b in found["budgets_newly_crossed"]] == ["api-bill"]
        assert (found["status"], found["bill"]["change"]) == ("changed", "0.00")


class TestUsage:
    @pytest.mark.parametrize(
        "words",
        [
            ("team/chat.yaml",),
            ("a", "b", "c"),
            ("--base", "main", "--baseline", "x.json", "team/chat.yaml"),
            ("--save", "x.json", "--md", "team/chat.yaml"),
            ("--save", "x.json", "--max-increase", "5", "team/chat.yaml"),
            ("team/chat.yaml", "team/chat.yaml", "--json", "--md"),
            ("team/chat.yaml", "team/chat.yaml", "--max-increase", "x"),
            ("team/chat.yaml", "team/chat.yaml", "--max-total-increase", "$5/month"),
            ("--save", "x.json", "--max-total-increase", "5", "team/chat.yaml"),
        ],
    )
    def test_wrong(self, here: Path, words: tuple[str, ...]) -> None:
        done = tco(*words)
        assert done.exit_code == 2 and done.stdout == ""


class TestComment:
    def test_the_marker_is_the_first_line(self, here: Path) -> None:
        done = tco("team/chat.yaml", later(here, volume="2M tokens/day"), "--md")
        first, *rest = done.stdout.splitlines()
        assert first == MARKER == "<!-- tco diff -->"
        open_text = done.stdout.split("<details>")[0]
        assert [line.split(" | ")[0] for line in open_text.splitlines() if line.startswith("| ")] == [
            "| scenario", "| team/later.yaml",
        ]  # fmt: skip
        assert done.stdout.count("<details>") == done.stdout.count("</details>") == 1
        assert rest

    def test_text_of_a_scenario_is_only_text(self, here: Path) -> None:
        evil = "'</details><img src=x> | @everyone [a](http://b) `c` &lt;'"
        done = tco("team/chat.yaml", later(here, "a&b<i>@x.yaml", name=evil, volume="2M tokens/day"), "--md")
        assert done.exit_code == 0
        inside = done.stdout
        assert "<img" not in inside.replace(r"\<img", "") and "<i>" not in inside.replace(r"\<i\>", "")
        assert inside.count("</details>") == 1
        assert "@everyone" not in inside and "@x" not in inside
        assert "&lt;" not in inside.replace("&amp;lt;", "").replace("b&lt;i&gt;", "")
        summary = re.search("<summary>(.*)</summary>", inside)
        assert summary is not None and "<i>" not in summary[1] and "a&amp;b&lt;i&gt;" in summary[1]
        table = [line for line in inside.splitlines() if line.startswith("| team")]
        assert all(len(re.findall(r"(?<!\\)\|", line)) == 8 for line in table)

    def test_several_scenarios_one_table(self, here: Path) -> None:
        shutil.copytree(here / "team", here / "new")
        for i in range(3):
            shutil.copy(here / "new" / "chat.yaml", here / "new" / f"chat{i}.yaml")
        edited(here / "new" / "chat.yaml", "1M tokens/day", "2M tokens/day")
        done = tco("team", "new", "--md")
        assert "### Cost: 4 of 4 scenarios changed" in done.stdout
        assert len([line for line in done.stdout.splitlines() if line.startswith("| new/")]) == 4

    def test_what_is_folded_goes_first_where_it_is_too_long(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shutil.copytree(here / "team", here / "new")
        for i in range(3):
            for folder in ("team", "new"):
                shutil.copy(here / "team" / "chat.yaml", here / folder / f"chat{i}.yaml")
            edited(here / "new" / f"chat{i}.yaml", "1M tokens/day", "2M tokens/day")
        whole = tco("team", "new", "--md").stdout
        assert whole.count("<details>") == 3 and "1 other scenario is unchanged" in whole
        monkeypatch.setattr(diff_markdown, "MOST_OF_A_COMMENT", len(whole) - 500)
        less = tco("team", "new", "--md").stdout
        assert less.count("<details>") == less.count("</details>") == 2
        assert "Too long for a comment: the details of one scenario." in less
        assert len([line for line in less.splitlines() if line.startswith("| new/")]) == 3


def test_unchanged_scenarios_within_their_limits_are_only_counted(here: Path) -> None:
    shutil.copytree(here / "team", here / "new")
    shutil.copy(here / "team" / "chat.yaml", here / "team" / "other.yaml")
    shutil.copy(here / "team" / "chat.yaml", here / "new" / "other.yaml")
    done = tco("team", "new", "--max-increase", "5")
    assert done.exit_code == 0
    assert "2 scenarios are unchanged." in done.stdout and "Chat" not in done.stdout
