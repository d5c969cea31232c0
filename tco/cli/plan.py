"""`tco plan`: what every option pays over the months to come, what pays back, and when the answer changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tco.cli import completion
from tco.cli.app import app, check_outputs, faults_reported, read, usage_error, write_whole

if TYPE_CHECKING:
    from tco.analysis.plan import Plan

EXAMPLE = "Example: tco plan scenario.yaml --months 24 --png paid.png"


@app.command(epilog=EXAMPLE)
def plan(
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
        typer.Option(help="Plan this variant of the scenario.", metavar="NAME", autocompletion=completion.variants),
    ] = None,
    months: Annotated[
        str | None, typer.Option(help="Another horizon: 36, or '3 years'.", metavar="N", show_default=False)
    ] = None,
    start: Annotated[str | None, typer.Option(help="Another first month, such as 2027-01.", metavar="MONTH")] = None,
    at: Annotated[
        str | None, typer.Option(help="Another volume to start from, such as '20M tokens/day'.", metavar="VOLUME")
    ] = None,
    draws: Annotated[
        int, typer.Option(help="Draws of what is a range; 0 for none.", min=0, max=100_000, metavar="N")
    ] = 256,
    seed: Annotated[int, typer.Option(help="Other draws of the same ranges.", min=0, metavar="N")] = 1,
    option: Annotated[
        str | None,
        typer.Option(help="Show this option line by line.", metavar="NAME", autocompletion=completion.options),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every line of every month.", metavar="FILE")] = None,
    png: Annotated[Path | None, typer.Option(help="Draw what has been paid so far.", metavar="FILE")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, and only that.")] = False,
    md: Annotated[bool, typer.Option("--md", help="Print Markdown, and only that.")] = False,
) -> None:
    """Follow the options of a scenario over time: what is paid, what pays back, when the answer changes."""
    if json and md:
        raise typer.BadParameter("--json and --md both print to stdout: choose one")
    if json and option is not None:
        raise typer.BadParameter("--json has every option: leave --option out")
    for path, suffix in ((csv, ".csv"), (png, ".png")):
        if path is not None and path.suffix.lower() != suffix:
            raise typer.BadParameter(f"{path}: name a file that ends in {suffix}")
    with faults_reported():
        from tco.analysis.plan import plan as run

        case = read(scenario, variant, at=at, months=months, start=start)
        result = run(case, draws, seed)
        _check_option(result, option)
        check_outputs(case, csv, png)
    if csv is not None:
        from tco.report.plan_csv import plan_csv

        write_whole(csv, plan_csv(result).encode("utf-8", "replace"))
    if png is not None:
        from tco.report.plan_png import draw

        write_whole(png, draw(result))
    if json:
        from tco.report.plan_json import as_json

        typer.echo(as_json(result))
    elif md:
        from tco.report.plan_markdown import as_markdown

        typer.echo(as_markdown(result, option), nl=False)
    else:
        from tco.report.console import console
        from tco.report.plan_terminal import print_plan

        print_plan(result, console(), option)
    for path in (csv, png):
        if path is not None:
            typer.echo(f"wrote {path}", err=True)


def _check_option(found: Plan, option: str | None) -> None:
    """Leave with 2 where the plan has no such option."""
    from tco.document import did_you_mean

    known = [p.name for p in found.prospects]
    if option is not None and option not in known:
        hint = did_you_mean(option, known)
        raise usage_error(
            f"--option: no option `{option}` in the plan: one of {', '.join(known)}{'; ' if hint else ''}{hint}"
        )
