"""The GitHub Action, the GitLab template and the pre-commit hooks, each by running what it runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from action_runner import Ran, run

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
ACTION = ROOT / "action.yml"
GITLAB = ROOT / "ci" / "gitlab.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
EXAMPLE = ROOT / "docs" / "examples" / "repository"
PAGE = ROOT / "docs" / "ci.md"

SCENARIO = """\
name: Chat
as_of: 2026-11-01
workload: {{volume: {volume} requests/month, input_tokens: 1000, output_tokens: 200}}
current: api
budgets:
  api-bill: $8,000/month
options:
  api: {{kind: api, price: {{input: $3/1M tokens, output: {output}/1M tokens}}}}
"""
REQUEST = 1000 * 3e-6 + 200 * 15e-6
"""USD of a request while output is $15 per 1M tokens."""
WITHIN, ABOVE = round(1_000_000 * REQUEST), round(1_500_000 * REQUEST)
assert (WITHIN, ABOVE) == (6000, 9000), "on both sides of the budget"
HOSTILE = ('"; touch pwned #', "x $(touch pwned)`touch pwned`'; touch pwned #\n& touch pwned")


def scenario(volume: str = "1M", output: str = "$15") -> str:
    return SCENARIO.format(volume=volume, output=output)


class Repository:
    """A Git repository with a scenario on `main`, and what its commands print."""

    def __init__(self, folder: Path, inside: str = "") -> None:
        self.folder, self.file = folder, folder / inside / "scenarios" / "chat.yaml"
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder.parent),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONWARNINGS": "error",
            **{f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        self.file.parent.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.first = self.commit(scenario())

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=self.env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, text: str) -> str:
        self.file.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=change")
        return self.git("rev-parse", "HEAD")

    def pull_request(self, text: str) -> None:
        """What a job of a pull request checks out: its merge into main."""
        self.git("switch", "--quiet", "--force-create", "change", "main")
        self.commit(text)
        self.git("switch", "--quiet", "--detach", "main")
        self.git("merge", "--quiet", "--no-ff", "--message=merge", "change")

    def untouched(self) -> bool:
        """Whether nothing was left in it, neither by the run nor by what the inputs would do."""
        return not self.git("status", "--porcelain")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    folder = tmp_path / "repository"
    folder.mkdir()
    return Repository(folder)


class Platform:
    """GitHub beside a repository: a runner, and the comments of one pull request."""

    def __init__(self, repository: Repository, temp: Path) -> None:
        self.repository, self.temp, self.runs = repository, temp, 0
        self.state = temp / "github.json"
        self.state.write_text(json.dumps({"me": "bot", "comments": [], "calls": [], "fails": {}}))
        commands = temp / "commands"
        commands.mkdir()
        script(commands / "gh", f'exec "{sys.executable}" "{ROOT / "tests" / "fake_gh.py"}" "$@"')
        # `python3 -m venv FOLDER` makes a pip that installs nothing and puts the real command there
        pip = f'[ "$*" = "install --quiet {ROOT}" ] && ln -sf "{BIN / "tco"}" "$(dirname "$0")/tco"'
        script(
            commands / "python3",
            f'[ "$1 $2" = "-m venv" ] && mkdir -p "$3/bin" && cat >"$3/bin/pip" <<\'END\' && chmod +x "$3/bin/pip"\n'
            f"#!/bin/sh\n{pip}\nEND",
        )
        self.env = {**repository.env, "PATH": f"{commands}:{repository.env['PATH']}", "FAKE_GH": str(self.state)}

    def run(self, event: dict[str, Any] | None = None, /, **inputs: str) -> Ran:
        """The action in the repository as it is checked out; in a pull request unless another event is given."""
        self.runs += 1
        temp = self.temp / f"run{self.runs}"
        temp.mkdir()
        if event is None:
            event = {"pull_request": {"number": 7, "base": {"sha": self.repository.first}}}
        env = {
            **self.env,
            "GITHUB_SHA": self.repository.git("rev-parse", "HEAD"),
            "GITHUB_REPOSITORY": "team/bills",
            "GITHUB_RUN_ID": "42",
            "GITHUB_SERVER_URL": "https://github.example",
        }
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        return run(ACTION, given, {"token": "the-token", "event": event}, self.repository.folder, temp, env)

    def now(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.state.read_text())
        return found

    def given(self, **state: Any) -> None:
        self.state.write_text(json.dumps({**self.now(), **state}))

    def comments(self) -> list[str]:
        return [comment["body"] for comment in self.now()["comments"]]


@pytest.fixture
def github(repository: Repository, tmp_path: Path) -> Platform:
    temp = tmp_path / "runner"
    temp.mkdir()
    return Platform(repository, temp)


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


# The GitHub Action


def test_action_within_budget(repository: Repository, github: Platform) -> None:
    repository.pull_request(scenario("1.1M"))
    done = github.run()
    assert done.code == 0, done.log
    assert (done.outputs["exit-code"], done.outputs["verdict"]) == ("0", "passed")
    assert "::error" not in done.log
    [comment] = github.comments()
    assert comment.startswith("<!-- tco: cost -->\n")
    assert "600.00" in comment, "a tenth of a million requests more: what the change adds"
    assert repository.untouched()


def test_action_crossed_fails_after_all_is_written(repository: Repository, github: Platform) -> None:
    repository.pull_request(scenario("1.5M"))
    done = github.run()
    assert done.code == 3, done.log
    assert (done.outputs["exit-code"], done.outputs["verdict"]) == ("3", "crossed")
    line = next(i for i, text in enumerate(scenario().splitlines(), 1) if "api-bill" in text)
    assert re.search(rf"^::error file=scenarios/chat\.yaml,line={line},.*api-bill", done.log, re.MULTILINE), done.log
    assert "api-bill" in done.summary and "3,000.00" in done.summary, "the budget, and what the change adds"
    assert isinstance(json.loads(Path(done.outputs["json"]).read_text()), dict)
    [comment] = github.comments()
    assert comment == Path(done.outputs["markdown"]).read_text()
    assert "api-bill" in comment and "3,000.00" in comment
    assert "https://github.example/team/bills/actions/runs/42" in comment


def test_action_updates_its_comment_in_place(repository: Repository, github: Platform) -> None:
    person = {"id": 1, "user": {"login": "person"}, "body": "<!-- tco: cost -->\nlooks like it"}
    chatter = [{"id": n, "user": {"login": "person"}, "body": "hm"} for n in range(2, 150)]
    quoted = {"id": 900, "user": {"login": "bot"}, "body": "> <!-- tco: cost -->"}
    github.given(comments=[person, *chatter, quoted])
    before = github.now()["comments"]

    repository.pull_request(scenario("1.5M"))
    assert github.run().code == 3
    first = github.comments()[-1]
    repository.pull_request(scenario("1.2M"))
    assert github.run().code == 0
    after = github.now()["comments"]
    assert after[:-1] == before, "whatever another wrote stays, on the second page as on the first"
    assert len(after) == len(before) + 1
    assert "3,000.00" in first and "1,200.00" in after[-1]["body"] and "3,000.00" not in after[-1]["body"]

    assert github.run(name="other use").code == 0
    assert github.comments()[-1].startswith("<!-- tco: other use -->\n"), "a comment of its own"
    assert len(github.comments()) == len(before) + 2


@pytest.mark.parametrize("volume", ["1M", "1.5M"])
def test_action_where_the_token_may_not_comment(repository: Repository, github: Platform, volume: str) -> None:
    github.given(fails={"POST": "Resource not accessible by integration (HTTP 403)"})
    repository.pull_request(scenario(volume, "$16"))
    done = github.run()
    assert done.code == (0 if volume == "1M" else 3), "the verdict's, as with a comment"
    assert re.search("^::notice .*fork", done.log, re.MULTILINE)
    assert "200.00" in done.summary or "3,300.00" in done.summary, "the summary has what the comment would have"


def test_action_where_the_server_fails(repository: Repository, github: Platform) -> None:
    repository.pull_request(scenario("1.1M"))
    for method in ("GET", "POST"):
        github.given(fails={method: "Bad gateway (HTTP 502)"})
        done = github.run()
        assert done.code == 0
        assert re.search("^::warning .*could not be written", done.log, re.MULTILINE)
        assert "HTTP 502" in done.log


def test_action_without_a_comment(repository: Repository, github: Platform) -> None:
    repository.pull_request(scenario("1.1M"))
    done = github.run(comment="false")
    assert done.code == 0
    assert "600.00" in Path(done.outputs["markdown"]).read_text()
    assert github.now()["calls"] == []


def test_action_outside_a_pull_request(repository: Repository, github: Platform) -> None:
    done = github.run({}, max_increase="1%")
    assert done.code == 0
    assert re.search("^::notice .*no limit on an increase is applied", done.log, re.MULTILINE), "said, not dropped"
    assert github.now()["calls"] == []
    repository.commit(scenario("1.1M"))
    done = github.run({}, max_increase="1%", base="HEAD^")
    assert done.code == 3 and "600.00" in done.summary


def test_action_in_a_merge_queue(repository: Repository, github: Platform) -> None:
    repository.pull_request(scenario("1.1M"))
    done = github.run({"merge_group": {"base_sha": repository.first}}, max_increase="599.99")
    assert done.code == 3 and "600.00" in done.summary
    assert github.now()["calls"] == [], "there is nothing to comment on"


def test_action_counts_only_what_the_pull_request_changes(repository: Repository, github: Platform) -> None:
    """The event names a base that is older than what the merge is into."""
    repository.commit(scenario("1.2M"))
    repository.pull_request(scenario("1.3M"))
    done = github.run(max_increase="600")
    assert done.code == 0, done.log
    assert "600.00" in done.summary and "1,800.00" not in done.summary


def test_action_in_a_shallow_clone(repository: Repository, github: Platform, tmp_path: Path) -> None:
    repository.pull_request(scenario("1.1M"))
    repository.git("branch", "--quiet", "merge")
    source = f"file://{repository.folder}"
    repository.folder = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", "--branch=merge", source, "shallow"], cwd=tmp_path, check=True
    )
    done = github.run()
    assert done.code == 2
    assert "fetch-depth: 0" in done.log, "what to do"
    assert "exit code 2" in github.comments()[0]


def test_action_limits(repository: Repository, github: Platform) -> None:
    repository.pull_request(scenario("1.1M"))
    for limit, code in (("6600", 0), ("6599.99", 3)):
        assert github.run(max_monthly=limit).code == code, limit
    for limit, code in (("600\n", 0), ("10%\n599.99", 3), ("much", 2)):  # the last of several lines counts too
        assert github.run(max_increase=limit).code == code, limit
    assert "exit code 2" in github.comments()[0], "what could not be evaluated is not what the comment said before"
    # the scenario has no projection: a limit on what is paid over it cannot be evaluated
    assert github.run(max_total_increase="10%").code == 2
    assert "in all could not be evaluated" in github.comments()[0]


def test_action_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    (tmp_path / "runner").mkdir()
    repository = Repository(folder, "costs of it")
    github = Platform(repository, tmp_path / "runner")
    repository.pull_request(scenario("1.5M"))
    for paths in ("scenarios", "scenarios/chat.yaml", "\n  scenarios/chat.yaml  \n\n"):
        done = github.run(working_directory="costs of it", paths=paths)
        assert done.code == 3, done.log
        assert "::error file=costs of it/scenarios/chat.yaml," in done.log, "from the top, where annotations look"
    assert github.run(working_directory="elsewhere").code == 2


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", [n for n in yaml.safe_load(ACTION.read_text())["inputs"] if n != "token"])
def test_action_runs_no_input(repository: Repository, github: Platform, name: str, value: str) -> None:
    repository.pull_request(scenario("1.1M"))
    done = github.run(**{name.replace("-", "_"): value})
    assert done.code in (2, 4), done.log
    assert repository.untouched()
    assert not list(repository.folder.parent.rglob("pwned"))


def test_action_text_has_no_expressions() -> None:
    for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"]:
        assert "${{" not in step["run"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("comment", "yes"),
        ("paths", " \n "),
        ("name", ""),
        ("name", "a --> b"),
        ("name", "a--b"),
        ("name", "$(touch pwned)"),
    ],
)
def test_action_says_what_is_wrong_with_its_inputs(github: Platform, name: str, value: str) -> None:
    done = github.run(**{name: value})
    assert done.code == 2
    assert re.search(f"^::error title=tco::`{name}`", done.log, re.MULTILINE)


def test_action_that_cannot_be_installed(github: Platform) -> None:
    done = github.run(python="false")
    assert done.code == 4
    assert "could not be installed with false" in done.log


@pytest.mark.parametrize(("characters", "whole"), [(60_000, True), (70_000, False)])
def test_action_shortens_what_is_longer_than_a_comment(github: Platform, characters: int, whole: bool) -> None:
    env = {**github.env, "RESULTS": str(github.temp), "CHECKED": "0", "COMPARED": "0", "COMMENT": "true"}
    env |= {"NAME": "cost", "PULL_REQUEST": "7", "GH_TOKEN": "the-token", "GITHUB_REPOSITORY": "team/bills"}
    env |= {"GITHUB_SERVER_URL": "https://github.example", "GITHUB_RUN_ID": "42"}
    (github.temp / "check.md").write_text("é" * characters)  # two bytes each: it is characters that count
    (github.temp / "diff.md").write_text("")
    env["GITHUB_OUTPUT"] = str(github.temp / "output")
    subprocess.run(["bash", str(ROOT / "ci/github/comment.sh")], env=env, check=True)
    [comment] = github.comments()
    assert len(comment) <= 65_536
    assert comment.startswith("<!-- tco: cost -->\n")
    assert ("é" * characters in comment) is whole
    assert "[job summary](https://github.example/team/bills/actions/runs/42)" in comment or whole


VERDICTS = {
    (0, 0): 0, (3, 0): 3, (0, 3): 3, (2, 3): 2, (3, 2): 2, (4, 2): 4, (3, 4): 4, (1, 4): 1, (0, 1): 1, (137, 3): 137,
    (4, 130): 130,
}  # fmt: skip
"""By the exit codes of check and diff: a crash before 4 before 2 before 3."""


@pytest.mark.parametrize("codes", VERDICTS, ids=str)
def test_action_ends_with_the_code_that_weighs_more(codes: tuple[int, int], tmp_path: Path) -> None:
    checked, compared = map(str, codes)
    output = tmp_path / "output"
    env = {"PATH": os.environ["PATH"], "CHECKED": checked, "COMPARED": compared, "GITHUB_OUTPUT": str(output)}
    done = subprocess.run(["bash", str(ROOT / "ci/github/verdict.sh")], env=env, check=False)
    assert done.returncode == VERDICTS[codes]
    assert f"exit-code={VERDICTS[codes]}\n" in output.read_text()


def test_action_without_an_exit_code_is_no_pass(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "CHECKED": "", "COMPARED": "0", "GITHUB_OUTPUT": str(tmp_path / "output")}
    assert subprocess.run(["bash", str(ROOT / "ci/github/verdict.sh")], env=env, check=False).returncode == 1


# The GitLab template


@pytest.fixture
def gitlab(repository: Repository, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    commands = tmp_path / "commands"
    commands.mkdir()

    def job(tco: Path = BIN / "tco", pip: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """The job's lines in one shell, as a runner runs them. Where no bash is, it is sh."""
        pip = pip or f'[ "$*" = "install --quiet $TCO_SOURCE" ] && ln -sf "{tco}" "$(dirname "$0")/tco"'
        script(
            commands / "python",
            f'[ "$1 $2" = "-m venv" ] && mkdir -p "$3/bin" && cat >"$3/bin/pip" <<\'END\' && chmod +x "$3/bin/pip"\n'
            f"#!/bin/sh\n{pip}\nEND",
        )
        lines = tmp_path / "job.sh"
        lines.write_text("\n".join(["set -eu", *yaml.safe_load(GITLAB.read_text())["tco"]["script"]]))
        path = f"{commands}:{repository.env['PATH']}"
        env = {**repository.env, "PATH": path, "CI_PROJECT_DIR": str(repository.folder), **variables}
        return subprocess.run(
            ["sh", str(lines)], cwd=repository.folder, env=env, capture_output=True, text=True, check=False
        )

    return job


