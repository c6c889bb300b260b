"""What flows say of the Auth0 actions is understood: what they take, what they give, what they destroy."""

import pytest

from connectors.catalog import catalog
from flows import check, document
from flows.builtins import BUILTINS
from flows.language import Template

KNOWN = catalog(BUILTINS)
AROUND = """
template: an-example
version: 1
title: An example
about: Shows something.
settings:
  tenant: {connection: auth0, title: Auth0 tenant}
  channel: {type: channel, title: Where to ask}
when:
  event: auth0.post_login
  from: "{{ settings.tenant }}"
"""
ASKING_BEFORE_LINKING = """
limits: {destroys: {per run: 1}}
steps:
  - id: found
    do: auth0.find_link_candidates
    using: "{{ settings.tenant }}"
    with: {user_id: "{{ event.user.user_id }}", email: "{{ event.user.email }}"}
  - if: [{left: "{{ steps.found.safe }}", is: 1}]
    then:
      - id: verdict
        ask: Link {{ event.user.email }} to {{ steps.found.other_id }}?
        in: "{{ settings.channel }}"
        choices: [link, leave]
        within: 1d
        otherwise: leave
      - if: [{left: "{{ steps.verdict.choice }}", is: link}]
        then:
          - id: linked
            do: auth0.link_users
            using: "{{ settings.tenant }}"
            with: {user_id: "{{ event.user.user_id }}", other_id: "{{ steps.found.other_id }}"}
"""
OVER_MEMBERS = """
limits: {destroys: {per run: 100}}
steps:
  - id: members
    do: auth0.list_organization_members
    using: "{{ settings.tenant }}"
    with: {organization_id: org_1}
  - each: "{{ steps.members }}"
    as: member
    steps:
      - do: auth0.revoke_access
        using: "{{ settings.tenant }}"
        with: {user_id: "{{ member.user_id }}"}
"""
OVER_SESSIONS = """
limits: {destroys: {per run: 10}}
steps:
  - id: open
    do: auth0.list_sessions
    using: "{{ settings.tenant }}"
    with: {user_id: "{{ event.user.user_id }}"}
  - each: "{{ steps.open.sessions }}"
    as: session
    steps:
      - do: auth0.end_session
        using: "{{ settings.tenant }}"
        with: {session_id: "{{ session.id }}"}
"""
WITHOUT_A_CAP = """
steps:
  - do: auth0.delete_user
    using: "{{ settings.tenant }}"
    with: {user_id: "{{ event.user.user_id }}"}
"""
WITHOUT_WHAT_IS_NEEDED = """
steps:
  - do: auth0.assign_roles
    using: "{{ settings.tenant }}"
    with: {user_id: "{{ event.user.user_id }}"}
"""


def problems(steps: str) -> list[str]:
    found = check.read(document.read(AROUND + steps))
    assert isinstance(found, Template)
    return [str(problem) for problem in check.check(found, KNOWN, flows={})]


@pytest.mark.parametrize("steps", [ASKING_BEFORE_LINKING, OVER_MEMBERS, OVER_SESSIONS])
def test_a_flow_that_is_right_has_no_problems(steps: str) -> None:
    assert problems(steps) == []


def test_what_destroys_needs_a_cap() -> None:
    assert any("destroys" in each for each in problems(WITHOUT_A_CAP))


def test_what_is_needed_is_asked_for() -> None:
    assert any("roles" in each for each in problems(WITHOUT_WHAT_IS_NEEDED))
