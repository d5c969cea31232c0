"""The bodies of requests: exact lengths, shared prefixes, recorded prompts as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tco.replay.http import prompts
from tco.replay.http.prompts import Bodies
from tco.traffic.request import Request

BLOCK = 8


def request(tokens: int | None, blocks: tuple[int, ...] = (), **more: Any) -> Request:
    return Request(**{"at": 0.0, "input_tokens": tokens, "output_tokens": 5, "blocks": blocks, **more})


def ids(bodies: Bodies, index: int, of: Request) -> list[int]:
    found: list[int] = json.loads(bodies.of(index, of).payload)["prompt"]
    return found


def bodies(salt: str = "a", block_tokens: int | None = BLOCK) -> Bodies:
    return Bodies("tiny", salt, block_tokens)


def common(a: list[int], b: list[int]) -> int:
    """Tokens of the prefix that both have."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


class TestBody:
    def test_is_all_that_is_asked_for(self) -> None:
        body = bodies().of(3, request(4))
        sent = json.loads(body.payload)
        assert (body.path, body.output_tokens) == ("/v1/completions", 5)
        assert len(sent.pop("prompt")) == 4
        assert sent == {
            "model": "tiny", "max_tokens": 5, "min_tokens": 5, "ignore_eos": True, "stream": True,
            "stream_options": {"include_usage": True},
        }  # fmt: skip

    def test_of_free_length(self) -> None:
        """Nothing bounds the answer: not even the 16 tokens of a completion that says nothing."""
        body = bodies().of(3, request(4, output_tokens=None))
        sent = json.loads(body.payload)
        assert body.output_tokens is None
        assert sent["max_tokens"] is None
        assert not {"min_tokens", "ignore_eos"} & set(sent)
        chat = json.loads(bodies().of(3, request(None, output_tokens=None, prompt=({"role": "user"},))).payload)
        assert not {"max_tokens", "min_tokens", "ignore_eos"} & set(chat)

    def test_a_recorded_text_is_sent_as_it_is(self) -> None:
        prompt = 'say "hi"\n\u2028 漢🙂 \\ \x00'
        body = bodies().of(0, request(4, (1, 2), prompt=prompt))
        assert body.path == "/v1/completions"
        assert json.loads(body.payload)["prompt"] == prompt

    def test_recorded_messages_are_a_chat(self) -> None:
        messages = ({"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "é"}]})
        body = bodies().of(0, request(None, prompt=messages))
        assert (body.path, body.output_tokens) == ("/v1/chat/completions", 5)
        assert json.loads(body.payload)["messages"] == list(messages)

    def test_neither_prompt_nor_length(self) -> None:
        with pytest.raises(ValueError, match="request 7 has neither a prompt nor a length"):
            bodies().of(7, request(None, (1, 2)))

    def test_a_model_with_odd_letters(self) -> None:
        assert json.loads(Bodies('a "b"/ü', "s", None).of(0, request(1)).payload)["model"] == 'a "b"/ü'

    @pytest.mark.parametrize("bad", [(5, 5), (9, 3), (-1, 4)])
    def test_no_token_ids(self, bad: tuple[int, int]) -> None:
        with pytest.raises(ValueError, match="no token ids"):
            Bodies("tiny", "a", None, bad)


class TestTokenIds:
    @settings(deadline=None)
    @given(st.integers(0, 100), st.lists(st.integers(0, 5), max_size=10), st.sampled_from([None, 1, BLOCK, 512]))
    def test_lengths_are_exact(self, tokens: int, blocks: list[int], size: int | None) -> None:
        found = ids(bodies(block_tokens=size), 0, request(tokens, tuple(blocks)))
        assert len(found) == tokens
        assert all(1000 <= i < 4000 for i in found)

    @settings(deadline=None)
    @given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.lists(st.integers(0, 3), min_size=1, max_size=6),
           st.integers(1, BLOCK), st.integers(1, BLOCK))  # fmt: skip
    def test_equal_ids_at_the_front_are_an_equal_prefix(
        self, a: list[int], b: list[int], rest_a: int, rest_b: int
    ) -> None:
        """The last block is the rest: so many of its tokens as are left."""
        one = bodies()
        size_a, size_b = (len(a) - 1) * BLOCK + rest_a, (len(b) - 1) * BLOCK + rest_b
        same = common(a, b)
        expected = min(same * BLOCK, size_a, size_b)
        assert common(ids(one, 0, request(size_a, tuple(a))), ids(one, 1, request(size_b, tuple(b)))) == expected

    def test_a_block_is_the_same_in_every_process(self) -> None:
        """Another maker of the same salt, at another row, with other blocks before: the same tokens."""
        first = ids(bodies(), 0, request(2 * BLOCK, (7, 9)))
        again = ids(bodies(), 5, request(2 * BLOCK, (3, 9)))
        assert first[BLOCK:] == again[BLOCK:]
        assert common(first, again) == 0

    def test_what_is_in_no_block_is_the_requests_own(self) -> None:
        one = bodies()
        a, b = (ids(one, i, request(BLOCK + 10, (7,))) for i in (1, 2))
        assert common(a, b) == BLOCK
        assert a == ids(bodies(), 1, request(BLOCK + 10, (7,))), "and the same when it is made again"
        assert common(*(ids(one, i, request(50)) for i in (1, 2))) == 0

    def test_more_blocks_than_tokens(self) -> None:
        assert len(ids(bodies(), 0, request(BLOCK, (1, 2, 3)))) == BLOCK

    def test_another_salt_shares_no_block(self) -> None:
        """An earlier run's cache gives nothing: of 200 blocks none begins with the same four tokens in both runs."""
        fronts = [
            {tuple(ids(bodies(salt), 0, request(BLOCK, (block,)))[:4]) for block in range(200)} for salt in ("a", "b")
        ]
        assert len(fronts[0]) == len(fronts[1]) == 200, "nor do two blocks of one run"
        assert not fronts[0] & fronts[1]

    def test_a_block_and_a_row_of_one_number_differ(self) -> None:
        one = bodies()
        assert common(ids(one, 7, request(BLOCK, (7,))), ids(one, 7, request(BLOCK))) == 0

    def test_ids_are_spread_over_the_range(self) -> None:
        """3,000 ids, 60,000 draws: 20 expected of each, standard deviation sqrt(20); none is twice as common."""
        found = ids(bodies(), 0, request(60_000))
        counts = [found.count(i) for i in range(1000, 4000, 97)]
        assert all(20 - 5 * 20**0.5 < n < 20 + 6 * 20**0.5 for n in counts)

    def test_another_range(self) -> None:
        found = ids(Bodies("tiny", "a", None, (5, 7)), 0, request(100))
        assert set(found) == {5, 6}


class TestCache:
    def test_is_bounded_and_changes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        block_bytes = BLOCK * len("1234,") - 1
        monkeypatch.setattr(prompts, "CACHED_BYTES", 10 * block_bytes)
        small = bodies()
        first = [ids(small, 0, request(BLOCK, (block,))) for block in range(50)]
        assert small._cached_bytes == 10 * block_bytes
        assert list(small._cache) == list(range(40, 50)), "the least recently used left first"
        small.of(0, request(BLOCK, (40,)))
        small.of(0, request(BLOCK, (99,)))
        assert 40 in small._cache and 41 not in small._cache
        assert [ids(small, 0, request(BLOCK, (block,))) for block in range(50)] == first