def test_gitlab_job(repository: Repository, gitlab: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    repository.pull_request(scenario("1.5M"))
    done = gitlab(TCO_SOURCE="/tco", CI_MERGE_REQUEST_DIFF_BASE_SHA=repository.first)
    assert done.returncode == 3, done.stderr
    job = yaml.safe_load(GITLAB.read_text())["tco"]
    for name in (*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]):
        assert (repository.folder / name).stat().st_size, f"{name}: kept though the job fails"
    report = ElementTree.parse(repository.folder / "tco-junit.xml")
    assert len(report.findall(".//testcase/failure")) == 1
    assert "3,000.00" in (repository.folder / "tco-diff.md").read_text()
    assert job["artifacts"]["when"] == "always" and job["variables"]["GIT_DEPTH"] == 0
    assert job["retry"] == {"max": 1, "exit_codes": 4} and "allow_failure" not in job


def test_gitlab_job_limits(repository: Repository, gitlab: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    base = repository.commit(scenario("1.2M"))
    repository.pull_request(scenario("1.3M"))
    merged = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": repository.first, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": base}
    for variables, code in (
        ({**merged, "TCO_MAX_INCREASE": "600"}, 0),  # against the target that was merged into
        ({**merged, "TCO_MAX_INCREASE": "599.99"}, 3),
        ({"CI_MERGE_REQUEST_DIFF_BASE_SHA": repository.first, "TCO_MAX_INCREASE": "600"}, 3),
        ({"TCO_MAX_INCREASE": "600"}, 0),  # a branch: no change to look at
        ({"TCO_MAX_MONTHLY": "7799.99"}, 3),
        ({"TCO_PATHS": "scenarios/chat.yaml"}, 0),
        ({"TCO_PATHS": "nowhere"}, 2),
        *(({"TCO_PATHS": text}, 2) for text in HOSTILE),
    ):
        done = gitlab(TCO_SOURCE="/tco", **variables)
        assert done.returncode == code, (variables, done.stdout, done.stderr)
    assert not list(repository.folder.parent.rglob("pwned"))


