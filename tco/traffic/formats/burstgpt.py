"""BurstGPT CSV, both layouts: with `Session ID` and `Elapsed time`, and without. No response token marks a failure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tco.traffic.batch import SECOND, UNKNOWN, Batch, Ints
from tco.traffic.columns import Check
from tco.traffic.formats.base import Facts, Format, Head, Pass, always, tabled

COLUMNS = ("Timestamp", "Model", "Request tokens", "Response tokens", "Total tokens", "Log Type")
MORE = ("Session ID", "Elapsed time")
NEEDED = ("Timestamp", "Request tokens", "Response tokens")


def read(job: Pass) -> Iterator[Batch]:
    """The rows as they stand. `Elapsed time` is how long the answer took, in seconds."""
    assert job.unit is not None
    for table in tabled(job, (*COLUMNS, *MORE)):
        get = table.columns.get
        check = Check(table.rows, job.tally, table.lines.__getitem__)
        at = check.ticks(_numbers(table.columns["Timestamp"]), "Timestamp", job.unit)
        tokens = check.tokens(table.columns["Request tokens"], "Request tokens", text=True)
        output = check.tokens(table.columns["Response tokens"], "Response tokens", text=True)
        check.drop(tokens < 0, "no `Request tokens`")
        check.drop(output == 0, "failed when recorded")
        check.drop(output < 0, "no `Response tokens`")
        models, sessions, elapsed = get("Model"), get("Session ID"), get("Elapsed time")
        took: Ints | None = None
        if elapsed is not None and sessions is not None:
            took = _durations(elapsed)
        kept = Batch(
            at,
            tokens,
            output,
            took=took,
            session=None if sessions is None else [s.strip() or None for s in sessions],
            model=None if models is None else [m.strip() or None for m in models],
            size=64 * table.rows,
        ).take(check.good)
        job.tally.kept += kept.rows
        yield kept


def _numbers(values: object) -> list[float | int | str]:
    """Texts as numbers, whole where they are; as they are where one is none."""
    texts: list[str] = list(values)  # type: ignore[call-overload]
    try:
        return list(map(int, texts))
    except ValueError:
        try:
            floats = list(map(float, texts))
            return list(floats) if all(np.isfinite(floats)) else list(texts)
        except ValueError:
            return list(texts)


def _durations(values: object) -> Ints:
    """Seconds in nanoseconds; `UNKNOWN` for what is no duration: the row itself is none the worse for it."""
    found: list[int] = []
    for text in values:  # type: ignore[attr-defined]
        try:
            value = float(text)
            found.append(round(value * SECOND) if 0 <= value < 1e7 else UNKNOWN)
        except ValueError:
            found.append(UNKNOWN)
    return np.array(found, np.int64)


def _looks(head: Head) -> bool:
    return set(NEEDED) <= set(head.columns)


BURSTGPT = Format("burstgpt", "BurstGPT CSV", COLUMNS, _looks, always(Facts(timed=True)), read, unit="s", linked=True)
