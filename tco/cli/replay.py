"""`tco replay`: recorded traffic against a real server, and what one replica sustains of it."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from tco.cli.app import EXIT_INPUT, EXIT_OUTSIDE, app, check_named, faults_reported, usage_error
from tco.cli.replay_outputs import Outputs, check_writable, show
from tco.cli.signals import as_interrupts
from tco.replay.http.target import KEY_VARIABLE

if TYPE_CHECKING:
    from tco.replay.record.header import Asked
    from tco.replay.session.runs import Display
    from tco.replay.session.session import Wanted

EXIT_INTERRUPTED = 130
"""As shells have it for a command that Ctrl-C ends."""
SPEEDUPS = 1e-4, 1e6
"""Beyond these a run would last for ever, or be over before it has begun."""
WITH_RESUME = {
    *("resume", "url", "api_key", "allow_remote"),
    *("png", "csv", "json", "md", "profile", "name", "force", "gpu", "precision"),
}
"""Options that have a meaning beside --resume: all others were given when the journal was begun."""


class TraceOrCommand(typer.core.TyperGroup):
    """A group whose first word is a trace, unless it names a sub-command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Options may stand behind the trace; behind a sub-command they are its own."""
        ctx.meta[__name__] = bool(args) and args[0] in self.commands
        ctx.allow_interspersed_args = not ctx.meta[__name__]
        return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        """Without the trace where a sub-command stands in its place."""
        found = super().get_params(ctx)
        if not ctx.meta.get(__name__):
            return found
        return [param for param in found if param.param_type_name != "argument"]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """A second word behind a trace: what stands in the trace's place may be a command that is spelt otherwise."""
        if args and args[0] not in self.commands:
            ctx.fail(
                f"`{args[0]}` beside the trace `{ctx.params.get('trace')}`: expected one trace{_command_meant(ctx)}"
            )
        return super().resolve_command(ctx, args)


def _command_meant(ctx: Any) -> str:
    """`; did you mean ...?` where the trace is near a sub-command's name, and is no file."""
    from tco.document import did_you_mean

    trace = ctx.params.get("trace") or ""
    hint = "" if Path(trace).exists() else did_you_mean(trace, ctx.command.commands)
    return f"; {hint}" if hint else ""


replay = typer.Typer(
    name="replay",
    cls=TraceOrCommand,
    invoke_without_command=True,
    no_args_is_help=True,
    subcommand_metavar="| summarize JOURNAL",
)
app.add_typer(replay)

Png = Annotated[Path | None, typer.Option(help="Draw latency against rate, and the run over time.", metavar="FILE")]
Csv = Annotated[Path | None, typer.Option(help="Write a row for each request.", metavar="FILE")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and only that.")]
Md = Annotated[bool, typer.Option("--md", help="Print Markdown, and only that.")]
Profile = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Write what was proven as a capacity profile: a catalogue file, or one more entry of it.",
        metavar="FILE",
    ),
]
Name = Annotated[str | None, typer.Option(help="The name of that entry.", metavar="ENTRY")]
Force = Annotated[bool, typer.Option("--force", help="Replace an entry of the same name.")]
Gpu = Annotated[str | None, typer.Option(help="The GPU's name; read by NVML when absent.", metavar="NAME")]
Precision = Annotated[str | None, typer.Option(help="Precision or quantisation, for the profile.", metavar="NAME")]


