"""`tco validate`: what is wrong in scenarios and catalogues, all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tco.cli import completion
from tco.cli.app import EXIT_INPUT, app


@app.command(epilog="Example: tco validate scenario.yaml pricing/")
def validate(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Scenario or catalogue files, folders of them, or shipped scenarios.",
            show_default=False,
            autocompletion=completion.scenarios,
        ),
    ],
) -> None:
    """Check scenarios and catalogues: keys, units, references, shares. Prints every fault with its place."""
    from tco.analysis.check import check_file, files_under
    from tco.cli.app import faults_text
    from tco.shipped import shown

    failed = 0
    for name in files:
        found = files_under(name)
        if not found:
            failed += 1
            typer.echo(f"error: {name}: no .yaml file in it: nothing was checked", err=True)
        for path in found:
            faults, what = check_file(path)
            if faults is None:
                typer.echo(f"{shown(Path(path))}: {what}, no faults")
            else:
                failed += 1
                typer.echo(faults_text(faults), err=True)
    if failed:
        raise typer.Exit(EXIT_INPUT)
