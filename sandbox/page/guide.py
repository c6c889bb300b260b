"""The guide: for each template what to type, what to press and what to see."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One template to play through."""

    template: str
    title: str
    press: str
    see: str
    tab: str
    """Where it is to be seen besides Slack."""


GUIDE: Final = (
    Lesson(
        template="high-risk-login",
        title="High-risk login",
        press="Risky login of a customer",
        see="An alert asks; Block ends the sessions and shows the customer as blocked.",
        tab="auth0",
    ),
    Lesson(
        template="servicenow-high-risk-login",
        title="Ticket for a high-risk login",
        press="Risky login, then the same customer’s once more",
        see="One incident; the second login is a work note. Its number is a link in Slack.",
        tab="servicenow",
    ),
    Lesson(
        template="brute-force-burst",
        title="Burst of failed logins",
        press="Password spray, or More… → Wrong password ×10",
        see="One alert for the burst, with Unblock and Block address.",
        tab="auth0",
    ),
    Lesson(
        template="remediate-suspicious-login",
        title="Remediate a suspicious login",
        press="Risky login of a customer",
        see="Sessions end without asking; the customer gets a mail: was this you?",
        tab="mail",
    ),
    Lesson(
        template="require-stricter-authentication",
        title="Stricter authentication",
        press="Risky login, then a normal one",
        see="The next logins need a second factor; Slack says for how long.",
        tab="auth0",
    ),
    Lesson(
        template="capture-consent",
        title="Consent at login",
        press="Browser ↗ of a customer: log in there, and answer the consent page",
        see="Version and time at the user; the CRM knows, too.",
        tab="auth0",
    ),
    Lesson(
        template="salesforce-contact",
        title="Contact in Salesforce",
        press="New sign-up: with e-mail, through Google, by SMS",
        see="A contact by external id; who has no e-mail is parked.",
        tab="salesforce",
    ),
    Lesson(
        template="marketo-lead",
        title="Lead in Marketo",
        press="New sign-up",
        see="A lead with its acquisition date.",
        tab="marketo",
    ),
    Lesson(
        template="personalised-campaign",
        title="Personalised campaign",
        press="Last login → 2 months ago, then Log in",
        see="A campaign triggered with tokens, or a mail; once.",
        tab="marketo",
    ),
    Lesson(
        template="app-access-on-registration",
        title="Access on registration",
        press="New sign-up, and later Delete",
        see="Roles, membership, a call to your app; undone on deletion.",
        tab="downstream",
    ),
    Lesson(
        template="link-accounts",
        title="Link accounts of one person",
        press="New sign-up through Google with the e-mail of a customer who is there already",
        see="Slack asks; the accounts become one. Undo takes them apart.",
        tab="auth0",
    ),
    Lesson(
        template="inactive-to-marketo",
        title="Inactive users to a Marketo list",
        press="Last login → 2 months ago; then start it",
        see="The list is made, and who is inactive is in it.",
        tab="marketo",
    ),
    Lesson(
        template="clean-up-inactive",
        title="Clean up inactive users",
        press="Last login → 25 months ago; then start it",
        see="A dry run first, with counts and a CSV; then a warning mail, and later the deletion.",
        tab="mail",
    ),
    Lesson(
        template="inactive-users-report",
        title="Report: inactive users",
        press="/cicflow report inactive-users",
        see="Numbers, a chart, and a CSV in the thread.",
        tab="auth0",
    ),
    Lesson(
        template="login-risk-report",
        title="Report: login risk",
        press="Some risky logins; then /cicflow report login-risk",
        see="Numbers beside those of the period before, and a chart.",
        tab="auth0",
    ),
    Lesson(
        template="sign-up-report",
        title="Report: sign-ups",
        press="Some sign-ups; then /cicflow report sign-up",
        see="Numbers beside those of the period before, and a chart.",
        tab="auth0",
    ),
)
