"""The Auth0 Actions themselves, in node: their own tests, and what they make of whole events and of answers."""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from starlette.responses import JSONResponse, Response

from connectors.auth0.shipped import SHIPPED, TRIGGERS, Trigger, chosen, code, first_line, seal_of
from connectors.auth0.sources import SOURCES
from tests.connectors.doubles import Oddity
from tests.specs import FOLDER

HERE: Final = Path(__file__).parent / "action"
SCHEMAS: Final = FOLDER / "auth0" / "actions-schema.json"
EVENTS: Final[dict[str, dict[str, Any]]] = json.loads((HERE / "events.json").read_text(encoding="utf-8"))
SECRET: Final = "whsec_" + "QUJD" * 10
LIMIT: Final = 100_000
NOT_SENT: Final[dict[str, dict[str, Any]]] = {
    "send-phone-message": {"message_options": {"code": "", "text": ""}},
    "custom-token-exchange": {"transaction": {"subject_token": "", "requested_token_type": None}},
}
"""What the schema demands, and nobody but Auth0 may see, or is nothing."""
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")
needs_schemas = pytest.mark.skipif(not SCHEMAS.exists(), reason="Auth0's schemas are not beside the repository")


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Auth0 Actions as they are installed, one file for each trigger."""
    folder = tmp_path_factory.mktemp("actions")
    for trigger in TRIGGERS:
        (folder / f"{trigger}.js").write_text(code(trigger), encoding="utf-8")
    return folder


async def node(*arguments: str, given: str = "", **environment: str) -> tuple[int | None, str]:
    run = await asyncio.create_subprocess_exec(
        "node",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **environment},
    )
    output, _ = await run.communicate(given.encode())
    return run.returncode, output.decode()


async def asked(odd: Oddity, texts: Path, trigger: Trigger, answer: Response) -> list[Any]:
    """Run an Auth0 Action with a whole event and say what it asks Auth0 to do."""
    odd.answers = [answer]
    secrets = {"CICFLOW_URL": f"{odd.address}/in/key", "CICFLOW_SECRET": SECRET, "CICFLOW_ON_FAILURE": "closed"}
    given = json.dumps({**EVENTS[trigger], "secrets": secrets})
    status, output = await node(str(HERE / "send.mjs"), str(texts / f"{trigger}.js"), trigger, given=given)
    assert status == 0, output
    return list(json.loads(output.splitlines()[-1]))


async def sent(odd: Oddity, texts: Path, trigger: Trigger) -> dict[str, Any]:
    assert await asked(odd, texts, trigger, Response(status_code=202)) == []
    (request,) = odd.received
    return dict(json.loads(await request.body()))


def filled(value: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {**value, **{name: {**value[name], **inner} for name, inner in more.items()}}


@needs_node
@pytest.mark.parametrize("suite", sorted(HERE.glob("*.test.mjs")), ids=lambda file: file.name.partition(".")[0])
async def test_the_actions_own_tests_pass_over_what_is_installed(texts: Path, suite: Path) -> None:
    status, output = await node("--test", str(suite), AUTH0_ACTIONS=str(texts))
    assert status == 0, output


@needs_node
@needs_schemas
@pytest.mark.parametrize("trigger", TRIGGERS)
async def test_what_is_sent_of_a_whole_event_is_still_such_an_event(odd: Oddity, texts: Path, trigger: Trigger) -> None:
    name = "".join(word.capitalize() for word in trigger.split("-"))
    schema = {**json.loads(SCHEMAS.read_text(encoding="utf-8")), "$ref": f"#/components/schemas/{name}"}
    jsonschema.validate(EVENTS[trigger], schema)
    body = await sent(odd, texts, trigger)
    assert body["trigger"] == trigger
    jsonschema.validate(filled(body["event"], NOT_SENT.get(trigger, {})), schema)
    assert "hidden" not in json.dumps(body)


@needs_node
@pytest.mark.parametrize("trigger", TRIGGERS)
async def test_what_is_sent_is_read_as_the_event_of_its_source(odd: Oddity, texts: Path, trigger: Trigger) -> None:
    event = (await sent(odd, texts, trigger))["event"]
    (source,) = [each for each in SOURCES if each.name == f"auth0.{trigger.replace('-', '_')}"]
    assert source.event.model_validate(event).model_dump(exclude_unset=True) == event


@needs_node
@pytest.mark.parametrize(
    ("trigger", "calls"),
    [
        ("post-login", [["access.deny", "Not now."]]),
        ("pre-user-registration", [["access.deny", "Not now.", "Not now."]]),
        ("post-user-registration", []),
        ("post-change-password", []),
        ("credentials-exchange", [["access.deny", "invalid_request", "Not now."]]),
        ("password-reset-post-challenge", [["access.deny", "Not now."]]),
        ("send-phone-message", []),
        ("custom-token-exchange", [["access.deny", "access_denied", "Not now."]]),
    ],
)
async def test_what_is_installed_carries_out_an_answer(
    odd: Oddity, texts: Path, trigger: Trigger, calls: list[Any]
) -> None:
    answer = JSONResponse({"accepted": "evt_1", "answers": [{"deny": "Not now."}]}, 202)
    assert await asked(odd, texts, trigger, answer) == calls


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_text_fits_into_an_auth0_action(trigger: Trigger) -> None:
    text = code(trigger, seal="0" * 32)
    assert len(text.encode()) < LIMIT
    assert text.startswith(f"// cicflow {trigger} ")
    assert text.count("require(") == text.count('require("node:') == 1
    assert "module.exports" not in text


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_text_is_the_same_whenever_it_is_made(trigger: Trigger) -> None:
    assert code(trigger) == code(trigger)
    assert first_line(code(trigger)) == first_line(code(trigger, seal="other"))
    assert code(trigger) != code(trigger, seal="other")


def test_every_trigger_has_a_text_and_a_name_of_its_own() -> None:
    assert {file.stem for file in (HERE.parents[2] / "connectors/auth0/action/triggers").iterdir()} == set(TRIGGERS)
    assert len({first_line(code(trigger)) for trigger in TRIGGERS}) == len(TRIGGERS)
    assert [SHIPPED[trigger].name for trigger in TRIGGERS] == [f"cicflow {trigger}" for trigger in TRIGGERS]


def test_a_seal_tells_other_secrets_and_nothing_of_them() -> None:
    secrets = {"CICFLOW_URL": "https://bot.example.com/in/key", "CICFLOW_SECRET": SECRET}
    seals = {
        seal_of(secrets),
        seal_of({**secrets, "CICFLOW_SECRET": SECRET.replace("QUJD", "REVG")}),
        seal_of({**secrets, "CICFLOW_URL": "https://bot.example.com/in/other"}),
        seal_of({**secrets, "CICFLOW_ON_FAILURE": "closed"}),
    }
    assert len(seals) == 4
    assert {len(seal) for seal in seals} == {32}
    assert seal_of(dict(reversed(secrets.items()))) == seal_of(secrets)


@pytest.mark.parametrize(
    ("names", "triggers"),
    [
        (["post-login"], ("post-login",)),
        (["custom-token-exchange", "post-login"], ("post-login", "custom-token-exchange")),
        (["all"], TRIGGERS),
        (["all", "post-login"], TRIGGERS),
    ],
)
def test_triggers_are_chosen_by_name(names: list[str], triggers: tuple[Trigger, ...]) -> None:
    assert chosen(names) == triggers


@pytest.mark.parametrize("names", [[], ["pre-login"], ["post-login", ""]])
def test_a_trigger_that_is_not_there_is_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match="trigger"):
        chosen(names)
