"""`tco prices`: what the catalogues hold, where each figure comes from, and what nobody has checked lately."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tco.cli import completion
from tco.cli.app import app, faults_reported, usage_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tco.catalog.browse import Entry
    from tco.catalog.store import Store

EXIT_RULE = 3

prices = typer.Typer(
    name="prices",
    help="Look through the catalogues: prices, capacity, hardware, people, each figure with its source and date.",
    no_args_is_help=True,
    epilog="Example: tco prices search llama 70b",
)
app.add_typer(prices)

Catalogs = Annotated[
    list[Path] | None,
    typer.Option("--catalog", help="A folder of one's own prices, looked into first.", metavar="FOLDER"),
]
AsOf = Annotated[str | None, typer.Option(help="Prices as of another day than today.", metavar="DATE")]
Provider = Annotated[str | None, typer.Option(help="Only of this provider, or of this catalogue file.", metavar="NAME")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and only that.")]


@prices.command("list", epilog="Example: tco prices list gpus --provider AWS")
def list_(
    section: Annotated[
        str | None,
        typer.Argument(
            help="models, gpus, capacity, hardware, ...; all when absent.",
            show_default=False,
            autocompletion=completion.sections,
        ),
    ] = None,
    provider: Provider = None,
    catalog: Catalogs = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """List entries with the figure that matters and the day it was checked."""
    with faults_reported():
        from tco.catalog.browse import entries

        store = _store(catalog, as_of)
        found = _of_provider(entries(store, _section(section)), provider, store)
    _print("list", found, store, json)
    if not found:
        typer.echo(f"no {section or 'entries'}{f' of {provider}' if provider else ''}", err=True)


@prices.command(epilog="Example: tco prices show aws/p5.48xlarge")
def show(
    name: Annotated[
        str,
        typer.Argument(help="FILE/ENTRY, or ENTRY in any file.", show_default=False, autocompletion=completion.entries),
    ],
    catalog: Catalogs = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Show everything of an entry: each figure's source, kind and date, its history, and what holds."""
    with faults_reported():
        from tco.catalog.browse import entries, named, near

        store = _store(catalog, as_of)
        every = entries(store)
        found = named(every, name)
        if not found:
            close = near(every, name)
            hint = f"; did you mean {_either(close)}?" if close else "; see `tco prices list`"
            raise usage_error(f"no entry `{name}` in the catalogues{hint}")
    if json:
        _print("show", found, store, json)
        return
    from tco.report.console import console
    from tco.report.price_sheet import print_sheets

    print_sheets(found, console())


@prices.command(epilog="Example: tco prices search h100 eu")
def search(
    words: Annotated[list[str], typer.Argument(help="All of them must be there, case aside.", show_default=False)],
    catalog: Catalogs = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """List the entries that have every word in their name, label, GPU, provider, model or section.

    Finding nothing is an answer too: exit code 0, and near names on stderr.
    """
    with faults_reported():
        from tco.catalog.browse import entries, near
        from tco.catalog.browse import search as find

        store = _store(catalog, as_of)
        every = entries(store)
        found = find(every, words)
    _print("search", found, store, json)
    if not found:
        close = near(every, "-".join(words)) or [n for word in words for n in near(every, word)]
        hint = f"; near: {', '.join(list(dict.fromkeys(close))[:5])}" if close else ""
        typer.echo(f"nothing has {_all(words)} in it{hint}", err=True)


@prices.command(epilog="Example: tco prices stale --days 30")
def stale(
    days: Annotated[int, typer.Option(help="How long a check is good for.", metavar="N")] = 90,
    provider: Provider = None,
    catalog: Catalogs = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """List figures in use that nobody has checked within so many days, oldest first. Exit code 3 if there are any."""
    if days < 0:
        raise usage_error(f"--days: a number of days from 0, not {days}")
    with faults_reported():
        from tco.catalog.browse import entries
        from tco.catalog.browse import stale as find

        store = _store(catalog, as_of)
        found = _of_provider(entries(store), provider, store)
        looked_at = sum(not row.superseded for e in found for row in e.rows)
        old = find(found, store.as_of, days)
    if json:
        from tco.report.prices_json import stale_json

        typer.echo(stale_json(old, looked_at, store.as_of, days))
    else:
        from tco.report.console import console
        from tco.report.prices import print_stale

        print_stale(old, looked_at, store.as_of, days, console())
    if old:
        raise typer.Exit(EXIT_RULE)


def _store(catalogs: list[Path] | None, as_of: str | None) -> Store:
    """The folders named on the command line, then the shipped one. Leaves with 2 where one is none."""
    import os
    from datetime import date

    from tco.catalog.store import Store
    from tco.shipped import shipped

    day = date.today()
    if as_of is not None:
        try:
            day = date.fromisoformat(as_of if len(as_of) == len("2026-11-21") else "")
        except ValueError:
            raise usage_error(f"--as-of: not a date: `{as_of}`; write it as 2026-11-21") from None
    for folder in catalogs or []:
        if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
            raise usage_error(f"--catalog: no folder to read: {folder}")
    return Store([*(catalogs or []), shipped("pricing")], day)


def _section(section: str | None) -> str | None:
    from tco.catalog.browse import EVERY_SECTION
    from tco.document import did_you_mean

    wanted = None if section is None else section.replace("-", "_")
    if wanted is not None and wanted not in EVERY_SECTION:
        hint = did_you_mean(wanted, EVERY_SECTION)
        raise usage_error(f"no section `{section}`: one of {', '.join(EVERY_SECTION)}{'; ' if hint else ''}{hint}")
    return wanted


def _of_provider(found: list[Entry], provider: str | None, store: Store) -> list[Entry]:
    """The entries of a provider, or of a catalogue file. Leaves with 2 where neither is known."""
    if provider is None:
        return found
    from tco.catalog.browse import entries
    from tco.document import did_you_mean

    wanted = provider.casefold()
    known = dict.fromkeys(name for e in entries(store) for name in (e.provider, e.name.split("/")[0]) if name)
    if wanted not in (name.casefold() for name in known):
        hint = did_you_mean(provider, known)
        raise usage_error(f"no provider `{provider}` in the catalogues{'; ' if hint else ''}{hint}")
    return [e for e in found if wanted in (e.provider.casefold(), e.name.split("/")[0].casefold())]


def _print(what: str, found: Sequence[Entry], store: Store, json: bool) -> None:
    if json:
        from tco.report.prices_json import entries_json

        typer.echo(entries_json(what, found, store.as_of))
    else:
        from tco.report.console import console
        from tco.report.prices import print_list

        print_list(found, store.as_of, console())


def _either(names: Sequence[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _all(words: Sequence[str]) -> str:
    return " and ".join(f"`{word}`" for word in words)
