"""`tco scenarios` lists what is shipped; `tco copy` makes one your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tco.cli import completion
from tco.cli.app import app, faults_reported, usage_error, write_whole


@app.command(epilog="Example: tco scenarios")
def scenarios() -> None:
    """List the shipped scenarios. Each can be compared by its name."""
    from tco.document import load
    from tco.shipped import shipped

    for path in sorted(shipped("scenarios").glob("*.yaml")):
        data = load(path).data
        typer.echo(f"{path.stem:<20} {data.get('description') or data.get('name') or ''}")


@app.command(epilog="Example: tco copy document-pipeline mine.yaml")
def copy(
    name: Annotated[
        str,
        typer.Argument(help="A shipped scenario.", show_default=False, autocompletion=completion.shipped_scenarios),
    ],
    file: Annotated[Path | None, typer.Argument(help="Where to write it; NAME.yaml here when absent.")] = None,
) -> None:
    """Copy a shipped scenario out, to be changed."""
    with faults_reported():
        from tco.analysis.case import document_of

        if "/" in name or name.endswith(".yaml"):
            raise usage_error(f"`{name}` is not the name of a shipped scenario: see `tco scenarios`")
        document = document_of(name)
    target = file or Path(f"{name}.yaml")
    if target.is_dir():
        target = target / f"{name}.yaml"
    if target.exists():
        raise usage_error(f"{target} exists already: name another file")
    write_scenario(target, document.raw)
    typer.echo(f"wrote {target}: now `tco compare {target}`", err=True)


def write_scenario(target: Path, content: bytes) -> None:
    """Write a scenario, and beside it the schema that its first line names, so that editors complete and check it."""
    from tco.shipped import shipped

    write_whole(target, content)
    schema = target.with_name("scenario.schema.json")
    if not schema.exists():
        write_whole(schema, (shipped("scenarios") / schema.name).read_bytes())
