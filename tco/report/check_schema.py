"""The JSON Schema of what `tco check --json` prints."""

from __future__ import annotations

from typing import Any, get_args

from tco.gate.finding import CROSSED, NOT_EVALUATED, OUTSIDE, PASSED, RULES, Status
from tco.report.check_json import VERSION

MONTH = {"type": "string", "pattern": r"^\d{4}-\d{2}$"}
DATE = {"type": "string", "format": "date"}
CENTS = {"type": "string", "pattern": r"^-?\d+\.\d{2}$"}
TEXT, COUNT = {"type": "string"}, {"type": "integer", "minimum": 0}


def _keys(**properties: Any) -> dict[str, Any]:
    """An object of which every key is there. New keys may come without a new version: others are allowed."""
    return {"type": "object", "required": list(properties), "properties": properties}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def check_schema() -> dict[str, Any]:
    """Of the whole report."""
    number, text = _or_null({"type": "number"}), _or_null(TEXT)
    place = _keys(file=TEXT, line={**COUNT, "description": "from 1; 0 for a file as a whole"}, col=COUNT)
    crossing = _or_null(_keys(month=MONTH, figure=number))
    driver = _keys(part=TEXT, category=TEXT, label=TEXT, amount=CENTS, growth=_or_null(CENTS))
    finding = _keys(
        rule={"enum": list(RULES), "description": "a stable id"},
        name=TEXT,
        subject=TEXT,
        status={"enum": list(get_args(Status))},
        message=TEXT,
        unit={**text, "description": "of figure, limit, warn and margin"},
        figure=number,
        limit=number,
        limit_is={"enum": ["at most", "at least"]},
        warn=number,
        margin={**number, "description": "what is left up to the limit; negative beyond it"},
        margin_share=number,
        month={**_or_null(MONTH), "description": "of the figure, the highest of all months"},
        first_crossed={**crossing, "description": "the first month beyond the limit"},
        projection_crosses={**crossing, "description": "of a limit that holds today; no failure"},
        driver=_or_null(driver),
        option=text,
        percentile=number,
        not_before=_or_null(MONTH),
        expires=_or_null(DATE),
        owner=text,
        reason=text,
        notes={"type": "array", "items": TEXT},
        place={"$ref": "#/$defs/place"},
    )
    fault = _keys(message=TEXT, value=text, expected=text, hint=text, place={"$ref": "#/$defs/place"})
    scenario = _keys(
        file=TEXT,
        title=TEXT,
        currency=text,
        as_of=_or_null(DATE),
        findings={"type": "array", "items": {"$ref": "#/$defs/finding"}},
        faults={
            "type": "array",
            "items": {"$ref": "#/$defs/fault"},
            "description": "what could not be evaluated: never a pass",
        },
        failure={**text, "description": "what failed outside of tco"},
    )
    whole = _keys(
        schema={"const": "tco.check"},
        version={"const": VERSION},
        verdict={"enum": [PASSED, CROSSED, NOT_EVALUATED, OUTSIDE]},
        exit_code=COUNT,
        today=DATE,
        counts=_keys(**dict.fromkeys(get_args(Status), COUNT)),
        skipped_files=COUNT,
        scenarios={"type": "array", "items": {"$ref": "#/$defs/scenario"}},
        inputs={"type": "array", "items": _keys(file=TEXT, sha256={"type": "string", "pattern": "^[0-9a-f]{64}$"})},
    )
    definitions = {"place": place, "finding": finding, "fault": fault, "scenario": scenario}
    return {"title": "tco check", "description": "What `tco check --json` prints.", **whole, "$defs": definitions}
