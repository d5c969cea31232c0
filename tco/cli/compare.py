"""`tco compare`: which option is cheapest, where that changes, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tco.cli import completion
from tco.cli.app import app, check_outputs, faults_reported, read, write_whole

if TYPE_CHECKING:
    from tco.analysis.case import Case
    from tco.analysis.variants import VariantResult

EXAMPLE = "Example: tco compare document-pipeline --png costs.png"


@app.command(epilog=EXAMPLE)
def compare(
    scenario: Annotated[
        str,
        typer.Argument(
            help="A scenario file, or the name of a shipped one.",
            show_default=False,
            autocompletion=completion.scenarios,
        ),
    ],
    variant: Annotated[
        str | None,
        typer.Option(help="Compare this variant of the scenario.", metavar="NAME", autocompletion=completion.variants),
    ] = None,
    variants: Annotated[bool, typer.Option("--variants", help="Compare every variant beside it.")] = False,
    at: Annotated[
        str | None, typer.Option(help="Another planned volume, such as '20M tokens/day'.", metavar="VOLUME")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="The lowest volume to look at.", metavar="VOLUME")] = None,
    to: Annotated[str | None, typer.Option(help="The highest volume to look at.", metavar="VOLUME")] = None,
    draws: Annotated[
        int, typer.Option(help="Draws of what is a range; 0 for none.", min=0, max=100_000, metavar="N")
    ] = 256,
    seed: Annotated[int, typer.Option(help="Other draws of the same ranges.", min=0, metavar="N")] = 1,
    csv: Annotated[Path | None, typer.Option(help="Write the ledger of every option.", metavar="FILE")] = None,
    sweep: Annotated[
        Path | None, typer.Option(help="Write the cost of every option over the range, as CSV.", metavar="FILE")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Draw the cost curves and bands.", metavar="FILE")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, and only that.")] = False,
    md: Annotated[bool, typer.Option("--md", help="Print Markdown, and only that.")] = False,
) -> None:
    """Compare the options of a scenario: cost, breakdown, crossovers, the cheapest by volume."""
    if json and md:
        raise typer.BadParameter("--json and --md both print to stdout: choose one")
    if variants and variant is not None:
        raise typer.BadParameter("--variants compares them all: leave --variant out")
    for path, suffix in ((csv, ".csv"), (sweep, ".csv"), (png, ".png")):
        if path is not None and path.suffix.lower() != suffix:
            raise typer.BadParameter(f"{path}: name a file that ends in {suffix}")
    with faults_reported():
        from tco.analysis.compare import compare as run

        case = read(scenario, variant, at=at, from_=from_, to=to)
        result = run(case, draws, seed)
        beside = _variants(case, draws, seed) if variants else []
        check_outputs(case, csv, sweep, png)
    if csv is not None:
        from tco.report.csv import ledger_csv

        write_whole(csv, ledger_csv(result).encode("utf-8", "replace"))
    if sweep is not None:
        from tco.report.csv import sweep_csv

        write_whole(sweep, sweep_csv(result).encode("utf-8", "replace"))
    if png is not None:
        from tco.report.png import draw

        write_whole(png, draw(result))
    if json:
        from tco.report.json import as_json

        typer.echo(as_json(result, beside))
    elif md:
        from tco.report.markdown import as_markdown

        typer.echo(as_markdown(result, beside), nl=False)
    else:
        from tco.report.console import console
        from tco.report.table import print_comparison

        print_comparison(result, beside, console())
    for path in (csv, sweep, png):
        if path is not None:
            typer.echo(f"wrote {path}", err=True)


def _variants(case: Case, draws: int, seed: int) -> list[VariantResult]:
    from tco.analysis.variants import variants

    return variants(case, draws, seed)
