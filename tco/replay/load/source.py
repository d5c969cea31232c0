"""What of a trace is replayed: which rows, and which are left out and why."""

from __future__ import annotations

from collections.abc import Generator

from tco.document import Fault, Faults
from tco.replay.load.pace import Pace
from tco.traffic.request import Request
from tco.traffic.trace import Trace, open_trace


class Source:
    """The requests of a trace that a replay sends, read anew at each pass. May be pickled."""

    __slots__ = ("_trace", "first", "format", "left_out", "limit", "longest", "path", "spread", "taken", "time_unit")

    def __init__(
        self,
        path: str,
        format: str | None = None,
        time_unit: str | None = None,
        spread: int | None = None,
        first: int = 0,
        limit: int | None = None,
        longest: int | None = None,
    ) -> None:
        """From row `first` on, at most `limit` requests, none with more than `longest` tokens in and out together."""
        self.path = path
        self.format = format
        self.time_unit = time_unit
        self.spread = spread
        self.first = first
        self.limit = limit
        self.longest = longest
        self.left_out: dict[str, int] = {}
        """How many the last pass left out, by reason; what the trace itself dropped is in its own tally."""
        self.taken = 0
        """How many it gave."""
        self._trace: Trace | None = None

    def __getstate__(self) -> dict[str, object]:
        names = ("path", "format", "time_unit", "spread", "first", "limit", "longest")
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.left_out, self.taken, self._trace = {}, 0, None
        for name, value in state.items():
            setattr(self, name, value)

    @property
    def trace(self) -> Trace:
        """The trace itself. Raises Faults where it is none."""
        if self._trace is None:
            self._trace = open_trace(self.path, format=self.format, time_unit=self.time_unit, spread=self.spread)
        return self._trace

    def check(self, pace: Pace) -> None:
        """Raises Faults where the trace has no times and the pace needs them."""
        if not pace.closed and not self.trace.timed:
            expected = "a closed loop, as by `--concurrency 8`"
            hint = "`tco trace convert --rate` gives it times"
            raise Faults([Fault(self.path, 0, 0, "this trace has no times to replay it by", expected, hint)])

    def requests(self) -> Generator[tuple[int, Request], None, None]:
        """Index and request, in time order; `at` counts from the first one given. In constant memory.

        The index is the row counted over all that the trace keeps, so it is the same whatever is left out.
        """
        return ((index, request) for index, request in self.rows() if request is not None)

    def rows(self) -> Generator[tuple[int, Request | None], None, None]:
        """The same with what is left out, as None: whoever reads may stop there for a while."""
        self.left_out, self.taken = {}, 0
        if self.limit == 0:
            return
        zero: float | None = None
        for index, request in enumerate(self.trace.requests()):
            if index < self.first:
                continue
            reason = self._reason(request)
            if reason is not None:
                self.left_out[reason] = self.left_out.get(reason, 0) + 1
                yield index, None
                continue
            self.taken += 1
            if request.at is not None:
                zero = request.at if zero is None else zero
                if zero:
                    request = request._replace(at=request.at - zero)  # noqa: PLW2901
            yield index, request
            if self.taken == self.limit:  # before another row is read, or judged
                return

    def _reason(self, request: Request) -> str | None:
        """Why it cannot be replayed."""
        if request.prompt is None:
            if request.input_tokens is None:
                return "neither a prompt nor a length of one"
            if request.input_tokens < 1:
                return "no input tokens"
        if request.output_tokens is not None and request.output_tokens < 1:
            return "no output tokens"
        if self.longest is not None and request.input_tokens is not None:
            output = 1 if request.output_tokens is None else request.output_tokens
            if request.input_tokens + output > self.longest:
                return f"longer than the server's {self.longest} tokens"
        return None
