"""No way into the private network: whatever a name resolves to, however an address is written."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse, RedirectResponse

from connectors.addresses import GuardedTransport, is_open, literal, networks, refuse_private
from connectors.errors import Refused
from connectors.wire import Wire
from tests.connectors.doubles import Oddity

HERE = networks(["127.0.0.0/8"])


class Names:
    """A name service that answers what it was told, one answer after the other, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def get(url: str, **transport: Any) -> httpx.Response:
    async with httpx.AsyncClient(transport=GuardedTransport(**transport), follow_redirects=True) as http:
        return await http.get(url)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "0.1.2.3", "224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "192.0.0.192"),
        *("168.63.129.16", "198.18.0.1", "192.0.2.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe"),
        *("::7f00:1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "fe80::1", "fe80::1%eth0", "fec0::1"),
        *("fd00:ec2::254", "ff02::1", "2002:7f00:1::", "2001:0:1::1", "2001:db8::1", "2606:4700::1%1", "name"),
    ],
)
def test_a_private_address_is_closed(address: str) -> None:
    assert not is_open(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_a_public_address_is_open(address: str) -> None:
    assert is_open(address)


def test_a_network_that_is_allowed_is_open_and_no_other() -> None:
    allowed = networks(["10.1.0.0/16", "fd00::/64"])
    assert [is_open(one, allowed) for one in ("10.1.2.3", "::ffff:10.1.2.3", "10.2.0.1", "fd00::1")] == [
        *(True, True, False, True)
    ]


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "127.0.0.1.", "017700000001"]
)
def test_an_address_is_recognised_however_it_is_written(host: str) -> None:
    assert literal(host) == "127.0.0.1"
    with pytest.raises(Refused):
        refuse_private(host, ())


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "metadata.google.internal", "[::1]"])
def test_what_is_plainly_private_needs_no_resolving(host: str) -> None:
    with pytest.raises(Refused):
        refuse_private(host, ())


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["10.0.0.1", "::1"], ["169.254.169.254"], ["fe80::1%lo"]])
async def test_a_name_that_leads_inside_is_refused(odd: Oddity, answer: list[str]) -> None:
    odd.answers = [PlainTextResponse("secret")]
    with pytest.raises(Refused, match="private network"):
        await get(odd.address.replace("127.0.0.1", "rebound.example.com"), resolver=Names(answer))
    assert odd.received == []


async def test_the_address_that_was_checked_is_the_one_connected_to(odd: Oddity) -> None:
    odd.answers = [PlainTextResponse("hello")]
    names = Names(["10.9.9.9", "127.0.0.1"], ["10.9.9.9"])
    answer = await get(odd.address.replace("127.0.0.1", "api.example.com"), allowed=HERE, resolver=names)
    assert (answer.text, names.asked) == ("hello", ["api.example.com"])
    assert odd.received[0].headers["host"].startswith("api.example.com:")


async def test_a_name_that_changes_between_two_connections_is_checked_again(odd: Oddity) -> None:
    odd.answers = [PlainTextResponse("hello", headers={"Connection": "close"})]
    url = odd.address.replace("127.0.0.1", "api.example.com")
    transport = GuardedTransport(allowed=HERE, resolver=Names(["127.0.0.1"], ["10.0.0.1"]))
    async with httpx.AsyncClient(transport=transport) as http:
        await http.get(url)
        with pytest.raises(Refused):
            await http.get(url)
    assert len(odd.received) == 1


@pytest.mark.parametrize(
    "target", ["http://10.0.0.1/", "http://169.254.169.254/latest", "http://0x0a000001/", "http://[::ffff:10.0.0.1]/"]
)
async def test_a_redirect_does_not_lead_inside(odd: Oddity, target: str) -> None:
    odd.answers = [RedirectResponse(target)]
    with pytest.raises(Refused):
        await get(odd.address, allowed=HERE)
    assert len(odd.received) == 1


async def test_a_name_without_an_address_cannot_be_reached() -> None:
    with pytest.raises(httpx.ConnectError):
        await get("http://nothing.example.com/", resolver=Names([]))


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://2130706433/", "http://localhost/", "http://[::1]/"])
async def test_through_a_proxy_private_hosts_are_refused_too(odd: Oddity, url: str) -> None:
    odd.answers = [PlainTextResponse("from inside")]
    with pytest.raises(Refused):
        await get(url, proxy=odd.address)
    assert odd.received == []


async def test_the_wire_for_chosen_addresses_leads_nowhere_private(odd: Oddity) -> None:
    odd.answers = [PlainTextResponse("hello")]
    async with Wire.open() as wire:
        with pytest.raises(Refused):
            await wire.guarded.client(odd.address, service="It").get("/")
        assert (await wire.client(odd.address, service="It").get("/")).text == "hello"
    async with Wire.open(allowed=HERE) as wire:
        assert (await wire.guarded.client(odd.address, service="It").get("/")).text == "hello"
