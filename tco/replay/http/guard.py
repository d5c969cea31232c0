"""Which server recorded traffic may be sent to: this machine, or a host that was named in so many words.

A recording is somebody's data. The name is resolved once, here, and every address is checked; the client connects to
these addresses alone, so that a name that changes its answer changes nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from tco.replay.http.target import KEY_VARIABLE, Key, Target

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]
"""Host name and port to its addresses. Raises `OSError`."""

PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_NETLOC = re.compile(r"(\[[^\[\]]*:[^\[\]]*\]|[^\[\]:]*)(:[0-9]*)?")
"""`HOST:PORT` alone: readers differ in what they take of more than that. In brackets stands an IPv6 address."""
_PATH = re.compile(r"[A-Za-z0-9._~/-]*")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


class Refused(Exception):
    """Nothing was sent, and why."""


class Unresolved(Refused):
    """The name has no address here: not a mistake of the command line alone, the network may be at fault."""


def resolved(host: str, port: int) -> list[str]:
    """All addresses of a name, as the system knows them. Raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def check(
    url: str,
    allow_remote: Sequence[str] = (),
    key: str | None = None,
    *,
    resolve: Resolver = resolved,
) -> Target:
    """The target that a URL names, its addresses checked. Raises `Refused`, before anything is connected to.

    `http://HOST:PORT`, with what stands before `/v1` where there is something. Without `allow_remote` every address
    must be of this machine's loopback; a host named there, spelled as in the URL, may be anywhere.
    """
    parts = _split(url)
    host, port, path = _host(parts), _port(parts), _path(parts)
    secret = None if key is None else _key(key)
    allowed = host in {_named(name) for name in allow_remote}
    addresses = _addresses(host, port, resolve)
    shown = host if addresses == [host] else f"{host} ({', '.join(addresses)})"
    strange = [a for a in addresses if _is_no_host(_address(a))]
    if strange:
        raise Refused(f"`{strange[0]}` is no address of a server: name one, such as `127.0.0.1`")
    remote = [a for a in addresses if not _is_loopback(_address(a))]
    if remote and not allowed:
        some = "is" if len(remote) == len(addresses) else f"is in part (`{remote[0]}`)"
        raise Refused(
            f"`{shown}` {some} not on this machine, and recorded traffic is somebody's data:"
            f" serve on 127.0.0.1, or name the host with `--allow-remote {host}` if it may have it"
        )
    if remote and secret is not None and parts.scheme == "http":
        raise Refused(f"the key would travel readable to `{shown}`: use `https`, or a tunnel that ends on 127.0.0.1")
    return Target(parts.scheme, host, port, path, tuple(addresses), bool(remote), secret)


def _expected(what: str) -> NoReturn:
    raise Refused(f"{what}: expected a server as `http://HOST:PORT`, such as `http://127.0.0.1:8000`")


def _split(url: str) -> SplitResult:
    """The parts of a URL that all readers of URLs agree on.

    A key may stand in any part of it, so that nothing of it is repeated before it is known to be a host or a path.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        _expected("the URL has characters that no URL has")
    if "@" in url:
        _expected(f"the URL has a user's name; a key goes into `{KEY_VARIABLE}` or `--api-key`")
    if "?" in url or "#" in url:
        _expected(f"the URL has a query or a fragment; a key goes into `{KEY_VARIABLE}` or `--api-key`")
    if "://" not in url:
        _expected("the URL does not begin with `http://` or `https://`")
    try:
        parts = urlsplit(url)
    except ValueError:
        _expected("the URL cannot be read")
    if parts.scheme not in PORTS:
        _expected(f"`{parts.scheme}` is neither `http` nor `https`")
    if not _NETLOC.fullmatch(parts.netloc):
        _expected("the URL cannot be read: its port is no number, or something else stands between host and path")
    return parts


def _host(parts: SplitResult) -> str:
    """A name in small letters, or an address in its one usual spelling."""
    if not parts.hostname:
        _expected("the URL has no host")
    return _named(parts.hostname)


def _named(text: str) -> str:
    """One spelling for each host. Raises `Refused` for what is none, or what readers read differently."""
    host = text.strip().lower()
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if ":" in host:
        if "%" in host:
            raise Refused(f"`{host}` has a zone, which cannot be checked: write an address without one")
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise Refused(f"`{host}` is no host: expected a name or an address, without scheme or port") from None
    host = host.removesuffix(".")
    if not _HOST.fullmatch(host):
        raise Refused(f"`{host}` is no host: expected a name or an address, without scheme, port or wildcard")
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        # 127.1, 0177.0.0.1, 0x7f000001 and 2130706433: some readers take 0177 for 127, others for 177
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise Refused(f"`{host}` is an unusual spelling of an address: write it as `127.0.0.1`") from None
    return host


def _port(parts: SplitResult) -> int:
    try:
        port = PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        _expected("port out of range, which ends at 65535")
    if port == 0:
        _expected("port 0 is none")
    return port


def _path(parts: SplitResult) -> str:
    """What stands before `/v1`, which may be written or not."""
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path) or "//" in path or {".", ".."} & set(path.split("/")):
        _expected(f"the path `{path}` is unusual")
    return path.removesuffix("/v1").rstrip("/")


def _key(text: str) -> Key:
    """A key that a header can carry. The key is not repeated."""
    if not text or not text.isascii() or not text.isprintable() or text != text.strip():
        raise Refused("the key is empty, or has spaces around it or characters that no header can carry")
    return Key(text)


def _addresses(host: str, port: int, resolve: Resolver) -> list[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        found = list(resolve(host, port))
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise Unresolved(
            f"`{host}` has no address here: write one, such as `127.0.0.1`; another machine needs `--allow-remote` too"
        )
    return found


def _address(text: str) -> Address:
    """An address without its zone, an IPv4 address that is written as an IPv6 one as what it is. Raises `Refused`."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        raise Refused("the host's name stands for what is no IP address: write one, such as `127.0.0.1`") from None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_loopback(address: Address) -> bool:
    return address.is_loopback


def _is_no_host(address: Address) -> bool:
    """What means "any of mine", or many at once: where it leads differs by system."""
    return address.is_unspecified or address.is_multicast or address == ipaddress.IPv4Address("255.255.255.255")
