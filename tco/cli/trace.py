"""`tco trace`: recorded traffic: what it holds, and traces made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from tco.cli.app import app, check_named, faults_reported, usage_error, write_whole, writing_whole

if TYPE_CHECKING:
    from fractions import Fraction

    from tco.traffic.recording import Rate, Written
    from tco.traffic.statistics import Statistics
    from tco.traffic.trace import Trace

trace = typer.Typer(
    name="trace",
    help="Recorded traffic: what a log holds, and traces made of it.",
    no_args_is_help=True,
    epilog="Example: tco trace inspect log.jsonl",
)
app.add_typer(trace)

EXIT_INTERRUPTED = 130
LARGE = 1 << 26
"""Bytes of a log from which on it is shown how far it was read."""
FORMATS = "jsonl, azure, burstgpt, mooncake, otel, litellm, openai-batch"
File = Annotated[str, typer.Argument(help="A log, gzipped or not; - for standard input.", show_default=False)]
Format = Annotated[
    str | None, typer.Option("--format", help=f"Its format, where it is not told: {FORMATS}.", metavar="NAME")
]
Unit = Annotated[str | None, typer.Option(help="Unit of its time stamps: s, ms, us or ns.", metavar="UNIT")]
Spread = Annotated[
    int | None, typer.Option(help="Spread requests on one time stamp within the tick.", metavar="SEED", min=0)
]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="The trace to write, JSONL.", metavar="FILE", show_default=False)
]
Seed = Annotated[int, typer.Option(help="Draws of what is drawn.", min=0, metavar="N")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and only that.")]


@trace.command(epilog="Example: tco trace inspect traces/conversation.jsonl --csv minutes.csv")
def inspect(
    file: File,
    format_: Format = None,
    time_unit: Unit = None,
    spread: Spread = None,
    csv: Annotated[Path | None, typer.Option(help="Write requests and tokens by minute.", metavar="FILE")] = None,
    workload: Annotated[
        bool, typer.Option("--workload", help="Print a `workload:` for a scenario, and only that.")
    ] = False,
    json: Json = False,
    md: Annotated[bool, typer.Option("--md", help="Print Markdown, and only that.")] = False,
) -> None:
    """Show what a log holds: rows, rate, burstiness, lengths, ideal prefix hit rate, sessions, what is unknown."""
    if json + md + workload > 1:
        raise typer.BadParameter("--json, --md and --workload all print to stdout: choose one")
    if csv is not None and csv.suffix.lower() != ".csv":
        raise typer.BadParameter(f"{csv}: name a file that ends in .csv")
    with faults_reported():
        from tco.traffic.statistics import statistics

        log = _opened(file, format_, time_unit, spread, csv)
        with _watched(log):
            found = statistics(log)
    if csv is not None:
        if found.arrivals is None:
            raise usage_error("--csv: the log has no times, so nothing goes by minute")
        from tco.report.trace_csv import minutes_csv

        write_whole(csv, minutes_csv(found.arrivals).encode())
    with faults_reported():
        _show(log, found, "json" if json else "md" if md else "workload" if workload else "")
    if csv is not None:
        typer.echo(f"wrote {csv}", err=True)


@trace.command(epilog="Example: tco trace convert batch.jsonl --rate 5/s --arrivals poisson -o trace.jsonl")
def convert(
    file: File,
    output: Output,
    format_: Format = None,
    time_unit: Unit = None,
    spread: Spread = None,
    rate: Annotated[
        str | None, typer.Option(help="Times for a log that has none, such as 5/s or 300/min.", metavar="RATE")
    ] = None,
    arrivals: Annotated[str, typer.Option(help="How they lie: poisson or even.", metavar="KIND")] = "poisson",
    seed: Seed = 1,
    json: Json = False,
) -> None:
    """Write a log as a trace of the tool's own: JSONL with units in the names. Prompts stay in it."""
    from tco.traffic.arrivals import KINDS

    if arrivals not in KINDS:
        raise usage_error(f"--arrivals: no kind `{arrivals}`: one of {', '.join(KINDS)}")
    with faults_reported():
        from tco.traffic.recording import convert as run

        log = _opened(file, format_, time_unit, spread, output)
        times = None if rate is None else _rate(rate, arrivals, seed)
        found = _written(log, output, lambda out: run(log, out, times))
    _say(output, found, json)


@trace.command(epilog="Example: tco trace sample log.jsonl --peak 10min -o busiest.jsonl")
def sample(
    file: File,
    output: Output,
    format_: Format = None,
    time_unit: Unit = None,
    spread: Spread = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="From this time after the first request on.", metavar="DURATION")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Before this time.", metavar="DURATION")] = None,
    peak: Annotated[
        str | None, typer.Option(help="The busiest stretch of this length, such as 10min.", metavar="DURATION")
    ] = None,
    share: Annotated[
        str | None, typer.Option(help="About this share of the sessions, each whole.", metavar="SHARE")
    ] = None,
    rows: Annotated[int | None, typer.Option(help="The first so many of those.", min=1, metavar="N")] = None,
    seed: Seed = 1,
    json: Json = False,
) -> None:
    """Write a part of a log: a stretch of time, the busiest one, a share of its sessions, its first rows."""
    if peak is not None and (from_ is not None or to is not None):
        raise typer.BadParameter("--peak finds its own stretch: leave --from and --to out")
    if all(option is None for option in (from_, to, peak, share, rows)):
        raise typer.BadParameter("which part? one of --from, --to, --peak, --share and --rows")
    with faults_reported():
        from tco.traffic.recording import Part, sampled

        part = Part(
            _duration("--from", from_), _duration("--to", to), _duration("--peak", peak), _share(share), rows, seed
        )
        if part.peak == 0 or (part.end is not None and part.end <= (part.start or 0)):
            raise usage_error("an empty stretch of time")
        log = _opened(file, format_, time_unit, spread, output)
        found = _written(log, output, lambda out: sampled(log, out, part))
    _say(output, found, json)


