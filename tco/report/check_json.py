"""The gate as JSON, for programs. The schema is in `check_schema`; figures are exact decimals or floats beside."""

from __future__ import annotations

import json
from typing import Any

from tco.document import Fault
from tco.gate.finding import Checked, Crossing, Driver, Finding, Place, Report
from tco.report import check_words as words

VERSION = 1
"""Raised when a key changes its meaning or goes; new keys do not raise it."""


def as_json(report: Report) -> str:
    """The whole report; the same inputs on the same day give the same bytes."""
    content = {
        "schema": "tco.check",
        "version": VERSION,
        "verdict": report.verdict,
        "exit_code": report.exit_code,
        "today": report.today.isoformat(),
        "counts": {status: sum(f.status == status for f in report.findings) for status in words.ORDER},
        "skipped_files": report.skipped,
        "scenarios": [_scenario(s) for s in report.scenarios],
        "inputs": [{"file": file, "sha256": digest} for file, digest in report.inputs.items()],
    }
    return json.dumps(content, indent=2, allow_nan=False)


def _scenario(s: Checked) -> dict[str, Any]:
    return {
        "file": s.file,
        "title": s.title,
        "currency": s.currency or None,
        "as_of": s.as_of or None,
        "findings": [_finding(f) for f in s.findings],
        "faults": [_fault(f) for f in s.faults],
        "failure": s.failure or None,
    }


def _finding(f: Finding) -> dict[str, Any]:
    return {
        "rule": f.rule,
        "name": f.name,
        "subject": f.subject,
        "status": f.status,
        "message": words.message(f),
        "unit": f.unit or None,
        "figure": None if f.figure is None else float(f.figure),
        "limit": None if f.limit is None else float(f.limit),
        "limit_is": "at least" if f.at_least else "at most",
        "warn": None if f.warn is None else float(f.warn),
        "margin": None if f.margin is None else float(f.margin),
        "margin_share": None if f.margin_share is None else float(f.margin_share),
        "month": None if f.month is None else str(f.month),
        "first_crossed": _crossing(f.crossing),
        "projection_crosses": _crossing(f.outlook),
        "driver": _driver(f.driver),
        "option": f.option,
        "percentile": None if f.percentile is None else float(f.percentile),
        "not_before": None if f.not_before is None else str(f.not_before),
        "expires": None if f.expires is None else f.expires.isoformat(),
        "owner": f.owner,
        "reason": f.reason or None,
        "notes": list(f.notes),
        "place": _place(f.place),
    }


def _crossing(x: Crossing | None) -> dict[str, Any] | None:
    if x is None:
        return None
    return {"month": str(x.month), "figure": None if x.figure is None else float(x.figure)}


def _driver(d: Driver | None) -> dict[str, Any] | None:
    if d is None:
        return None
    growth = None if d.growth is None else f"{d.growth:.2f}"
    return {"part": d.part, "category": d.category, "label": d.label, "amount": f"{d.amount:.2f}", "growth": growth}


def _fault(f: Fault) -> dict[str, Any]:
    return {
        "message": f.message,
        "value": f.value or None,
        "expected": f.expected or None,
        "hint": f.hint or None,
        "place": _place(Place(f.file, f.line, f.col)),
    }


def _place(p: Place) -> dict[str, Any]:
    return {"file": p.file, "line": p.line, "col": p.col}
