"""A prefix cache as vLLM's: whole blocks of token ids, each known by all that stands before it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence


class PrefixCache:
    """Looks a prompt up and keeps its blocks. The last token is always computed, as vLLM does."""

    def __init__(self, block_tokens: int, blocks: int) -> None:
        self.block_tokens, self.blocks = block_tokens, blocks
        self._known: OrderedDict[int, None] = OrderedDict()

    def take(self, ids: Sequence[int]) -> int:
        """Tokens of the prompt that were cached; all of its whole blocks are from now on."""
        if not self.blocks:
            return 0
        size, key, hits, unbroken = self.block_tokens, 0, 0, True
        for start in range(0, len(ids) - size + 1, size):
            key = hash((key, *ids[start : start + size]))
            unbroken = unbroken and key in self._known and start + size < len(ids)
            hits += size if unbroken else 0
            self._known[key] = None
            self._known.move_to_end(key)
        while len(self._known) > self.blocks:
            self._known.popitem(last=False)
        return hits

    def clear(self) -> None:
        """As after `/reset_prefix_cache`."""
        self._known.clear()

    def __len__(self) -> int:
        return len(self._known)
