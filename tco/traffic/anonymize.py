"""A raw log as lengths and prefix hashes: what a replay needs, and nothing that anybody wrote.

Hashes are keyed with a secret that is drawn for one run and thrown away: nothing can be matched from two outputs, nor
from a text and an output.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
import numpy as np

from tco.traffic.batch import UNKNOWN, Batch, Ints
from tco.traffic.tally import Tally

BLOCK = 64
"""Tokens of a block where the log has texts."""
NAMED = 8
"""Bytes of what stands for a name."""
NO_COUNT = "no token count, and nothing to estimate it by: `--tokenizer` counts them"


class BytesPerToken(NamedTuple):
    """How a log's own token counts stand to its texts."""

    tokens: int
    bytes: int

    @property
    def each(self) -> float:
        """Bytes of a token, in the mean."""
        return self.bytes / self.tokens


Encode = Callable[[str], Sequence[int]]
"""A tokenizer: the ids of a text."""


def bytes_per_token(batches: Iterable[Batch]) -> BytesPerToken | None:
    """From the rows that have a text and its length; None where there is none."""
    tokens = size = 0
    for batch in batches:
        if batch.prompt is None:
            continue
        for prompt, count in zip(batch.prompt, batch.input_tokens.tolist(), strict=True):
            if prompt and count > 0:
                tokens += count
                size += len(text_of(prompt))
    return BytesPerToken(tokens, size) if tokens and size else None


def anonymized(
    batches: Iterable[Batch],
    tally: Tally,
    *,
    block: int,
    ratio: BytesPerToken | None,
    encode: Encode | None = None,
    models: bool = False,
) -> Iterator[Batch]:
    """Batches without text, id, session name and model.

    Blocks of texts are of `block` tokens by `encode`, else of as many bytes as so many tokens have by `ratio`. Rows
    whose length is not known and cannot be estimated are taken from what the tally kept to what it dropped.
    """
    key = secrets.token_bytes(32)

    def name(kind: bytes, value: str | None) -> str | None:
        if value is None:
            return None
        return blake2b(value.encode("utf-8", "surrogatepass"), digest_size=NAMED, key=key, person=kind).hexdigest()

    for batch in batches:
        tokens, found = batch.input_tokens.copy(), batch.blocks_of_rows()
        for row, prompt in enumerate(batch.prompt or ()):
            if prompt is not None:
                tokens[row], found[row] = _blocks(prompt, int(tokens[row]), block, ratio, encode, key)
        if batch.prompt is None and batch.blocks is not None:
            found = [_renamed(ids, key) for ids in found]
        blocks: Ints = np.array([b for ids in found for b in ids], np.int64)
        made = batch._replace(
            input_tokens=tokens,
            blocks=blocks if len(blocks) else None,
            ends=np.cumsum([len(ids) for ids in found], dtype=np.int64) if len(blocks) else None,
            id=None if batch.id is None else [name(b"request", v) for v in batch.id],
            after=None if batch.after is None else [name(b"request", v) for v in batch.after],
            session=None if batch.session is None else [name(b"session", v) for v in batch.session],
            prompt=None,
            model=batch.model if models else None,
        )
        counted = tokens != UNKNOWN
        lost = int((~counted).sum())
        if lost:
            tally.drop(NO_COUNT, rows=lost)
            tally.kept -= lost
            made = made.take(counted)
        if made.rows:
            yield made


def text_of(prompt: Any) -> bytes:
    """A prompt as bytes: two begin alike as far as their texts do."""
    if isinstance(prompt, str):
        return prompt.encode("utf-8", "surrogatepass")
    parts: list[bytes] = []
    for message in prompt:
        content = message.get("content")
        body = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else msgspec.json.encode(content)
        parts.append(str(message.get("role")).encode("utf-8", "surrogatepass") + b"\n" + body + b"\n")
        more = {k: v for k, v in message.items() if k not in ("role", "content")}
        if more:
            parts.append(msgspec.json.encode(more, order="sorted"))
    return b"".join(parts)


def _blocks(
    prompt: Any, tokens: int, block: int, ratio: BytesPerToken | None, encode: Encode | None, key: bytes
) -> tuple[int, tuple[int, ...]]:
    """The length of a prompt, and a hash for each block of it that stands for the text up to the block's end."""
    text = text_of(prompt)
    if encode is not None:
        ids = np.array(encode(text.decode("utf-8", "surrogatepass")), np.int64)
        text, step, counted = ids.tobytes(), 8.0 * block, len(ids)
    elif ratio is not None:
        step, counted = max(1.0, ratio.each * block), max(1, round(len(text) / ratio.each))
    else:
        return tokens, ()
    if tokens == UNKNOWN:
        tokens = counted
    most = -(-tokens // block)
    running = blake2b(digest_size=8, key=key, person=b"prefix")
    found: list[int] = []
    start = 0
    while start < len(text) and len(found) < most:
        last = len(found) + 1 == most
        end = len(text) if last else min(len(text), round((len(found) + 1) * step))
        running.update(text[start:end])
        found.append(_number(running))
        start = end
    return tokens, tuple(found)


def _renamed(ids: tuple[int, ...], key: bytes) -> tuple[int, ...]:
    """Other ids, alike where these were."""
    return tuple(_number(blake2b(i.to_bytes(8, "big", signed=True), digest_size=8, key=key)) for i in ids)


def _number(running: Any) -> int:
    return int.from_bytes(running.digest(), "big") >> 1
