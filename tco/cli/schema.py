"""`tco schema`: the JSON Schema that editors complete and check YAML with."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tco.cli.app import app


class Which(StrEnum):
    """Two kinds of file that are read, and what `tco check --json` prints."""

    scenario = "scenario"
    catalog = "catalog"
    check = "check"


@app.command(epilog="Example: tco schema scenario > scenario.schema.json")
def schema(which: Annotated[Which, typer.Argument(help="scenario, catalog or check", show_default=False)]) -> None:
    """Print the JSON Schema of scenarios, of catalogues or of a check's result, as generated from the models."""
    from tco.report.schema import schema_text

    typer.echo(schema_text(which.value), nl=False)