@replay.callback(
    epilog="Example: tco replay trace.jsonl --url http://127.0.0.1:8000 --find-capacity --slo ttft_p95=500ms"
    " -o profile.yaml\n\n"
    "Exit codes: 0 measured; 2 the input is wrong; 4 server, network or disk failed, or nothing was proven; 130"
    " interrupted, and all that was measured is kept."
)
def trace(
    ctx: typer.Context,
    trace: Annotated[
        str | None, typer.Argument(help="Recorded traffic; see tco trace.", metavar="TRACE", show_default=False)
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="The server: what stands before /v1 in its URLs.", metavar="URL")
    ] = None,
    find_capacity: Annotated[
        bool, typer.Option("--find-capacity", help="Search the highest rate at which every seed meets --slo.")
    ] = False,
    slo: Annotated[
        str, typer.Option(help="Objective, as ttft_p95=500ms,tpot_p95=50ms.", metavar="SLO", show_default=False)
    ] = "",
    speedup: Annotated[
        float | None, typer.Option(help="2 sends twice as fast as recorded; 1 when absent.", metavar="X")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(help="So many at a time instead, at the rate that results.", min=1, metavar="N")
    ] = None,
    duration: Annotated[str | None, typer.Option(help="Stop sending after that: 5min.", metavar="TIME")] = None,
    requests: Annotated[
        int | None, typer.Option(help="The first N rows alone; a search takes what it needs.", min=1, metavar="N")
    ] = None,
    gpus: Annotated[int, typer.Option(help="GPUs of the replica.", min=1, metavar="N")] = 1,
    gpu: Gpu = None,
    model: Annotated[str | None, typer.Option(help="Which model, where it serves several.", metavar="NAME")] = None,
    precision: Precision = None,
    seed: Annotated[int, typer.Option(help="Other prompts and ties; the first of --seeds.", min=0, metavar="N")] = 1,
    seeds: Annotated[
        int, typer.Option(help="Runs that must pass at a rate, each of another part.", min=1, metavar="N")
    ] = 3,
    spread: Annotated[bool, typer.Option("--spread", help="Spread tied time stamps within their tick.")] = False,
    format_: Annotated[
        str | None, typer.Option("--format", help="The trace's format, where it cannot be told.", metavar="NAME")
    ] = None,
    time_unit: Annotated[str | None, typer.Option(help="Of its time stamps: s, ms, us, ns.", metavar="UNIT")] = None,
    processes: Annotated[
        int | None, typer.Option(help="The most client processes; one a core when absent.", min=1, metavar="N")
    ] = None,
    drain: Annotated[str, typer.Option(help="Wait that long for what is under way.", metavar="TIME")] = "30s",
    timeout: Annotated[str, typer.Option(help="The longest that a request may take.", metavar="TIME")] = "10min",
    allow_remote: Annotated[
        list[str] | None, typer.Option(help="A host that may have the recorded traffic.", metavar="HOST")
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(help="What the server asks for.", metavar="KEY", envvar=KEY_VARIABLE, show_default=False),
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(help="The record of every request; TRACE.journal.jsonl when absent.", metavar="FILE")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with a journal that was cut or interrupted.", metavar="JOURNAL")
    ] = None,
    png: Png = None,
    csv: Csv = None,
    json: Json = False,
    md: Md = False,
    profile: Profile = None,
    name: Name = None,
    force: Force = False,
) -> None:
    """Replay recorded traffic against a server of one's own, or find what one replica of it sustains.

    Nothing is sent to another machine unless --allow-remote names it.
    """
    if ctx.invoked_subcommand is not None:
        return
    outputs = Outputs(png, csv, json, md, profile, name, force, gpu, precision)
    check_named(trace, journal, resume)
    if api_key == "":
        raise usage_error("--api-key is empty (is a variable unset?)")
    if resume is not None:
        outputs.check(resume)
        _check_there(resume)
        _refuse_beside_resume(ctx)
        _check_name(outputs, resume)
        _measure(outputs, resume, lambda display: _go_on(resume, url, allow_remote, api_key, display))
        return
    if trace is None or url is None:
        meant = _command_meant(ctx)
        raise usage_error(f"name a trace and its server: tco replay TRACE --url URL (or --resume JOURNAL){meant}")
    if trace == "-" or (os.path.exists(trace) and not os.path.isfile(trace) and not os.path.isdir(trace)):
        raise usage_error("a trace is read several times: save what comes from standard input or a pipe as a file")
    if find_capacity and (speedup is not None or concurrency is not None or duration is not None):
        raise usage_error("--find-capacity chooses the load: leave --speedup, --concurrency and --duration out")
    if profile is not None and not find_capacity and concurrency is None and not slo:
        raise usage_error(
            "-o of one rate without --slo: that a rate was served says not how much could be; use --find-capacity"
        )
    from tco.replay.record.header import Asked
    from tco.replay.session.session import Wanted, journal_path

    asked = Asked(
        slo=_objectives(slo),
        gpus=gpus,
        seed=seed,
        drain_s=_seconds("--drain", drain),
        timeout_s=_seconds("--timeout", timeout),
        processes=processes or os.cpu_count() or 1,
        speedup=speedup,
        concurrency=concurrency,
        duration_s=None if duration is None else _seconds("--duration", duration),
        find_capacity=find_capacity,
        seeds=seeds if find_capacity else 1,
        requests=requests,
        gpu=gpu,
        precision=precision,
    )
    _check_pace(asked.speedup, asked.concurrency, asked.duration_s)
    if find_capacity and requests is not None:
        _check_enough(asked)
    wanted = Wanted(trace, url, asked, model, tuple(allow_remote or ()), api_key, format_, time_unit, spread, journal)
    record = journal_path(wanted)
    wanted = wanted._replace(journal=record)
    outputs.check(record, Path(trace))
    if record.exists() and not record.is_file():
        raise usage_error(f"--journal {record}: it is read again when the run is over: name a file")
    check_writable(record)
    _measure(outputs, record, lambda display: _start(wanted, outputs, display))


@replay.command(
    epilog="Example: tco replay summarize trace.journal.jsonl --png latency.png\n\n"
    "Exit codes: 0 printed; 2 it is no journal; 4 the disk failed, or -o asks for what was not proven."
)
def summarize(
    journal: Annotated[Path, typer.Argument(help="What tco replay recorded.", metavar="JOURNAL", show_default=False)],
    png: Png = None,
    csv: Csv = None,
    json: Json = False,
    md: Md = False,
    profile: Profile = None,
    name: Name = None,
    force: Force = False,
    gpu: Gpu = None,
    precision: Precision = None,
) -> None:
    """Say again what a journal holds. Nothing is sent."""
    outputs = Outputs(png, csv, json, md, profile, name, force, gpu, precision)
    check_named(journal)
    outputs.check(journal)
    _check_there(journal)
    raise typer.Exit(show(journal, outputs, judged=False))


