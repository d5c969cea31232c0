"""What the client processes of a run say to each other over a socket pair: frames of a length and a message."""

from __future__ import annotations

import asyncio
import struct
from typing import NamedTuple

import msgspec

from tco.replay.load.chains import Item
from tco.replay.load.pace import Pace
from tco.replay.load.punctual import Pulse
from tco.replay.outcome import Outcome

_LENGTH = struct.Struct("!I")


class Orders(NamedTuple):
    """The first thing a process is told, pickled: never in its arguments or its environment, for the key is in it."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]
    remote: bool
    key: str | None
    model: str
    salt: str
    block_tokens: int | None
    token_ids: tuple[int, int]
    timeout_s: float
    first_byte_s: float
    pace: Pace
    zero_ns: int


class _Message(msgspec.Struct, array_like=True, tag=True):
    """Any message."""


class Take(_Message):
    """To a process: send these, each in its turn."""

    items: list[Item]


class Slots(_Message):
    """To a process: so many requests under way at once. From it: so many are held, while that is more than wanted."""

    slots: int


class Finish(_Message):
    """To a process: nothing more will be given."""


class Stop(_Message):
    """To a process: send nothing more."""


class Cancel(_Message):
    """To a process: let go what is under way."""


class Up(_Message):
    """From a process, the first: it has started."""


class Ends(_Message):
    """From a process: what ended."""

    outcomes: list[Outcome]


class State(_Message):
    """From a process, a few times a second."""

    sent: int
    in_flight: int
    overdue: int
    forgotten: int
    pulse: Pulse


class Room(_Message):
    """From a process: so many more may be given now."""

    more: int


class Idle(_Message):
    """From a process: all that was given has ended, and nothing more will come."""


class Broken(_Message):
    """From a process: it failed, and where. Never a value: that may be somebody's data."""

    where: str


Told = Take | Slots | Finish | Stop | Cancel
Said = Up | Ends | State | Room | Slots | Idle | Broken

_ENCODE = msgspec.msgpack.Encoder().encode
TOLD = msgspec.msgpack.Decoder(Told)
SAID = msgspec.msgpack.Decoder(Said)


def frame(message: Told | Said) -> bytes:
    """As it goes over the socket."""
    return framed(_ENCODE(message))


def framed(text: bytes) -> bytes:
    """With its length."""
    return _LENGTH.pack(len(text)) + text


async def unframed(reader: asyncio.StreamReader) -> bytes | None:
    """The next message; None at the end, or where the other side is gone."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
