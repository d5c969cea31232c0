"""An event loop whose timers are precise, and an interpreter with nothing else to do."""

from __future__ import annotations

import asyncio
import gc
import select
import selectors
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

GIVE_WAY_S = 0.0005
"""For how long another thread, such as a display, may keep the interpreter. It is 5 ms otherwise."""
SELECTABLE = 1024
"""Descriptors from this on are too large for `select`; a loop that has one waits in milliseconds."""
YOUNG, MIDDLE, OLD = 20_000, 20, 50
"""How often garbage is looked for: a request makes some hundred objects, and next to none of them are cycles."""


def precise_loop() -> asyncio.AbstractEventLoop:
    """A loop whose timers fire within some 100 microseconds.

    `epoll` waits in whole milliseconds, rounded up, so that each timer of asyncio is up to one late. `select` on the
    one descriptor of the epoll itself waits in microseconds, for one more system call.
    """
    if not hasattr(selectors, "EpollSelector"):
        return asyncio.new_event_loop()

    class Precise(selectors.EpollSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout is not None and timeout > 0 and self.fileno() < SELECTABLE:
                select.select((self.fileno(),), (), (), timeout)
                timeout = 0
            return super().select(timeout)

    return asyncio.SelectorEventLoop(Precise())


def callbacks_fail_to(failed: Callable[[BaseException], None]) -> None:
    """What a callback of the running loop raises goes there: asyncio would log it and go on with a request lost."""

    def heard(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and "handle" in context:
            failed(error)
        else:
            loop.default_exception_handler(context)

    asyncio.get_running_loop().set_exception_handler(heard)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Other threads give way soon; the garbage collector leaves what is there alone, and looks seldom at the rest."""
    give_way_s = sys.getswitchinterval()
    thresholds = gc.get_threshold()
    sys.setswitchinterval(GIVE_WAY_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    try:
        yield
    finally:
        sys.setswitchinterval(give_way_s)
        gc.set_threshold(*thresholds)
        gc.unfreeze()
