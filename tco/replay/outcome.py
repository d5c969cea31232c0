"""What became of one request, and the same of many as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OK = "ok"
CLIENT_LIMIT = "client limit"
FAILURES = (
    CLIENT_LIMIT,  # no connection, for want of files, ports or memory on this machine: no failure of the server
    "refused",  # no connection
    "reset",  # the connection broke, before or during the stream
    "http",  # a status other than 200; `http` has it
    "redirect",  # a 3xx: never followed
    "error event",  # the server said within the stream that it failed
    "malformed",  # an event that is no JSON, or no UTF-8
    "no done",  # the stream ended without `[DONE]`
    "no usage",  # the server did not say how many tokens it made
    "wrong length",  # another number of tokens than was asked for
    "timeout",  # no header, or no end, within the limit
    "cancelled",  # still under way when the run was stopped
)
"""Statuses of a request that failed. A failed request misses every objective."""


class Outcome(NamedTuple):
    """One request: times in whole microseconds since the zero of its run, on one monotonic clock.

    A `NamedTuple` of plain values: some thousand are made a second, in processes that import no NumPy.
    """

    index: int  # type: ignore[assignment]  # `tuple.index` is not used
    """The row of the trace, counted over what was kept."""
    scheduled: int
    sent: int | None
    """When the request was handed to the connection; None where it never was."""
    first: int | None
    """The first chunk with a token, be its text empty. A chat's opening chunk, which has a role alone, is none."""
    last: int | None
    """The last chunk with a token."""
    end: int | None
    """When the stream was over, or failed."""
    gaps: tuple[int, ...]
    """Microseconds between a chunk with tokens and the one before it."""
    input_tokens: int | None
    """As the server counts, like the next two: never chunks, never a count of our own."""
    output_tokens: int | None
    cached_tokens: int | None
    status: str
    http: int | None = None
    detail: str | None = None
    """The server's short code for what went wrong (`BadRequestError`), never its text: that may repeat a prompt."""


class Outcomes(NamedTuple):
    """The requests of one run as arrays of one length `n`, in the order of `scheduled`.

    Times are seconds since the run's zero; what is not known is NaN, in times and token counts alike.
    `len` is the number of requests, so that `_replace` and `_make`, which count fields by it, raise TypeError: call
    `Outcomes(**{**outcomes._asdict(), ...})`.
    """

    index: NDArray[np.int64]  # type: ignore[assignment]
    scheduled: NDArray[np.float64]
    sent: NDArray[np.float64]
    first: NDArray[np.float64]
    last: NDArray[np.float64]
    end: NDArray[np.float64]
    input_tokens: NDArray[np.float64]
    output_tokens: NDArray[np.float64]
    cached_tokens: NDArray[np.float64]
    ok: NDArray[np.bool_]
    status: tuple[str, ...]
    """`ok`, or the failure, with the HTTP status where that is what failed: `http 429`."""
    chunks: NDArray[np.int64]
    """Chunks with tokens."""
    gaps: NDArray[np.float64]
    """Seconds between chunks, of all requests one after the other: `chunks - 1` of each that has any."""

    def __len__(self) -> int:
        return len(self.index)


def gathered(outcomes: Iterable[Outcome]) -> Outcomes:
    """Many outcomes as arrays."""
    import numpy as np

    rows = sorted(outcomes, key=lambda o: (o.scheduled, o.index))

    def seconds(values: Sequence[int | None]) -> NDArray[np.float64]:
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64) / 1e6

    def counts(values: Sequence[int | None]) -> NDArray[np.float64]:
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)

    return Outcomes(
        index=np.array([o.index for o in rows], dtype=np.int64),
        scheduled=seconds([o.scheduled for o in rows]),
        sent=seconds([o.sent for o in rows]),
        first=seconds([o.first for o in rows]),
        last=seconds([o.last for o in rows]),
        end=seconds([o.end for o in rows]),
        input_tokens=counts([o.input_tokens for o in rows]),
        output_tokens=counts([o.output_tokens for o in rows]),
        cached_tokens=counts([o.cached_tokens for o in rows]),
        ok=np.array([o.status == OK for o in rows], dtype=np.bool_),
        status=tuple(shown_status(o) for o in rows),
        chunks=np.array([0 if o.first is None else len(o.gaps) + 1 for o in rows], dtype=np.int64),
        gaps=np.array([gap for o in rows for gap in o.gaps], dtype=np.float64) / 1e6,
    )


def shown_status(outcome: Outcome) -> str:
    """`ok`, `reset`, `http 429`."""
    return f"{outcome.status} {outcome.http}" if outcome.status == "http" else outcome.status
