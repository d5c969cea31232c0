"""What a server says that a request used. Sources differ on whether cached tokens are inside the input tokens.

OpenAI's usage (`prompt_tokens`, or `input_tokens` beside `input_tokens_details`) has them inside, and so has whoever
writes `prompt_tokens` at all, LiteLLM with Anthropic's additions included. Anthropic's own (`input_tokens` beside
`cache_read_input_tokens` or `cache_creation_input_tokens`) has them outside: they are added here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tco.traffic.formats.rows import BadRowError, count

READ, CREATED = "cache_read_input_tokens", "cache_creation_input_tokens"


class Usage(NamedTuple):
    """Tokens of a request; cached ones inside the input."""

    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None


def usage_of(said: Any) -> Usage:
    """Tokens from a `usage` object. Raises `BadRowError`."""
    if not isinstance(said, dict):
        return Usage(None, None, None)
    if "prompt_tokens" in said:
        cached = _details(said, "prompt_tokens_details")
        if cached is None:
            cached = count(said.get(READ), READ)
        names = ("prompt_tokens", "completion_tokens")
        return inside(count(said[names[0]], names[0]), count(said.get(names[1]), names[1]), cached)
    tokens, output = count(said.get("input_tokens"), "input_tokens"), count(said.get("output_tokens"), "output_tokens")
    if "input_tokens_details" in said:
        return inside(tokens, output, _details(said, "input_tokens_details"))
    read, created = count(said.get(READ), READ), count(said.get(CREATED), CREATED)
    if tokens is not None:
        tokens += (read or 0) + (created or 0)
    return inside(tokens, output, read)


def inside(tokens: int | None, output: int | None, cached: int | None) -> Usage:
    """A usage whose cached tokens are inside its input. Raises `BadRowError` where they cannot be."""
    if cached is not None and tokens is not None and cached > tokens:
        raise BadRowError("more cached than input tokens")
    return Usage(tokens, output, cached)


def _details(said: dict[str, Any], name: str) -> int | None:
    details = said.get(name)
    return count(details.get("cached_tokens"), "cached_tokens") if isinstance(details, dict) else None
