"""`tco init`: a first scenario from a few answers, asked for in a terminal or given as flags."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tco.cli import completion
from tco.cli.app import app, faults_reported, usage_error
from tco.cli.scenarios import write_scenario

if TYPE_CHECKING:
    from tco.analysis.starter import Answers
    from tco.catalog.store import Store

EXIT_INTERRUPTED = 130
"""As shells have it for a command that Ctrl-C ends."""

EPILOG = "Example: tco init mine.yaml --model anthropic/claude-haiku-4.5 --invoice '$4,300' --gpu-price '$2.10/hour'"


@app.command(epilog=EPILOG)
def init(
    file: Annotated[Path, typer.Argument(help="Where to write it; never over what is there.")] = Path("scenario.yaml"),
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="An API of the catalogue; repeatable. The first is what runs today.",
            metavar="NAME",
            autocompletion=completion.models,
        ),
    ] = None,
    volume: Annotated[
        str | None, typer.Option(help="Traffic, such as '2M requests/month'.", metavar="VOLUME", show_default=False)
    ] = None,
    invoice: Annotated[
        str | None,
        typer.Option(help="A month's invoice of the first model, such as '$4,300': the volume follows from it."),
    ] = None,
    input_tokens: Annotated[
        str | None, typer.Option(help="Of a request, such as 1200; or of all, such as '1.9B tokens/month'.")
    ] = None,
    output_tokens: Annotated[str | None, typer.Option(help="Likewise.")] = None,
    gpu_price: Annotated[str | None, typer.Option(help="An offer for an H100, such as '$2.10/hour' per GPU.")] = None,
    gpu: Annotated[
        str | None,
        typer.Option(
            help="A GPU of the catalogue instead; none for no GPUs.", metavar="NAME", autocompletion=completion.gpus
        ),
    ] = None,
    capacity: Annotated[
        str | None,
        typer.Option(help="What a replica sustains, by profile.", metavar="NAME", autocompletion=completion.capacity),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="How far data must be kept apart.", metavar="LEVEL", autocompletion=completion.data_levels),
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Of the results; that of the stated money when absent.", metavar="CODE")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: assume what is not stated.")] = False,
) -> None:
    """Write a short scenario that runs: asks at most six questions, or takes flags.

    What nobody stated is assumed, and marked so in the file.
    """
    import shlex
    import sys
    from datetime import date

    target = file / "scenario.yaml" if file.is_dir() else file
    if target.exists() or target.is_symlink():
        raise usage_error(f"{target} exists already: name another file")
    if not target.parent.is_dir():
        raise usage_error(f"no folder {target.parent} to write {target.name} in")
    from tco.analysis.starter import Answers, check, shipped_store, starter
    from tco.units import UnitError

    today = date.today()
    answers = Answers(
        tuple(model or ()), volume, invoice, input_tokens, output_tokens, gpu, gpu_price, capacity, data, currency
    )
    store = shipped_store(today)
    with faults_reported():
        for key, texts in answers._asdict().items():
            for text in texts if isinstance(texts, tuple) else (texts,):
                if text is None:
                    continue
                try:
                    check(_CHECKED.get(key, key), text, store)
                except UnitError as problem:
                    flag = _CHECKED.get(key, key).replace("_", "-")
                    raise usage_error(f"--{flag}: {problem}") from None
        if not yes and sys.stdin.isatty():
            try:
                answers = _asked(answers, store)
            except typer.Abort:
                typer.echo("\nnothing was written", err=True)
                raise typer.Exit(EXIT_INTERRUPTED) from None
        try:
            made = starter(answers, today)
        except UnitError as problem:
            raise usage_error(str(problem)) from None
    schema = target.with_name("scenario.schema.json")
    beside = "" if schema.exists() else f", and {schema.name} beside it for editors"
    write_scenario(target, made.text.encode())
    for note in made.notes:
        typer.echo(f"note: {note}", err=True)
    if made.assumed:
        typer.echo(f"{made.assumed} lines are assumed: look for `assumed` in it", err=True)
    typer.echo(f"wrote {target}{beside}: now `tco compare {shlex.quote(str(target))}`", err=True)


_CHECKED = {"models": "model"}
"""The key of an answer's check, where it is not the answer's own."""


def _ask(question: str, default: str, read: Callable[[str], None]) -> str | None:
    """The answer, None for the default; asked again until it can be read."""
    from tco.units import UnitError

    while True:
        text = str(typer.prompt(question, default=default, err=True)).strip()
        try:
            read(text)
        except UnitError as problem:
            typer.echo(f"  {problem}", err=True)
        else:
            return None if text == default else text


def _asked(answers: Answers, store: Store) -> Answers:
    """What the flags left open, asked for: at most six questions. Enter takes the default, which stays assumed."""
    return _asked_of_own(_asked_of_apis(answers, store), store)


def _asked_of_apis(answers: Answers, store: Store) -> Answers:
    """The models and the traffic."""
    from tco.analysis import starter

    def size(key: str) -> Callable[[str], None]:
        """Tokens of a request or of a month: the output's are to go with the input's."""

        def read(text: str) -> None:
            starter.check(key, text, store)
            if key == "input_tokens":
                both = answers._replace(input_tokens=text, output_tokens=answers.output_tokens or text)
            else:
                both = answers._replace(output_tokens=text)
            starter.check_traffic(both)

        return read

    def listed(text: str) -> None:
        for name in _names(text):
            starter.check("model", name, store)

    def traffic(text: str) -> None:
        starter.check("invoice" if starter.is_money(text) else "volume", text, store)

    if not answers.models:
        text = _ask("APIs, what runs today first", ", ".join(starter.MODELS), listed)
        answers = answers._replace(models=() if text is None else _names(text))
    if answers.volume is None and answers.invoice is None and not _totals(answers):
        text = _ask("Traffic, or a month's invoice such as $4,300", starter.VOLUME, traffic)
        paid = text is not None and starter.is_money(text)
        answers = answers._replace(invoice=text) if paid else answers._replace(volume=text)
    if answers.input_tokens is None:
        text = _ask("Input tokens of a request", starter.INPUT_TOKENS, size("input_tokens"))
        answers = answers._replace(input_tokens=text)
    if answers.output_tokens is None:
        text = _ask("Output tokens of a request", starter.OUTPUT_TOKENS, size("output_tokens"))
        answers = answers._replace(output_tokens=text)
    return answers


def _asked_of_own(answers: Answers, store: Store) -> Answers:
    """Where data may go, and GPUs of one's own; on one's premises they are bought, and there is none to name."""
    from tco.analysis import starter
    from tco.scenario.requirements import DATA_LEVELS

    def level(text: str) -> None:
        starter.check("data", text, store)
        starter.check_together(answers._replace(data=text))

    def gpu(text: str) -> None:
        if starter.is_money(text):
            starter.check("gpu_price", text, store)
            return
        starter.check("gpu", text, store)
        if answers.capacity is None and text.casefold() not in starter.NO_GPUS:
            starter.assumed_capacity(text, store)
        starter.check_together(answers._replace(gpu=text))

    if answers.data is None:
        for name in DATA_LEVELS:
            typer.echo(f"  {name:<16}{starter.LEVELS[name]}", err=True)
        answers = answers._replace(data=_ask("Where data may go", DATA_LEVELS[0], level))
    if answers.gpu is None and answers.gpu_price is None and answers.data != "on_premises":
        text = _ask("A GPU: an offer such as $2.10/hour, a name, or none", starter.GPU, gpu)
        paid = text is not None and starter.is_money(text)
        answers = answers._replace(gpu_price=text) if paid else answers._replace(gpu=text)
    return answers


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip()) or (text,)


def _totals(answers: Answers) -> bool:
    """Whether both token counts are totals of a month, which say the volume too."""
    return all(text is not None and "/" in text for text in (answers.input_tokens, answers.output_tokens))