def _start(wanted: Wanted, outputs: Outputs, display: Display) -> None:
    from tco.replay.session.session import start

    start(wanted, display, needs_gpu=outputs.profile is not None, known=outputs.check_name)


def _go_on(path: Path, url: str | None, allow_remote: list[str] | None, key: str | None, display: Display) -> None:
    from tco.replay.session.session import go_on

    go_on(path, url, tuple(allow_remote or ()), key, display)


def _measure(outputs: Outputs, journal: Path, work: Callable[[Display], None]) -> None:
    """Measure, then show what the journal has, whatever came in between. Leaves with the exit code."""
    gc.enable()  # commands do without, for they are short: this one may go on for hours
    with as_interrupts():
        code = _worked(journal, work)
    shown = show(journal, outputs, judged=not code, measured=True)
    raise typer.Exit(code or shown)


def _worked(journal: Path, work: Callable[[Display], None]) -> int:
    """0 where the measurement came to its end, else the exit code of what it recorded until then. Leaves with a code
    where it recorded nothing."""
    with faults_reported():
        from tco.replay.http.guard import Refused, Unresolved
        from tco.replay.session.preflight import Unusable
        from tco.replay.session.runs import Gone
        from tco.replay.session.session import Incomplete, Interrupted
        from tco.report.replay_progress import progress

        try:
            with progress(sys.stderr) as display:
                work(display)
        except (Refused, Incomplete, Unusable) as problem:
            typer.echo(f"error: {problem}", err=True)
            outside = isinstance(problem, Unresolved | Unusable)
            raise typer.Exit(EXIT_OUTSIDE if outside else EXIT_INPUT) from None
        except Gone as problem:
            typer.echo(f"error: the server no longer answers: {problem}: go on by --resume {journal}", err=True)
            return EXIT_OUTSIDE
        except (Interrupted, KeyboardInterrupt):
            if not _begun(journal):
                typer.echo("interrupted: nothing was sent", err=True)
                raise typer.Exit(EXIT_INTERRUPTED) from None
            typer.echo(f"interrupted: all that was measured is kept: go on by --resume {journal}", err=True)
            return EXIT_INTERRUPTED
        except OSError as problem:
            if not _begun(journal):
                raise
            where = problem.filename or journal
            typer.echo(f"error: {where}: {problem.strerror or problem}: go on by --resume {journal}", err=True)
            return EXIT_OUTSIDE
    return 0


def _begun(journal: Path) -> bool:
    """There is something in it that can be shown."""
    return journal.is_file() and journal.stat().st_size > 0


def _refuse_beside_resume(ctx: typer.Context) -> None:
    """Leave with 2 where an option is given that the journal has already."""
    for param in ctx.command.get_params(ctx):
        source = ctx.get_parameter_source(param.name or "")
        if source is not None and source.name == "COMMANDLINE" and param.name not in WITH_RESUME:
            given = param.opts[0] if param.param_type_name == "option" else "TRACE"
            raise usage_error(f"{given} beside --resume: the journal has what the run was begun with")


def _check_there(journal: Path) -> None:
    """Leave with 2 where there is no such journal."""
    if not journal.is_file():
        raise usage_error(f"{journal}: {'no file' if journal.exists() else 'no such journal'}")


def _check_name(outputs: Outputs, journal: Path) -> None:
    """Leave with 2 where the profile's file has the entry that this journal would give already."""
    if outputs.profile is None:
        return
    with faults_reported():
        from tco.replay.record.header import read_header
        from tco.replay.record.journal_lines import header_of

        with journal.open("rb") as file:
            outputs.check_name(read_header(journal, header_of(journal, file.readline())))


def _objectives(text: str) -> str:
    """As they are written in a journal. Leaves with 2."""
    from tco.replay.objective import parse_objectives
    from tco.units import UnitError

    try:
        return ",".join(map(str, parse_objectives(text))) if text else ""
    except UnitError as problem:
        raise usage_error(f"--slo: {problem}") from None


def _seconds(flag: str, text: str) -> float:
    from tco.units import UnitError, parse_seconds

    try:
        return float(parse_seconds(text))
    except UnitError as problem:
        raise usage_error(f"{flag}: {problem}") from None


def _check_enough(asked: Asked) -> None:
    """Leave with 2 where so few requests cannot prove what is asked for, even if none of them misses."""
    from tco.replay.measure.sizing import too_few

    reason = too_few(asked.objectives, asked.requests or 0)
    if reason:
        raise usage_error(f"--requests: {reason}")


def _check_pace(speedup: float | None, concurrency: int | None, duration: float | None) -> None:
    from tco.replay.load.pace import Pace

    if speedup is not None and not SPEEDUPS[0] <= speedup <= SPEEDUPS[1]:
        raise usage_error(f"--speedup {speedup:g}: from {SPEEDUPS[0]:g} to {SPEEDUPS[1]:,g}")
    try:
        Pace.of(speedup, concurrency, duration)
    except ValueError as problem:
        raise usage_error(str(problem)) from None
