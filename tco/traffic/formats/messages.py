"""Prompts as logs have them: a text, messages of a chat, or messages in parts."""

from __future__ import annotations

from typing import Any

import msgspec

from tco.traffic.formats.rows import ANY

_TEXT = ("text", "input_text", "output_text")


def prompt_of(value: Any, system: Any = None) -> str | tuple[dict[str, Any], ...] | None:
    """A prompt that can be sent again; None where there is none, or where some of it is no text.

    `value` is a text, a list of messages, or either as JSON; `system` is what stands before it.
    """
    messages = parsed(value)
    if isinstance(messages, str):
        if system is None:
            return messages or None
        messages = [{"role": "user", "content": messages}]
    if not isinstance(messages, list) or not messages:
        return None
    before = _system(parsed(system)) if system else []
    found = [_message(m) for m in messages]
    if before is None or any(m is None for m in found):
        return None
    return (*before, *(m for m in found if m is not None))


def parsed(value: Any) -> Any:
    """JSON within a text, where it is a list or an object; else the value as it is."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return ANY.decode(value)
        except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
            return value
    return value


def _system(value: Any) -> list[dict[str, Any]] | None:
    if isinstance(value, str):
        return [{"role": "system", "content": value}]
    content = _text(value)
    return None if content is None else [{"role": "system", "content": content}]


def _message(value: Any) -> dict[str, Any] | None:
    """A message as a server takes it; parts that are texts made one."""
    if not isinstance(value, dict) or not isinstance(value.get("role"), str):
        return None
    if "parts" in value and "content" not in value:
        content = _text(value["parts"])
        return None if content is None else {"role": value["role"], "content": content}
    return value


def _text(parts: Any) -> str | None:
    """The text of parts; None where one is no text."""
    if not isinstance(parts, list):
        return None
    found: list[str] = []
    for part in parts:
        if isinstance(part, str):
            found.append(part)
            continue
        if not isinstance(part, dict) or part.get("type", "text") not in _TEXT:
            return None
        said = part.get("content", part.get("text"))
        if not isinstance(said, str):
            return None
        found.append(said)
    return "\n".join(found)
