"""Where requests go: addresses that were checked, and a key that is shown to nobody."""

from __future__ import annotations

from typing import NamedTuple

KEY_VARIABLE = "TCO_API_KEY"
"""The variable of the environment that may hold the key."""


class Key:
    """A secret. It has no text but in the header it is sent in: not in a repr, a log, a record or an error."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def header(self) -> str:
        """What is sent as `Authorization`."""
        return f"Bearer {self._secret}"

    def hide(self, text: str) -> str:
        """The text without the secret, should a server repeat it."""
        return text.replace(self._secret, "***")

    def __repr__(self) -> str:
        return "Key(***)"


class Target(NamedTuple):
    """A server whose every address was checked. Made by `guard.check` alone."""

    scheme: str
    host: str
    port: int
    path: str
    """What stands before `/v1`, without a slash at its end."""
    addresses: tuple[str, ...]
    """IP addresses that may be connected to: the name is not asked for again."""
    remote: bool
    """Not on this machine, and named by `--allow-remote`."""
    key: Key | None = None

    @property
    def url(self) -> str:
        """As the user may read it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"
