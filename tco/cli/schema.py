"""`tco schema`: the JSON Schema that editors complete and check YAML with."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tco.cli.app import app


class Which(StrEnum):
    """The two kinds of file."""

    scenario = "scenario"
    catalog = "catalog"


@app.command(epilog="Example: tco schema scenario > scenario.schema.json")
def schema(which: Annotated[Which, typer.Argument(help="scenario or catalog", show_default=False)]) -> None:
    """Print the JSON Schema of scenarios or catalogues, as generated from the models."""
    from tco.report.schema import schema_text

    typer.echo(schema_text(which.value), nl=False)
