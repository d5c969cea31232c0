"""The bodies of requests: prompts as recorded, or token ids of exactly their length that share what they shared."""

from __future__ import annotations

import hashlib
from array import array
from collections import OrderedDict
from typing import NamedTuple

import msgspec

from tco.traffic.request import Request

COMPLETIONS = "/v1/completions"
CHAT = "/v1/chat/completions"
CACHED_BYTES = 16 * 1024 * 1024
"""Of encoded blocks. Some thousand blocks of 512 tokens, so that a prefix in use is written once."""
_DRAWS = 65_536


class Body(NamedTuple):
    """What is posted."""

    path: str
    payload: bytes
    output_tokens: int | None
    """Tokens that the server must make; None where it may end when it likes."""


class Bodies:
    """Makes the bodies of one run.

    `salt` is the run's own: with another one no block is the same, so that what a server has cached of an earlier run
    gives nothing. `block_tokens` is the trace's; without it there are no blocks. `token_ids` is the range of ids, its
    end left out.
    """

    def __init__(
        self, model: str, salt: str, block_tokens: int | None, token_ids: tuple[int, int] = (1000, 4000)
    ) -> None:
        self._model = msgspec.json.encode(model)
        self._salt = salt
        self._block_tokens = block_tokens
        low, high = token_ids
        if not 0 <= low < high:
            raise ValueError(f"no token ids in {token_ids}")
        # two random bytes to an id as it is written; some ids stand in the table once more than others, no harm
        written = [b"%d" % i for i in range(low, high)]
        self._written = (written * (_DRAWS // len(written) + 1))[:_DRAWS]
        self._cache: OrderedDict[int, bytes] = OrderedDict()
        self._cached_bytes = 0

    def of(self, index: int, request: Request) -> Body:
        """The body of the request that is row `index` of the trace.

        A recorded prompt is sent as it is, messages as a chat. Else the input is token ids: for each of its blocks the
        run that belongs to the block's id, the rest a run of its own. Raises `ValueError` where neither a prompt nor a
        length is known.
        """
        path = COMPLETIONS
        if request.prompt is None:
            if request.input_tokens is None:
                raise ValueError(f"request {index} has neither a prompt nor a length")
            name, value = b"prompt", b"[" + self._ids(index, request.input_tokens, request.blocks) + b"]"
        elif isinstance(request.prompt, str):
            name, value = b"prompt", msgspec.json.encode(request.prompt)
        else:
            path = CHAT
            name, value = b"messages", msgspec.json.encode(request.prompt)
        wanted = request.output_tokens
        if wanted is not None:
            length = b'"max_tokens":%d,"min_tokens":%d,"ignore_eos":true,' % (wanted, wanted)
        else:  # a completion that says nothing ends after 16 tokens; null is as long as the model likes
            length = b'"max_tokens":null,' if path == COMPLETIONS else b""
        payload = (
            b'{"model":' + self._model + b',"' + name + b'":' + value + b"," + length
            + b'"stream":true,"stream_options":{"include_usage":true}}'
        )  # fmt: skip
        return Body(path, payload, wanted)

    def _ids(self, index: int, tokens: int, blocks: tuple[int, ...]) -> bytes:
        """`tokens` ids, written as JSON does but without the brackets."""
        size = self._block_tokens
        if size is None or not blocks:
            return self._run(f"request {index}", tokens)
        whole = min(len(blocks), tokens // size)
        parts = [self._block(block) for block in blocks[:whole]]
        rest = tokens - whole * size
        if rest and whole < len(blocks):  # the last block is the rest, and shared as such
            part = min(rest, size)
            parts.append(self._run(f"block {blocks[whole]}", part))
            rest -= part
        if rest:
            parts.append(self._run(f"request {index}", rest))
        return b",".join(parts)

    def _block(self, block: int) -> bytes:
        """A whole block: the same bytes wherever its id stands."""
        cache = self._cache
        found = cache.get(block)
        if found is not None:
            cache.move_to_end(block)
            return found
        assert self._block_tokens is not None
        found = cache[block] = self._run(f"block {block}", self._block_tokens)
        self._cached_bytes += len(found)
        while self._cached_bytes > CACHED_BYTES and len(cache) > 1:
            self._cached_bytes -= len(cache.popitem(last=False)[1])
        return found

    def _run(self, name: str, tokens: int) -> bytes:
        """The fixed random run of ids that belongs to a name, and its first part where fewer are asked for."""
        seed = f"{self._salt}\0{name}".encode()
        draws = array("H", hashlib.shake_128(seed).digest(2 * tokens))
        written = self._written
        return b",".join([written[draw] for draw in draws])
