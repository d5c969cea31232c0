"""What the fault server can be told: delays, queue, limits and faults."""

from __future__ import annotations

import random
from typing import Any, NamedTuple


class Settings(NamedTuple):
    """Each is an option of the command line (`first_ms` is `--first-ms`) and a keyword of `fault_server(...)`."""

    first_ms: float = 0
    """From the start of service to the first token."""
    chunk_ms: float = 0
    """Between two chunks."""
    tokens_per_chunk: str = "1"
    """Tokens in a chunk; `1-6` draws each."""
    service_ms: float | None = None
    """A queue with this service time: the first token comes as it ends, further chunks do not hold it up (M/D/1)."""
    prefill_per_s: float | None = None
    """With `decode_per_s`, a queue whose service time is uncached input / prefill + output / decode."""
    decode_per_s: float | None = None
    slots: int | None = None
    """Requests served at once. One with `service_ms` or rates, no limit otherwise."""
    max_model_len: int = 100_000
    model: str = "tiny"
    version: str = "0.0.0-fault"
    key: str | None = None
    """What every request must carry as `Authorization: Bearer`."""
    block_tokens: int = 16
    """Of the prefix cache."""
    cache_blocks: int = 1_000_000
    """Blocks that the prefix cache holds, the least recently used leave first; 0 is no cache."""
    resettable: bool = True
    """Whether `/reset_prefix_cache` is there."""
    cached_in_usage: bool = True
    """Whether the usage says how many prompt tokens were cached."""
    free_tokens: int = 16
    """Tokens made where the request does not ask for a number."""
    stall_at_s: float | None = None
    """Seconds after the first request at which everything stands still."""
    stall_s: float = 2
    late_headers: bool = False
    """Headers come with the first token, not at once."""
    slow_s: float = 5
    """What the fault `slow_headers` takes."""
    redirect_to: str = "http://127.0.0.1:9/"
    seed: int = 0
    """Of shares of faults and of drawn chunk sizes."""
    fault: tuple[str, ...] = ()
    """`NAME` (each request), `NAME@3,5` (the fourth and the sixth), `NAME@7+` (from the eighth on), `NAME%0.1` (that
    share of the requests) or `NAME#1234` (prompts that begin with this token)."""
    recorded: bool = True
    """Whether requests are kept for `/record`."""


FAULTS = frozenset({
    "refuse",  # nobody listens any more: the port is closed, this request and idle connections are reset
    "reset", "close",  # the connection ends before the headers, with RST or with FIN
    "reset_mid", "close_mid",  # the same in mid-stream
    "redirect", "gzip", "leak",
    "garbage", "long_header", "bad_chunk",  # no HTTP, a header too long, a chunk whose size is none
    "slow_headers", "stuck",  # headers, some chunks, then nothing
    "error_mid", "error_first", "leak_mid",
    "malformed", "not_object", "half_utf8", "no_done", "no_usage", "wrong_count", "fewer", "endless",
    # no faults, though less common
    "empty", "special",  # no text, and text in the first chunk alone, as of special tokens
    "split_utf8", "byte_by_byte", "batched", "crlf", "comments", "content_length", "until_close", "bom",
})  # fmt: skip
"""What can go wrong, beside `http_NNN`: any status."""


class Rule(NamedTuple):
    """One `fault` of the settings, read."""

    name: str
    numbers: frozenset[int]
    onwards: int | None
    share: float
    token: int | None

    def strikes(self, number: int, first_token: int | None, seed: int) -> bool:
        """Whether this request gets it: the same for the same seed, whatever happens in between."""
        if self.token is not None:
            return first_token == self.token
        if number in self.numbers or (self.onwards is not None and number >= self.onwards):
            return True
        return self.share > 0 and random.Random(f"{seed} {self.name} {number}").random() < self.share


def read_rule(text: str) -> Rule:
    """A rule from its text. Raises `ValueError`."""
    for mark in "@%#":
        name, found, rest = text.partition(mark)
        if found:
            break
    else:
        name, mark, rest = text, "%", "1"
    if name not in FAULTS and not (name.startswith("http_") and name[5:].isdigit()):
        raise ValueError(f"no fault `{name}`: {', '.join(sorted(FAULTS))} or http_NNN")
    if mark == "#":
        return Rule(name, frozenset(), None, 0, int(rest))
    if mark == "%":
        return Rule(name, frozenset(), None, float(rest), None)
    parts = rest.split(",")
    onwards = [int(p[:-1]) for p in parts if p.endswith("+")]
    return Rule(name, frozenset(int(p) for p in parts if not p.endswith("+")), min(onwards, default=None), 0, None)


def changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    """The settings with some replaced. Raises `ValueError` for an unknown name or fault."""
    unknown = set(changes) - set(Settings._fields)
    if unknown:
        raise ValueError(f"no setting {sorted(unknown)}")
    if isinstance(changes.get("fault"), str):
        changes = {**changes, "fault": (changes["fault"],)}
    plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in changes.items()}
    new = settings._replace(**plain)
    for text in new.fault:
        read_rule(text)
    return new
