"""Runs a composite action as GitHub's runner does: expressions filled in, each step in a bash of its own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml


class Ran(NamedTuple):
    """What an action leaves behind."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str


def run(
    action: Path, inputs: Mapping[str, str], github: Mapping[str, Any], workspace: Path, temp: Path, env: dict[str, str]
) -> Ran:
    """Run the steps in turn until one fails. `github` is the context of that name; `temp` is emptied by nobody."""
    stated = yaml.safe_load(action.read_text())
    unknown = inputs.keys() - stated["inputs"].keys()
    assert not unknown, f"no such input: {unknown}"
    context: dict[str, Any] = {"github": github, "steps": {}}
    context["inputs"] = {
        name: inputs.get(name, filled(about["default"], context)) for name, about in stated["inputs"].items()
    }
    summary, log, code = temp / "summary.md", "", 0
    summary.write_text("")
    for number, step in enumerate(stated["runs"]["steps"]):
        assert step["shell"] == "bash"
        output, script = temp / f"output{number}", temp / f"step{number}.sh"
        output.write_text("")
        script.write_text(filled(step["run"], context))
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-euo", "pipefail", str(script)],
            cwd=workspace,
            env={
                **env,
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTION_PATH": str(action.parent),
                "GITHUB_WORKSPACE": str(workspace),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(summary),
                "RUNNER_TEMP": str(temp),
                **{name: filled(value, context) for name, value in step["env"].items()},
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        log, code = log + done.stdout, done.returncode
        found = dict(line.split("=", 1) for line in output.read_text().splitlines())
        context["steps"][step["id"]] = {"outputs": found}
        if code:
            break
    outputs = {name: filled(about["value"], context) for name, about in stated["outputs"].items()}
    return Ran(code, log, outputs, summary.read_text())


def filled(text: str, context: Mapping[str, Any]) -> str:
    """Text with its expressions: paths into the context, the first of several that is not empty."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: _value(match[1], context), text)


def _value(expression: str, context: Mapping[str, Any]) -> str:
    for path in expression.split("||"):
        found: Any = context
        for part in path.strip().split("."):
            found = found.get(part, {})
        if found:
            return str(found)
    return ""
