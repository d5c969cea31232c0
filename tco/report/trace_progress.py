"""How far a large log was read, on stderr while it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from tco.traffic.stream import Stream


@contextmanager
def progress(stream: Stream) -> Iterator[None]:
    """A bar for each pass over the file."""
    console = Console(stderr=True)
    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(binary_units=True), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as bar:
        task = bar.add_task("", total=stream.size)

        def watch(more: int) -> None:
            if not more:
                bar.reset(task)
            bar.advance(task, more)

        stream.watch = watch
        try:
            yield
        finally:
            stream.watch = None
