"""Mail over SMTP: composed safely, sent once, and what the server says of it."""

import smtplib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from connectors.catalog import catalog
from connectors.errors import Ambiguous, ConnectorError, Reconnect, Refused, TryLater
from connectors.mail.client import Post, Settings, check, connect
from connectors.wire import Wire
from sandbox.mail import Mailbox, mailing
from sandbox.trust import trust

ANN = {"to": ["ann@example.com"], "subject": "Hello", "text": "Hello, Ann."}


class Double:
    def __init__(self, box: Mailbox, given: dict[str, Any], http: httpx.AsyncClient) -> None:
        self.box, self.given, self.http = box, given, http

    async def fault(self, match: str, **fault: Any) -> None:
        (await self.http.post("/sandbox/faults", json={"match": match, "fault": fault})).raise_for_status()

    def settings(self, **more: Any) -> Settings:
        known = {"host": self.given["host"], "port": self.given["port"], "security": "none"}
        return Settings.model_validate({**known, "from_address": "bot@example.com", "from_name": "The Bot", **more})


@pytest.fixture
async def double() -> AsyncIterator[Double]:
    box = Mailbox()
    async with mailing(box) as given, httpx.AsyncClient(base_url=given["url"], trust_env=False, verify=trust()) as http:
        yield Double(box, given, http)


@pytest.fixture
async def post(double: Double, wire: Wire) -> Post:
    return connect(double.settings(), wire)


async def send(post: Post, **given: Any) -> Any:
    action = catalog().actions["mail.send_mail"]
    return await action.carry_out(post, action.given.model_validate({**ANN, **given}))


async def test_a_mail_arrives_as_text_and_html_with_its_values_escaped(double: Double, post: Post) -> None:
    sent = await send(
        post, cc=["cy@example.com"], bcc=["bo@example.com"], html="<p>{name}</p>{other}", values={"name": "<b>{other}"}
    )
    (mail,) = double.box.mails
    assert mail["recipients"] == sent.accepted == ["ann@example.com", "cy@example.com", "bo@example.com"]
    assert mail["text"].strip() == "Hello, Ann."
    assert mail["html"].strip() == "<p>&lt;b&gt;{other}</p>{other}"
    assert "bo@example.com" not in mail["raw"]
    assert dict(mail["headers"])["From"] == "The Bot <bot@example.com>"


async def test_who_does_not_want_more_can_say_so_with_one_click(double: Double, post: Post) -> None:
    await send(post, unsubscribe="https://example.com/u?id=1", reply_to="help@example.com")
    headers = dict(double.box.mails[0]["headers"])
    assert headers["List-Unsubscribe"] == "<https://example.com/u?id=1>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["Reply-To"] == "help@example.com"


async def test_the_same_key_gives_the_same_message_id(double: Double, post: Post) -> None:
    ids = [(await send(post, **more)).message_id for more in ({"key": "a"}, {"key": "a"}, {"key": "b"}, {}, {})]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4
    assert [mail["seen_before"] for mail in double.box.mails] == [0, 1, 0, 0, 0]


async def test_a_domain_of_any_letters_is_written_to(double: Double, post: Post) -> None:
    await send(post, to=["ann@bücher.example"], subject="Grüße ☕")
    assert double.box.mails[0]["recipients"] == ["ann@xn--bcher-kva.example"]
    assert double.box.mails[0]["subject"] == "Grüße ☕"