@trace.command(epilog="Example: tco trace anonymize spend.jsonl -o lengths.jsonl")
def anonymize(
    file: File,
    output: Output,
    format_: Format = None,
    time_unit: Unit = None,
    spread: Spread = None,
    model: Annotated[bool, typer.Option("--model", help="Keep the names of models.")] = False,
    tokenizer: Annotated[
        Path | None,
        typer.Option(help="A tokenizer.json, to count tokens exactly; needs `tokenizers`.", metavar="FILE"),
    ] = None,
    block_tokens: Annotated[
        int | None, typer.Option(help="Tokens of a block of the prompts; 64 when absent.", min=1, metavar="N")
    ] = None,
    json: Json = False,
) -> None:
    """Write a log as lengths and prefix hashes: no prompt, no id, no session's name, no time of day, no model."""
    with faults_reported():
        from tco.traffic.recording import anonymize as run
        from tco.traffic.tokens import tokenizer as loaded

        log = _opened(file, format_, time_unit, spread, output)
        encode = None if tokenizer is None else loaded(tokenizer)
        found = _written(log, output, lambda out: run(log, out, block=block_tokens, encode=encode, models=model))
    _say(output, found, json)


def _opened(file: str, form: str | None, unit: str | None, spread: int | None, output: Path | None) -> Trace:
    """The trace; leaves with 2 where an output would replace it. Raises `Faults`."""
    import os

    from tco.traffic.trace import open_trace

    check_named(file, output)
    if output is not None and file != "-" and os.path.realpath(file) == os.path.realpath(output):
        raise usage_error(f"{output}: it would replace what was read")
    return open_trace(file, format=form, time_unit=unit, spread=spread)


def _written(log: Trace, output: Path, make: Callable[[IO[bytes]], Written]) -> Written:
    with _watched(log), writing_whole(output) as out:
        return make(out)


@contextmanager
def _watched(log: Trace) -> Iterator[None]:
    """How far the log was read, on stderr, where that is a terminal and the log is large. Interrupted it leaves with
    130, as shells have it."""
    import sys
    from contextlib import nullcontext

    shown = nullcontext()
    if sys.stderr.isatty() and (log.stream.size or 0) >= LARGE:
        from tco.report.trace_progress import progress

        shown = progress(log.stream)  # type: ignore[assignment]
    try:
        with shown:
            yield
    except KeyboardInterrupt:
        typer.echo("interrupted: nothing was written", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _show(log: Trace, found: Statistics, how: str) -> None:
    if how == "json":
        from tco.report.trace_json import inspection_json

        typer.echo(inspection_json(log, found))
    elif how == "md":
        from tco.report.trace_markdown import as_markdown

        typer.echo(as_markdown(log, found), nl=False)
    elif how == "workload":
        from tco.report.trace_workload import workload_yaml

        text = workload_yaml(log, found)
        if text is None:
            raise usage_error("--workload: the log does not say how many tokens its requests have")
        typer.echo(text, nl=False)
    else:
        from tco.report.console import console
        from tco.report.trace_terminal import print_inspection

        print_inspection(log, found, console())


def _say(output: Path, found: Written, json: bool) -> None:
    """What was written: on stderr, or as JSON on stdout. That prompts stay in it is said in any case."""
    if found.prompts:
        rows = "1 row has its prompt" if found.prompts == 1 else f"{found.prompts:,} rows have their prompts"
        typer.echo(f"warning: {output}: {rows} in it: `tco trace anonymize` takes them out", err=True)
    if json:
        from tco.report.trace_json import written_json

        typer.echo(written_json(str(output), found))
        return
    from rich.console import Console

    from tco.report.trace_terminal import print_written

    print_written(f"wrote {output}", found, Console(stderr=True, highlight=False, markup=False, emoji=False))


def _rate(text: str, kind: str, seed: int) -> Rate:
    from tco.traffic.recording import Rate

    return Rate(_per_s(text), kind, seed)


def _per_s(text: str) -> Fraction:
    """Requests a second, of `5/s` or `5 requests/s`. Leaves with 2 for what is none."""
    from tco.units import UnitError, parse_rate

    seconds = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
    try:
        amount, _, per = text.partition("/")
        flow = parse_rate(text if any(c.isalpha() for c in amount) else f"{amount} requests/{per}")
    except UnitError as problem:
        raise usage_error(f"--rate: {problem}") from None
    if flow.unit != "requests" or flow.per not in seconds or not flow.amount:
        raise usage_error(f"--rate: not a rate of requests: `{text}`; write it as 5/s, 300/min or 2000/h")
    return flow.amount / seconds[flow.per]


def _duration(flag: str, text: str | None) -> int | None:
    """Nanoseconds. Leaves with 2 for what is no duration."""
    from tco.units import UnitError, parse_seconds

    if text is None:
        return None
    try:
        return round(parse_seconds(text) * 10**9)
    except UnitError as problem:
        raise usage_error(f"{flag}: {problem}") from None


def _share(text: str | None) -> Fraction | None:
    """A share above 0. Leaves with 2 for what is none."""
    from tco.units import UnitError, parse_share

    if text is None:
        return None
    try:
        share = parse_share(text)
    except UnitError as problem:
        raise usage_error(f"--share: {problem}") from None
    if not share:
        raise usage_error("--share: a share above 0")
    return share