@pytest.mark.parametrize("codes", VERDICTS, ids=str)
def test_gitlab_ends_with_the_code_that_weighs_more(
    codes: tuple[int, int], gitlab: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    script(tmp_path / "fake", f"case $1 in check) exit {codes[0]} ;; diff) exit {codes[1]} ;; esac")
    done = gitlab(tmp_path / "fake", TCO_SOURCE="/tco", CI_MERGE_REQUEST_DIFF_BASE_SHA="main")
    assert done.returncode == VERDICTS[codes]


def test_gitlab_says_what_is_missing(gitlab: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = gitlab()
    assert done.returncode and "TCO_SOURCE: what pip installs" in done.stderr
    assert gitlab(pip="exit 1", TCO_SOURCE="/tco").returncode == 4, "what cannot be installed"


# The pre-commit hooks


@pytest.fixture
def hooked(repository: Repository, tmp_path: Path) -> Repository:
    """A repository whose hooks are the published ones, in the environment that tests have: none is installed."""
    hooks = [{**hook, "language": "system"} for hook in yaml.safe_load(HOOKS.read_text())]
    config = {"repos": [{"repo": "local", "hooks": hooks}]}
    (repository.folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    repository.env |= {"PATH": f"{BIN}:{repository.env['PATH']}", "PRE_COMMIT_HOME": str(tmp_path / "hooks")}
    return repository


def pre_commit(repository: Repository, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in repository.env.items() if name != "PYTHONWARNINGS"}
    command = [str(BIN / "pre-commit"), "run", "--color=never", *arguments]
    return subprocess.run(command, cwd=repository.folder, env=env, capture_output=True, text=True, check=False)


def test_hooks_look_at_what_is_committed(hooked: Repository) -> None:
    done = pre_commit(hooked, "--all-files")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Passed") == 2
    hooked.file.write_text(scenario("1.5M"))
    hooked.git("add", "--all")
    done = pre_commit(hooked)
    assert done.returncode == 1
    assert re.search(r"tco check\.+Failed\n- hook id: tco-check\n- exit code: 3\n", done.stdout), done.stdout
    assert "api-bill" in done.stdout and re.search(r"tco validate\.+Passed", done.stdout)


def test_hooks_leave_other_files_alone(hooked: Repository) -> None:
    hooked.git("add", "--all")
    hooked.git("commit", "--quiet", "--message=hooks")
    for name in ("deploy/values.yaml", "scenarios/notes.txt", "scenarios.yaml"):
        path = hooked.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("a: b\n")
        hooked.git("add", name)
    assert pre_commit(hooked).stdout.count("no files to check") == 2


def test_hooks_of_the_example_check_all_scenarios_where_a_price_changes(hooked: Repository) -> None:
    published = {hook["id"]: hook for hook in yaml.safe_load(HOOKS.read_text())}
    [stated] = yaml.safe_load((EXAMPLE / ".pre-commit-config.yaml").read_text())["repos"]
    hooks = [{**published[hook["id"]], **hook, "language": "system"} for hook in stated["hooks"]]
    config = {"repos": [{"repo": "local", "hooks": hooks}]}
    (hooked.folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    shutil.copytree(EXAMPLE / "prices", hooked.folder / "prices")
    hooked.commit((EXAMPLE / "scenarios" / "support-chat.yaml").read_text().replace("$13k", "$20k"))
    prices = hooked.folder / "prices" / "contract.yaml"
    for text, code in (("2.00", 1), ("1.00", 0)):  # twice the price of input crosses the budget
        prices.write_text(re.sub(r"(input_per_mtok:) \S+", rf"\1 {text}", prices.read_text()))
        hooked.git("add", "--all")
        done = pre_commit(hooked, *(() if code else ("--all-files",)))
        assert done.returncode == code, done.stdout
        assert ("exit code: 3" in done.stdout) is bool(code)


def test_hooks_find_faults(hooked: Repository) -> None:
    prices = hooked.folder / "prices"
    prices.mkdir()
    (prices / "contract.yaml").write_text("modles: {}\n")
    hooked.git("add", "--all")
    done = pre_commit(hooked, "tco-validate")
    assert done.returncode == 1 and "prices/contract.yaml:1:1" in done.stdout


# The project's own CI, the formats of all this, and the page


def test_the_project_checks_its_own_scenarios() -> None:
    done = subprocess.run(["make", "--dry-run", "test"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.search(r"^\S+/tco check scenarios/$", done.stdout, re.MULTILINE)


def test_formats_hold_against_the_published_schemas() -> None:
    """The schemas are those of the package: nothing is fetched."""
    workflow = EXAMPLE / ".github" / "workflows" / "cost.yml"
    for schema, path in (("github-actions", ACTION), ("gitlab-ci", GITLAB), ("github-workflows", workflow)):
        command = [str(BIN / "check-jsonschema"), "--builtin-schema", f"vendor.{schema}", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    for what, path in (("manifest", HOOKS), ("config", EXAMPLE / ".pre-commit-config.yaml")):
        done = subprocess.run(
            [str(BIN / "pre-commit"), f"validate-{what}", str(path)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_shell_scripts_pass_their_linter(tmp_path: Path) -> None:
    job = tmp_path / "gitlab.sh"
    job.write_text("\n".join(["#!/bin/sh", "set -e", *yaml.safe_load(GITLAB.read_text())["tco"]["script"]]))
    scripts = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("ci/**/*.sh"))]
    assert len(scripts) == 6
    command = [str(BIN / "shellcheck"), "--external-sources", *scripts, str(job)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_page_shows_the_files_of_the_example() -> None:
    page = PAGE.read_text()
    for name in (".github/workflows/cost.yml", ".gitlab-ci.yml", ".pre-commit-config.yaml"):
        text = (EXAMPLE / name).read_text()
        assert f"```yaml\n# {name}\n{text}```\n" in page, name
    for path in EXAMPLE.rglob("*"):
        if path.is_file():
            assert path.name in page, "the layout names every file"


def test_the_example_uses_inputs_that_there_are() -> None:
    workflow = yaml.safe_load((EXAMPLE / ".github/workflows/cost.yml").read_text())
    [step] = [s for s in workflow["jobs"]["cost"]["steps"] if s["uses"].endswith("/tco@v0.4.0")]
    assert step["with"].keys() <= yaml.safe_load(ACTION.read_text())["inputs"].keys()


def test_the_example_repository_crosses_its_budget(tmp_path: Path) -> None:
    copy = tmp_path / "repository"
    shutil.copytree(EXAMPLE, copy)
    done = subprocess.run([BIN / "tco", "validate", "scenarios", "prices"], cwd=copy, check=False)
    assert done.returncode == 0
    assert subprocess.run([BIN / "tco", "check", "scenarios"], cwd=copy, check=False).returncode == 3
    done = subprocess.run([BIN / "tco", "diff", "--baseline", "baseline.json", "scenarios"], cwd=copy, check=False)
    assert done.returncode == 0
