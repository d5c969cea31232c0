"""Which failure an exception of the HTTP library is."""

from __future__ import annotations

import errno
import ssl
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from tco.replay.outcome import CLIENT_LIMIT

if TYPE_CHECKING:
    from tco.replay.http.answer import Answer


class Fate(NamedTuple):
    """How a request ended: the last fields of its outcome."""

    status: str
    http: int | None = None
    detail: str | None = None


CLIENT_LIMITS = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM})
"""No file, no port or no memory left for a connection: this machine's failures, which say nothing of a server."""
_CLOSED = "Connection closed."
"""aiohttp's word, as a `RuntimeError`, for a connection that was lost between two reads."""

REASONS = {
    CLIENT_LIMIT: "this machine has no file, port or memory left for a connection (see `ulimit -n`)",
    "refused": "the connection was refused",
    "reset": "the connection broke",
    "malformed": "what came is no HTTP",
    "timeout": "no answer within the limit",
}
"""What `failed` can find, in words."""


def failed(error: Exception, answer: Answer | None, *, began: bool) -> Fate:
    """Which failure an exception of the transport is. Raises it again where it is none."""
    if answer is not None and answer.failure is not None:
        return Fate(answer.failure, None, answer.detail)  # what came before it is what went wrong
    if _number(error) in CLIENT_LIMITS:
        return Fate(CLIENT_LIMIT, None, _errno(error))
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientConnectorDNSError):
        return Fate("refused", None, _refusal(error))
    if isinstance(error, TimeoutError):
        return Fate("timeout")
    if isinstance(error, aiohttp.ClientResponseError | HttpProcessingError):
        return Fate("malformed", None, "http")
    if isinstance(error, aiohttp.ClientError | OSError):
        return Fate("reset", None, _errno(error))
    if isinstance(error, RuntimeError) and began and str(error) == _CLOSED:
        return Fate("reset")
    raise error


def _refusal(error: aiohttp.ClientConnectorError) -> str | None:
    if isinstance(error.os_error, ssl.SSLError):
        return "certificate" if isinstance(error.os_error, ssl.SSLCertVerificationError) else "tls"
    return _errno(error.os_error)


def _number(error: Exception) -> int | None:
    """The system's number of what failed, where it is the system that failed."""
    number = getattr(error, "errno", None)
    return number if isinstance(number, int) and not isinstance(error, ssl.SSLError) else None


def _errno(error: Exception) -> str | None:
    """`ECONNRESET` and the like; the text may hold addresses and is left out."""
    number = _number(error)
    return None if number is None else errno.errorcode.get(number)