@pytest.mark.parametrize(
    "given",
    [
        {"subject": "a\r\nBcc: x@example.com"},
        {"subject": "a\nb"},
        {"subject": "a\u2028b"},
        {"subject": "a\x85b"},
        {"subject": "a\0b"},
        {"to": ["ann@example.com\r\nRCPT TO:<x@example.com>"]},
        {"to": ["ann@example.com, x@example.com"]},
        {"to": ["Ann <ann@example.com>"]},
        {"to": ["a@b@example.com"]},
        {"to": ["änn@example.com"]},
        {"to": ["ann@localhost"]},
        {"to": ["ann@exam ple.com"]},
        {"to": []},
        {"reply_to": "a@example.com\nX: y"},
        {"unsubscribe": "https://example.com/>\r\nX: y"},
        {"unsubscribe": "http://example.com/"},
        {"text": "a\0b"},
    ],
)
def test_nothing_gets_into_the_head_of_a_mail(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        catalog().actions["mail.send_mail"].given.model_validate({**ANN, **given})


async def test_a_text_that_looks_like_the_end_of_a_mail_is_not(double: Double, post: Post) -> None:
    await send(post, text="a\r\n.\r\nMAIL FROM:<x@example.com>\n.\nb")
    assert len(double.box.mails) == 1
    assert [line.strip() for line in double.box.mails[0]["text"].splitlines()][:2] == ["a", "."]


@pytest.mark.parametrize(
    ("match", "fault", "error", "left"),
    [
        ("EHLO", {"drop": "before"}, TryLater, 0),
        ("MAIL *", {"code": 451}, TryLater, 0),
        ("MAIL *", {"code": 550}, Refused, 0),
        ("RCPT *", {"code": 450}, TryLater, 0),
        ("RCPT *", {"code": 550, "text": "5.1.1 No such mailbox"}, Refused, 0),
        ("RCPT *", {"drop": "before"}, TryLater, 0),
        ("DATA", {"code": 451}, TryLater, 0),
        ("END", {"code": 452}, TryLater, 0),
        ("END", {"code": 554}, Refused, 0),
        ("END", {"drop": "before"}, Ambiguous, 0),
        ("END", {"drop": "after"}, Ambiguous, 1),
    ],
)
async def test_an_error_says_whether_the_mail_may_be_on_its_way(
    double: Double, post: Post, match: str, fault: dict[str, Any], error: type[ConnectorError], left: int
) -> None:
    await double.fault(match, **fault)
    with pytest.raises(error) as caught:
        await send(post)
    assert fault.get("text", "") in str(caught.value)
    assert len(double.box.mails) == left


async def test_who_is_refused_is_named_and_the_others_get_it(double: Double, post: Post) -> None:
    await double.fault("RCPT gone@example.com", code=550, text="5.1.1 No such mailbox")
    sent = await send(post, to=["ann@example.com", "gone@example.com"])
    assert (sent.accepted, sent.refused) == (["ann@example.com"], {"gone@example.com": "550 5.1.1 No such mailbox"})
    assert double.box.mails[0]["recipients"] == ["ann@example.com"]


async def test_a_connection_is_tried_without_sending(double: Double, wire: Wire) -> None:
    await double.http.put("/sandbox/settings", json={"login": True})
    login = {"user": double.given["user"], "password": double.given["password"]}
    assert await check(connect(double.settings(**login), wire)) == "Mail server 127.0.0.1: connected."
    with pytest.raises(Reconnect) as caught:
        await check(connect(double.settings(user="sandbox", password="wr0ng-pw"), wire))
    assert "wr0ng-pw" not in str(caught.value)
    with pytest.raises(Reconnect):
        await send(connect(double.settings(), wire))
    assert double.box.mails == []


async def test_a_server_that_is_not_there_is_tried_later(double: Double, wire: Wire, free_port: int) -> None:
    with pytest.raises(TryLater):
        await send(connect(double.settings(port=free_port), wire))


@pytest.mark.parametrize(
    "more",
    [{"host": "smtp.example.com"}, {"user": "a"}, {"from_address": "x"}, {"from_name": "a\nb"}, {"host": "a b"}],
)
def test_settings_that_are_not_safe_are_refused(more: dict[str, Any]) -> None:
    known = {"host": "127.0.0.1", "security": "none", "from_address": "bot@example.com"}
    with pytest.raises(ValidationError):
        Settings.model_validate({**known, **more})


async def test_the_server_works_with_the_client_of_python_itself(double: Double) -> None:
    import asyncio

    def work() -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP(double.given["host"], double.given["port"], local_hostname="x") as smtp:
            smtp.login(double.given["user"], double.given["password"])
            return smtp.sendmail("a@example.com", ["b@example.com"], "Subject: Hi\r\n\r\n..dot")

    assert await asyncio.to_thread(work) == {}
    assert double.box.mails[0]["text"].strip() == "..dot"
