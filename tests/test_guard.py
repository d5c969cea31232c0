"""Which servers recorded traffic may go to, and that nothing is connected to before that is known."""

from __future__ import annotations

import pickle
import socket
from collections.abc import Callable, Sequence
from typing import NoReturn

import pytest

from tco.replay.http import guard
from tco.replay.http.guard import Refused, Unresolved, check
from tco.replay.http.target import Key

SECRET = "sk-Guard.Test_0123456789"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection, and any question to a real resolver, is an error."""

    def refuse(*args: object, **keys: object) -> NoReturn:
        raise AssertionError(f"the network was used: {args}")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def names(table: dict[str, Sequence[str]]) -> Callable[[str, int], Sequence[str]]:
    """A resolver that knows these names."""

    def resolve(host: str, port: int) -> Sequence[str]:
        if host not in table:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return table[host]

    return resolve


LOCAL = names({"localhost": ["127.0.0.1", "::1"], "here.test": ["127.0.0.1"]})


class TestThisMachine:
    @pytest.mark.parametrize(
        ("url", "host", "port", "path"),
        [
            ("http://127.0.0.1:8000", "127.0.0.1", 8000, ""),
            ("http://127.0.0.1:8000/", "127.0.0.1", 8000, ""),
            ("http://127.0.0.1:8000/v1", "127.0.0.1", 8000, ""),
            ("http://127.0.0.1:8000/v1/", "127.0.0.1", 8000, ""),
            ("http://127.0.0.1:8000/models/tiny/v1", "127.0.0.1", 8000, "/models/tiny"),
            ("http://127.0.0.1/llm", "127.0.0.1", 80, "/llm"),
            ("https://127.0.0.1", "127.0.0.1", 443, ""),
            ("http://127.99.3.4:1", "127.99.3.4", 1, ""),
            ("http://[::1]:8000", "::1", 8000, ""),
            ("http://[0:0:0:0:0:0:0:1]:8000", "::1", 8000, ""),
            ("http://[::ffff:127.0.0.1]:8000", "::ffff:127.0.0.1", 8000, ""),
            ("HTTP://LocalHost:65535", "localhost", 65535, ""),
            ("http://localhost.:8000", "localhost", 8000, ""),
            ("http://127.0.0.1.:8000", "127.0.0.1", 8000, ""),
            ("http://here.test:8000", "here.test", 8000, ""),
        ],
    )
    def test_accepted(self, url: str, host: str, port: int, path: str) -> None:
        target = check(url, resolve=LOCAL)
        shown = {"::ffff:127.0.0.1": "::ffff:7f00:1"}.get(host, host)
        assert (target.host, target.port, target.path, target.remote) == (shown, port, path, False)

    def test_every_address_is_kept(self) -> None:
        assert check("http://localhost:8000", resolve=LOCAL).addresses == ("127.0.0.1", "::1")
        assert check("http://127.0.0.1:8000", resolve=LOCAL).addresses == ("127.0.0.1",)

    def test_as_the_user_reads_it(self) -> None:
        assert check("http://[::1]:8000/a/v1").url == "http://[::1]:8000/a"
        assert check("http://127.0.0.1").url == "http://127.0.0.1:80"

    def test_naming_it_as_remote_is_harmless(self) -> None:
        assert not check("http://localhost:8000", ["localhost"], resolve=LOCAL).remote


REMOTE = {
    "private 10": "10.0.0.5",
    "private 172": "172.16.0.1",
    "private 192": "192.168.1.20",
    "carrier": "100.64.0.1",
    "link-local": "169.254.169.254",
    "public": "93.184.216.34",
    "public IPv6": "[2606:2800:220:1::1]",
    "unique local IPv6": "[fd00::5]",
    "link-local IPv6": "[fe80::1]",
    "mapped private": "[::ffff:10.0.0.5]",
    "IPv4-compatible loopback": "[::127.0.0.1]",
    "6to4 of loopback": "[2002:7f00:1::]",
    "NAT64 of loopback": "[64:ff9b::7f00:1]",
}


class TestElsewhere:
    @pytest.mark.parametrize("host", REMOTE.values(), ids=REMOTE.keys())
    def test_an_address_that_is_not_of_this_machine(self, host: str) -> None:
        with pytest.raises(Refused, match="not on this machine") as refusal:
            check(f"http://{host}:8000")
        assert "--allow-remote" in str(refusal.value)

    @pytest.mark.parametrize("host", REMOTE.values(), ids=REMOTE.keys())
    def test_named_it_is_allowed(self, host: str) -> None:
        target = check(f"http://{host}:8000", [host])
        assert target.remote
        assert len(target.addresses) == 1

    @pytest.mark.parametrize(
        "addresses",
        [["10.0.0.5"], ["127.0.0.1", "10.0.0.5"], ["10.0.0.5", "127.0.0.1"], ["::1", "2606:2800:220:1::1"],
         ["127.0.0.1", "::ffff:10.0.0.5"], ["127.0.0.1", "fe80::1%eth0"]],
        ids=str,
    )  # fmt: skip
    def test_a_name_of_which_one_address_is_elsewhere(self, addresses: list[str]) -> None:
        with pytest.raises(Refused, match=r"`model\.test \(.*\)` is .*not on this machine") as refusal:
            check("http://model.test:8000", resolve=names({"model.test": addresses}))
        for address in addresses:
            assert address in str(refusal.value), "it says what the name stands for"

    def test_localhost_that_is_somewhere_else(self) -> None:
        with pytest.raises(Refused, match=r"`localhost \(10\.0\.0\.5\)` is not on this machine"):
            check("http://localhost:8000", resolve=names({"localhost": ["10.0.0.5"]}))

    @pytest.mark.parametrize("allowed", ["MODEL.test", "model.test.", " model.test "])
    def test_the_very_host_however_it_is_written(self, allowed: str) -> None:
        target = check("http://model.test:8000", [allowed], resolve=names({"model.test": ["10.0.0.5", "127.0.0.1"]}))
        assert target.remote
        assert target.addresses == ("10.0.0.5", "127.0.0.1")

    @pytest.mark.parametrize("allowed", ["test", "other.test", "a.model.test", "10.0.0.5"])
    def test_another_host_is_not_that_one(self, allowed: str) -> None:
        with pytest.raises(Refused, match="not on this machine"):
            check("http://model.test:8000", [allowed], resolve=names({"model.test": ["10.0.0.5"]}))

    @pytest.mark.parametrize("allowed", ["*", "*.test", "http://model.test", "model.test:8000", "", "10.0.0.0/8"])
    def test_what_names_no_single_host(self, allowed: str) -> None:
        with pytest.raises(Refused, match="is no host"):
            check("http://model.test:8000", [allowed], resolve=names({"model.test": ["10.0.0.5"]}))

    def test_an_address_may_be_spelled_otherwise(self) -> None:
        assert check("http://[fd00:0::5]:1", ["fd00::0:5"]).remote

    def test_a_name_without_an_address(self) -> None:
        with pytest.raises(Unresolved, match=r"`nowhere\.test` has no address here"):
            check("http://nowhere.test:8000", ["nowhere.test"], resolve=LOCAL)

    @pytest.mark.parametrize("found", [["here"], ["127.0.0.1", ""], ["127.0.0.1:80"]], ids=str)
    def test_a_resolver_that_finds_no_address(self, found: list[str]) -> None:
        with pytest.raises(Refused, match="no IP address"):
            check("http://model.test", ["model.test"], resolve=lambda host, port: found)

    def test_a_resolver_that_finds_nothing(self) -> None:
        with pytest.raises(Unresolved, match="has no address"):
            check("http://here.test", resolve=lambda host, port: [])

    @pytest.mark.parametrize(
        "host", ["0.0.0.0", "[::]", "224.0.0.1", "255.255.255.255", "[ff02::1]", "[::ffff:0.0.0.0]"]
    )
    def test_what_is_no_host_even_when_named(self, host: str) -> None:
        with pytest.raises(Refused, match="is no address of a server"):
            check(f"http://{host}:8000", [host])

    def test_the_name_is_asked_for_once(self) -> None:
        """A name that is of this machine when checked and elsewhere afterwards: the target keeps the first answer."""
        answers = iter([["127.0.0.1"], ["10.0.0.5"]])
        target = check("http://rebind.test:8000", resolve=lambda host, port: next(answers))
        assert target.addresses == ("127.0.0.1",)
        assert next(answers) == ["10.0.0.5"], "the second answer was not asked for"


class TestSpellings:
    """What readers of URLs read differently is refused, whatever it means."""

    @pytest.mark.parametrize(
        "host",
        ["2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "1.2.3.256",
         "127.0.0.1.1", "here.0x7f", "00000177.0.0.1", "127.0.0.01"],
    )  # fmt: skip
    def test_unusual_addresses(self, host: str) -> None:
        with pytest.raises(Refused, match="unusual spelling"):
            check(f"http://{host}:8000", [], resolve=lambda host, port: ["127.0.0.1"])

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("127.0.0.1:8000", "does not begin with"),
            ("localhost:8000", "does not begin with"),
            ("//127.0.0.1:8000", "does not begin with"),
            ("", "does not begin with"),
            ("http:/127.0.0.1", "does not begin with"),
            ("ftp://127.0.0.1", "`ftp` is neither"),
            ("file:///etc/passwd", "`file` is neither"),
            ("unix:///run/vllm.sock", "`unix` is neither"),
            ("http://", "no host"),
            ("http://:8000", "no host"),
            ("http://127.0.0.1:0", "port 0"),
            ("http://127.0.0.1:65536", "port out of range"),
            ("http://127.0.0.1:x", "cannot be read"),
            ("http://127.0.0.1:-1", "cannot be read"),
            ("http://127.0.0.1:80:80", "cannot be read"),
            ("http://[::1", "cannot be read"),
            ("http://::1:8000", "cannot be read"),
            ("http://[::1]evil.test/", "cannot be read"),
            ("http://[::1]evil.test:8000", "cannot be read"),
            ("http://evil.test[::1]:8000", "cannot be read"),
            ("http://[v1.x]:80", "cannot be read"),
            ("http://[127.0.0.1]:80", "cannot be read"),
            ("http://[here.test]:80", "cannot be read"),
            ("http://127.0.0.1:8000/?a=b", "query"),
            ("http://127.0.0.1:8000?", "query"),
            ("http://127.0.0.1:8000#v1", "fragment"),
            ("http://127.0.0.1:8000/a/../b", "path"),
            ("http://127.0.0.1:8000/%2e%2e", "path"),
            ("http://127.0.0.1:8000//evil.test/v1", "path"),
            ("http://127.0.0.1:8000/a;b", "path"),
            ("http://127.0.0.1\\@evil.test", "characters"),
            ("http://127.0.0.1 .evil.test", "characters"),
            ("http://127.0.0.1\t", "characters"),
            ("http://127.0.0.1\r\nHost: evil", "characters"),
            ("http://127。0。0。1", "characters"),
            ("http://exämple.test", "characters"),
        ],
    )
    def test_no_server(self, url: str, why: str) -> None:
        with pytest.raises(Refused, match=why) as refusal:
            check(url, resolve=LOCAL)
        assert "http://127.0.0.1:8000" in str(refusal.value), "it says what was expected"

    @pytest.mark.parametrize(
        "host", ["127.0.0.1%00.evil.test", "a_b-.test", "-a.test", "a..test", "[::1%25lo]", "[::g]"]
    )
    def test_no_host(self, host: str) -> None:
        with pytest.raises(Refused):
            check(f"http://{host}:8000", resolve=lambda host, port: ["127.0.0.1"])

    @pytest.mark.parametrize(
        "url",
        [f"http://user:{SECRET}@127.0.0.1:8000", f"http://{SECRET}@127.0.0.1", "http://@127.0.0.1",
         f"http://user:{SECRET}/x@127.0.0.1", f"http://user:{SECRET}#x@127.0.0.1", f"user:{SECRET}@127.0.0.1"],
    )  # fmt: skip
    def test_a_user_in_the_url(self, url: str) -> None:
        with pytest.raises(Refused, match="user's name") as refusal:
            check(url)
        assert "guard.test" not in str(refusal.value).lower(), "nor a part of it, nor in small letters"

    @pytest.mark.parametrize(
        "url",
        [f"http://user:{SECRET}", f"127.0.0.1:8000?key={SECRET}", f"127.0.0.1:8000#{SECRET}", f"user:{SECRET}", SECRET,
         f"http://[::1]{SECRET}", f"http://[{SECRET}]", f"http://127.0.0.1:{SECRET}/v1", f"http://[{SECRET}"],
    )  # fmt: skip
    def test_a_key_somewhere_in_the_url(self, url: str) -> None:
        with pytest.raises(Refused) as refusal:
            check(url)
        assert "guard.test" not in str(refusal.value).lower()
        assert "http://127.0.0.1:8000" in str(refusal.value), "it says what was expected"


class TestKey:
    def test_is_in_the_header_alone(self) -> None:
        target = check("http://127.0.0.1:8000", key=SECRET)
        assert target.key is not None
        assert target.key.header() == f"Bearer {SECRET}"
        for shown in (repr(target), str(target), target.url, repr(target.key), str(target.key), f"{target.key}"):
            assert SECRET not in shown

    def test_goes_to_a_worker_with_the_target(self) -> None:
        """A target is sent to other processes of this machine through a pipe; what is shown of it has no key."""
        again = pickle.loads(pickle.dumps(check("http://127.0.0.1:8000", key=SECRET)))
        assert again.key.header() == f"Bearer {SECRET}"
        assert SECRET not in repr(again)

    def test_hides_itself(self) -> None:
        assert Key(SECRET).hide(f"you sent {SECRET}, {SECRET}") == "you sent ***, ***"

    def test_readable_on_the_way_to_a_remote_host(self) -> None:
        with pytest.raises(Refused, match="would travel readable to `10.0.0.5`: use `https`") as refusal:
            check("http://10.0.0.5:8000", ["10.0.0.5"], SECRET)
        assert SECRET not in str(refusal.value)
        assert check("https://10.0.0.5", ["10.0.0.5"], SECRET).remote
        assert not check("http://127.0.0.1", key=SECRET).remote, "on this machine nobody listens"

    @pytest.mark.parametrize(
        "key", ["", " ", "two words\r\nX: y", "tab\t", f" {SECRET}", f"{SECRET}\n", "schlüssel", "a\0b"]
    )
    def test_what_no_header_can_carry(self, key: str) -> None:
        with pytest.raises(Refused, match="the key is empty, or has") as refusal:
            check("http://127.0.0.1:8000", key=key)
        assert SECRET not in str(refusal.value)


def test_the_system_is_asked_for_every_address(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 8000, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 8000)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.5", 8000)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 8000)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **keys: rows)
    assert guard.resolved("model.test", 8000) == ["::1", "127.0.0.1", "10.0.0.5"]
    with pytest.raises(Refused, match=r"is in part \(`10\.0\.0\.5`\) not on this machine"):
        check("http://model.test:8000")
