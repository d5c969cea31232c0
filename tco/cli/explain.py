"""`tco explain`: the ledger of one option, and the capacity arithmetic behind it."""

from __future__ import annotations

from typing import Annotated

import typer

from tco.cli import completion
from tco.cli.app import app, faults_reported, read, usage_error


@app.command(epilog="Example: tco explain document-pipeline own-gpus --at '20M tokens/day'")
def explain(
    scenario: Annotated[
        str,
        typer.Argument(
            help="A scenario file, or the name of a shipped one.",
            show_default=False,
            autocompletion=completion.scenarios,
        ),
    ],
    option: Annotated[
        str, typer.Argument(help="The option to explain.", show_default=False, autocompletion=completion.options)
    ],
    variant: Annotated[
        str | None,
        typer.Option(help="Of this variant of the scenario.", metavar="NAME", autocompletion=completion.variants),
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="At another volume, such as '20M tokens/day'.", metavar="VOLUME")
    ] = None,
) -> None:
    """Print every line of an option: quantity x rate, where each number came from, and the load by hour."""
    with faults_reported():
        from tco.analysis.ledger import ledger
        from tco.document import did_you_mean
        from tco.lineitem import Exact
        from tco.options.base import Notes

        case = read(scenario, variant, at=at)
        if option not in case.options:
            hint = did_you_mean(option, case.options)
            known = ", ".join(case.options)
            raise usage_error(
                f"no option `{option}` in {case.document.path}: one of {known}{'; ' if hint else ''}{hint}"
            )
        notes = Notes()
        books = ledger(case.price(Exact(), notes)[option], case.volume())
    from tco.report.console import console
    from tco.report.explain import print_ledger

    print_ledger(case, option, books, notes, console())
