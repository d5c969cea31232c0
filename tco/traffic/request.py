"""One recorded request, whatever log it came from."""

from __future__ import annotations

from typing import Any, NamedTuple

Message = dict[str, Any]
"""A message of a chat: `role` and `content`, as the server is sent it."""


class Request(NamedTuple):
    """A request as it was recorded. What the log does not say is None, never a guess."""

    at: float | None
    """Seconds since the first request of the trace; None where the log has no times."""
    input_tokens: int | None
    """Cached ones included, whatever the log calls its input."""
    output_tokens: int | None
    blocks: tuple[int, ...] = ()
    """Ids of the blocks the input begins with, each of the trace's `block_tokens` tokens and the last of the rest:
    equal ids at the front are an equal prefix."""
    id: str | None = None
    session: str | None = None
    after: str | None = None
    """The `id` of the request of the same session whose end this one waits for."""
    think: float | None = None
    """Seconds between that end and this request."""
    prompt: str | tuple[Message, ...] | None = None
    """The text, or the messages of a chat, where the log has them."""
    cached_tokens: int | None = None
    """Input tokens that a cache served when it was recorded."""
    model: str | None = None
