"""What a stream has told so far: when its tokens came, what the server counted, and whether it failed."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated

import msgspec

from tco.replay.http.sse import Events, TooLong
from tco.replay.http.target import Key
from tco.replay.outcome import OK

DONE = b"[DONE]"
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_NOTHING = msgspec.Raw(b"")

Count = Annotated[int, msgspec.Meta(ge=0)]


class _Delta(msgspec.Struct, gc=False):
    role: str | None = None
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    tool_calls: list[msgspec.Raw] | None = None


class _Choice(msgspec.Struct, gc=False):
    text: str | None = None
    delta: _Delta | None = None
    token_ids: list[int] | None = None
    finish_reason: str | None = None


class _Cached(msgspec.Struct, gc=False):
    cached_tokens: Count | None = None


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    prompt_tokens_details: _Cached | None = None


class _Event(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: msgspec.Raw = _NOTHING
    object: str | None = None


_decode = msgspec.json.Decoder(_Event).decode


def _has_token(choice: _Choice) -> bool:
    """Whether a chunk brings something of the answer. The opening chunk of a chat has a role alone, and does not."""
    if choice.text or choice.token_ids:
        return True
    delta = choice.delta
    return delta is not None and bool(
        delta.content or delta.reasoning or delta.reasoning_content or delta.tool_calls or delta.refusal
    )


def _may_be_token(choice: _Choice) -> bool:
    """Whether a chunk without text could stand for tokens.

    Text is held back where it is half a character or may become a stop string, and special tokens have none: servers
    then send an empty text. An opening chunk with a role, or one that says it has no tokens, stands for nothing.
    """
    if choice.token_ids is not None:
        return False
    delta = choice.delta
    if delta is None:
        return choice.text is not None
    return delta.role is None and (delta.content is not None or choice.finish_reason is not None)


def short_code(body: bytes, key: Key | None) -> str | None:
    """The type or the code of an error, where it is a short identifier: a server's texts may repeat a prompt or a key.

    `{"error": {"type": ..., "code": ...}}` as vLLM and others write it, the inner part alone too.
    """
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(told, dict) and isinstance(told.get("error"), dict):
        told = told["error"]
    if not isinstance(told, dict):
        return None
    for found in (told.get("type"), told.get("code")):
        code = str(found) if isinstance(found, str | int) else ""
        if _CODE.fullmatch(code) and (key is None or key.hide(code) == code):
            return code
    return None


class Answer:
    """Reads the bytes of one stream as they come.

    Chunks that come in one read came together: they count as one, so that a gap is between two arrivals. Times are
    microseconds.
    """

    __slots__ = ("_arrivals", "_chunks", "_ending", "_events", "_key", "_textless", "cached", "detail", "done",
                 "failure", "input", "output")  # fmt: skip

    def __init__(self, key: Key | None = None) -> None:
        self._events = Events()
        self._key = key
        self._arrivals: list[int] = []
        self._textless: list[int] = []  # which of these brought no text
        self._ending: int | None = None  # a chunk without text that says why the answer ended
        self._chunks = 0
        self.input: int | None = None
        self.output: int | None = None
        self.cached: int | None = None
        self.done = False
        self.failure: str | None = None
        self.detail: str | None = None

    def read(self, data: bytes, at: int) -> bool:
        """Take what came at this time. False: it is no answer, and reading on is of no use."""
        try:
            payloads = self._events.feed(data)
        except TooLong:
            return self._malformed("too-long")
        token = textless = False
        for payload in payloads:
            if payload == DONE:
                self.done = True
                break
            try:
                if not payload.isascii():
                    payload.decode()  # parts that are skipped below would not be looked at
                event = _decode(payload)
            except UnicodeDecodeError:
                return self._malformed("utf-8")
            except msgspec.ValidationError:
                return self._malformed("unexpected")
            except (msgspec.DecodeError, RecursionError):  # nested too deeply is no JSON that a server sends
                return self._malformed("json")
            if event.choices:
                for choice in event.choices:
                    if _has_token(choice):
                        token = True
                        self._chunks += 1
                    elif _may_be_token(choice):
                        if choice.finish_reason is None:
                            textless = True
                            self._chunks += 1
                        else:
                            self._ending = at
            if event.usage is not None:
                self._count(event.usage)
            if event.object == "error" or (event.error and bytes(event.error) != b"null"):
                self._fail(payload)
        if token or textless:
            if not token:
                self._textless.append(len(self._arrivals))
            self._arrivals.append(at)
        return True

    @property
    def first(self) -> int | None:
        """When the first tokens came."""
        return self._arrivals[0] if self._arrivals else None

    @property
    def last(self) -> int | None:
        """When the last tokens came."""
        return self._arrivals[-1] if self._arrivals else None

    @property
    def gaps(self) -> list[int]:
        """Between an arrival of tokens and the one before it."""
        return [late - early for early, late in pairwise(self._arrivals)]

    def _count(self, usage: _Usage) -> None:
        """The last usage stands: a server may count along in every chunk."""
        self.input, self.output = usage.prompt_tokens, usage.completion_tokens
        details = usage.prompt_tokens_details
        if details is not None:
            self.cached = details.cached_tokens

    def _fail(self, payload: bytes) -> None:
        if self.failure is None:
            self.failure, self.detail = "error event", short_code(payload, self._key)

    def _malformed(self, what: str) -> bool:
        if self.failure is None:
            self.failure, self.detail = "malformed", what
        return False

    def judge(self, wanted: int | None) -> str:
        """The status of the stream now that it has ended, held against the tokens that were to be made."""
        if self.failure is not None:
            return self.failure
        if not self.done:
            return "no done"
        if self.input is None or self.output is None:
            return "no usage"
        if wanted is not None and self.output != wanted:
            return "wrong length"
        self._settle(self.output)
        return OK

    def _settle(self, tokens: int) -> None:
        """Which chunks without text were tokens, now that the server has told how many it made."""
        if self._chunks > tokens:  # some were none, and it could be any of them
            for position in reversed(self._textless):
                del self._arrivals[position]
        elif self._chunks < tokens and self._ending not in (None, self.last):  # the end's own token has no text
            self._arrivals.append(self._ending)
