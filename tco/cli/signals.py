"""Signals while a command holds connections: what ends a printing command at once must not end a measurement so."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def as_interrupts() -> Iterator[None]:
    """A broken pipe or connection is an error to be told, not the end; SIGTERM and SIGHUP are as Ctrl-C, unless whoever
    started the command wants them ignored (`nohup`)."""
    interrupt = signal.default_int_handler
    meant: dict[str, Any] = {"SIGPIPE": signal.SIG_IGN, "SIGTERM": interrupt, "SIGHUP": interrupt}
    before = {}
    for name, handler in meant.items():
        number = getattr(signal, name, None)  # not all are everywhere
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
