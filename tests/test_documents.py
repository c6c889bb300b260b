"""The documentation says what is so: its tables are as the code, its examples have no Problems, what it names is there."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from bot.commands import COMMAND
from docs import generate
from flows import check, document
from flows.exports import read as read_file
from flows.language import Template

ROOT: Final = generate.FOLDER.parent
PAGES: Final = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *generate.PAGES]
TEXTS: Final = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
FENCE: Final = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
FILE: Final = re.compile(
    r"`((?:bot|flows|connectors|sandbox|migrations|tests|scripts|docs|bench)/[\w./-]+|[\w-]+\.(?:md|toml|txt))`"
)
AROUND: Final[Mapping[str, Any]] = {
    "template": "an-example",
    "version": 1,
    "title": "An example",
    "about": "Shows something.",
    "limits": {"destroys": {"per run": 1}},
    "when": {"event": "auth0.post_login", "from": "{{ settings.tenant }}"},
    "steps": [{"wait": "1s"}],
}
SETTINGS: Final = {
    "tenant": {"connection": "auth0", "title": "Auth0 tenant"},
    "channel": {"type": "channel", "title": "Channel"},
}
CONNECTIONS: Final = {"auth0": ["production"]}


def blocks(kind: str) -> Iterator[tuple[str, str]]:
    for name, text in TEXTS.items():
        for index, (language, code) in enumerate(FENCE.findall(text), 1):
            if language == kind:
                yield f"{name} {index}", code


def whole(code: str) -> dict[str, Any]:
    """Return the flow that an example is a part of."""
    data = document.read(code)
    settings = {**SETTINGS, **data.get("settings", {})}
    return data if "template" in data else {**AROUND, **data, "settings": settings}


EXAMPLES: Final = dict(blocks("yaml"))
FILES: Final = dict(blocks("yaml file"))
FLOWS: Final = {
    found.template: found
    for code in EXAMPLES.values()
    if "template:" in code and isinstance(found := check.read(document.read(code)), Template)
}


def problems(code: str) -> list[str]:
    found = check.read(whole(code))
    return [
        str(one) for one in (check.check(found, generate.KNOWN, flows=FLOWS) if isinstance(found, Template) else found)
    ]


def sections(text: str) -> set[str]:
    """Return what a link into a page may name, as GitHub makes it from the headings."""
    heads = re.findall(r"^#+ (.*)$", re.sub(FENCE, "", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", generate.PAGES, ids=lambda page: page.name)
def test_the_generated_parts_are_as_the_code_is(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert generate.fresh(text) == text, "run scripts/docs"


@pytest.mark.parametrize("code", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_has_no_problem(code: str) -> None:
    assert problems(code) == []


def test_an_example_of_a_problem_has_it() -> None:
    wrong = re.findall(
        r"^```yaml wrong\n(.*?)^```\n+```text\n(.*?)^```$", TEXTS["flow-language.md"], re.MULTILINE | re.DOTALL
    )
    assert [(problems(code), said.splitlines()) for code, said in wrong] == [
        (said.splitlines(), said.splitlines()) for _, said in wrong
    ]
    assert len(wrong) == len(list(blocks("yaml wrong"))) > 0


@pytest.mark.parametrize("code", FILES.values(), ids=FILES)
def test_an_example_of_a_file_can_be_brought_in(code: str) -> None:
    found = read_file(code, catalog=generate.KNOWN, flows=[], connections=CONNECTIONS)
    assert [str(one) for one in found.problems] == []


@pytest.mark.parametrize("name", TEXTS)
def test_a_link_leads_somewhere(name: str) -> None:
    folder = next(page.parent for page in PAGES if page.name == name)
    lost = []
    for link in LINK.findall(re.sub(FENCE, "", TEXTS[name])):
        path, _, section = link.partition("#")
        page = (folder / path).resolve() if path else next(page for page in PAGES if page.name == name)
        there = link.startswith("https://") or (
            page.exists() and (not section or section in sections(page.read_text(encoding="utf-8")))
        )
        lost += [] if there else [link]
    assert lost == []


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_that_is_named_is_there(name: str) -> None:
    assert [path for path in FILE.findall(TEXTS[name]) if not (ROOT / path).exists()] == []


def test_every_command_of_slack_that_is_named_is_there_and_each_is_named() -> None:
    named = {word for text in TEXTS.values() for word in re.findall(rf"{COMMAND} ([a-z]+)", text)}
    assert named == set(generate.verbs())


def test_every_command_of_the_command_line_that_is_named_is_there_and_each_is_named() -> None:
    known = set(generate.commands())
    text = "\n".join(TEXTS.values())
    assert {name for name in known if f"python -m bot {name}" not in text} == set()
    firsts = {name.split()[0] for name in known}
    named = re.findall(r"python -m bot ([a-z0-9-]+)(?: ([a-z-]+))?", text)
    strange = [(one, two) for one, two in named if one not in firsts or not {one, f"{one} {two}", ""} & {*known, two}]
    assert strange == []


def test_every_setting_is_named_in_the_readme_and_no_other() -> None:
    rows = re.findall(r"^\| (`[A-Z].*?) \|", TEXTS["README.md"], re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)} == generate.environment()
