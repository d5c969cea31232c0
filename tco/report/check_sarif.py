"""The gate as SARIF 2.1.0, for code scanning: a rule for each kind of check, a result for whatever needs somebody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tco.document import Fault
from tco.gate.finding import NOT_EVALUATED, OUTSIDE, RULES, Finding, Place, Report
from tco.report import check_words as words

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"crossed": "error", "violated": "error", "warned": "warning", "allowed": "note", "within": "none"}
FINGERPRINT = "tcoBudget/v1"
"""What a result is known again by: the file, the rule and the budget, not its line or its figures."""


def as_sarif(report: Report) -> str:
    """The whole report: one run."""
    evaluated = report.verdict not in (NOT_EVALUATED, OUTSIDE)
    invocation: dict[str, Any] = {
        "executionSuccessful": evaluated,
        "exitCode": report.exit_code,
        "exitCodeDescription": words.MEANINGS[report.verdict],
        "toolExecutionNotifications": [
            *(_notification(fault) for s in report.scenarios for fault in s.faults),
            *(_failure(s.file, s.failure) for s in report.scenarios if s.failure),
        ],
    }
    run = {
        "tool": {"driver": {"name": "tco", "rules": [_rule(key) for key in RULES]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "results": [_result(f) for s in report.scenarios for f in words.by_gravity(s.findings)],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, allow_nan=False)


def _rule(key: str) -> dict[str, Any]:
    name, holds = RULES[key]
    return {
        "id": key,
        "name": name,
        "shortDescription": {"text": holds},
        "fullDescription": {"text": holds},
        "help": {"text": "A scenario's `budgets` and `checks` say what must hold: see docs/commands/check.md."},
        "defaultConfiguration": {"level": "error"},
    }


def _result(f: Finding) -> dict[str, Any]:
    """A check that holds is a result of kind `pass`."""
    level = "note" if f.status == "within" and f.outlook is not None else LEVELS[f.status]
    return {
        "ruleId": f.rule,
        "ruleIndex": list(RULES).index(f.rule),
        "kind": "pass" if level == "none" else "fail",
        "level": level,
        "message": {"text": words.message(f)},
        "locations": [_location(f.place)],
        "partialFingerprints": {FINGERPRINT: f"{f.place.file}/{f.rule}/{f.name}"},
        "properties": {"name": f.name, "status": f.status},
    }


def _notification(fault: Fault) -> dict[str, Any]:
    place = Place(fault.file, fault.line, fault.col)
    return {"level": "error", "message": {"text": words.fault(fault)}, "locations": [_location(place)]}


def _failure(file: str, failure: str) -> dict[str, Any]:
    return {"level": "error", "message": {"text": failure}, "locations": [_location(Place(file, 0, 0))]}


def _location(place: Place) -> dict[str, Any]:
    """A file relative to where the check ran, as code scanning wants it; its line where it has one."""
    path = Path(place.file)
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if place.line:
        physical["region"] = {"startLine": place.line, "startColumn": place.col}
    return {"physicalLocation": physical}
