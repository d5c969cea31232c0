"""JSON Schemas of scenarios and catalogues, generated from the models, for editors and for checking."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter

from tco.catalog.entries import Catalogue
from tco.options.kinds import kind, kinds
from tco.report.check_schema import check_schema
from tco.scenario.model import Scenario

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_text(which: str) -> str:
    """The schema of "scenario", "catalog" or "check", as it is checked in."""
    schema = {"scenario": _scenario, "catalog": lambda: _of(Catalogue), "check": check_schema}[which]()
    return json.dumps({"$schema": DRAFT, **schema}, indent=2, ensure_ascii=False) + "\n"


def _of(model: Any) -> dict[str, Any]:
    return TypeAdapter(model).json_schema(by_alias=True, ref_template="#/$defs/{model}")


def _scenario() -> dict[str, Any]:
    """The scenario's own keys, with each option one of the kinds there are."""
    schema = _of(Scenario)
    definitions = schema.setdefault("$defs", {})
    references = []
    for name in kinds():
        option = _of(kind(name).Spec)
        definitions |= option.pop("$defs", {})
        definitions[f"option-{name}"] = option
        references.append({"$ref": f"#/$defs/option-{name}"})
    schema["properties"]["options"]["additionalProperties"] = {"oneOf": references}
    schema["properties"]["options"].pop("patternProperties", None)
    return schema
