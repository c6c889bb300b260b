"""The guide: for each template what to type, what to fill in, what to press and what to see."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One template to play through."""

    template: str
    title: str
    press: str
    see: str
    fill: str = ""
    """What the form needs besides what is in it already."""

    then: str = ""
    """A command to type after the form is saved."""

    tab: str = ""
    """Where it is to be seen besides Slack and the tenant."""


GUIDE: Final = (
    Lesson(
        template="high-risk-login",
        title="Alert on a risky login",
        press="Risky login of a customer, then Block or Approve on the alert.",
        see="Block ends the sessions and shows the customer as blocked.",
    ),
    Lesson(
        template="servicenow-high-risk-login",
        title="Incident for a risky login",
        press="Risky login, twice for the same customer.",
        see="One incident; the second login is a work note on it. Its number is a link in Slack’s thread.",
        tab="servicenow",
    ),
    Lesson(
        template="brute-force-burst",
        title="Burst of failed logins",
        press="Password spray; or More… → Wrong password ×10 of a customer.",
        see="One alert for the whole burst, with buttons to unblock and to block the address.",
    ),
    Lesson(
        template="remediate-suspicious-login",
        title="Act on a suspicious login at once",
        press="Risky login; then a link in the mail. Before yes: More… → New password; it is in the Profile below.",
        see="The login is refused, sessions end, and the customer is asked by mail whether it was them.",
        fill="What the account is for: any name.",
        tab="mail",
    ),
    Lesson(
        template="require-stricter-authentication",
        title="Stricter authentication",
        press="Risky login, then Log in; or Browser ↗ to meet the second factor yourself.",
        see="Both logins need a second factor: it is beside them in the last logins.",
    ),
    Lesson(
        template="capture-consent",
        title="Consent at login",
        press="Browser ↗ of a customer: log in there, and answer the page.",
        see="More… → Profile has the version and the time. A new version asks again.",
        fill="Address of your terms: https://example.com/terms",
    ),
    Lesson(
        template="salesforce-contact",
        title="Contact in Salesforce",
        press="New sign-up: by e-mail, through Google, by SMS.",
        see="A contact under the Auth0 id; who has no e-mail address has to wait.",
        tab="salesforce",
    ),
    Lesson(
        template="marketo-lead",
        title="Lead in Marketo",
        press="New sign-up.",
        see="A lead with the day on which the customer came.",
        tab="marketo",
    ),
    Lesson(
        template="personalised-campaign",
        title="Personalised campaign",
        fill="Marketo instance: marketing. Campaign: Welcome. Make a lead of who is none, and also unverified addresses: yes.",
        press="New sign-up, with “and log in” ticked. A return is known from an absence that the flow itself has seen.",
        see="The lead was sent through the campaign with tokens, once (not in quiet hours).",
        tab="marketo",
    ),
    Lesson(
        template="app-access-on-registration",
        title="Access on registration",
        fill="Application: app; and a role, if you like. Leave the rules empty.",
        press="New sign-up; later More… → Delete.",
        see="A call to your app, which gives access; another on deletion, which takes it back.",
        tab="downstream",
    ),
    Lesson(
        template="link-accounts",
        title="Link accounts of one person",
        press="New sign-up through Google with customer.1@example.com; then Link.",
        see="Two accounts become one (“2 identities”). Undo takes them apart again.",
    ),
    Lesson(
        template="inactive-to-marketo",
        title="Inactive customers on a Marketo list",
        then="/cicflow start inactive-to-marketo",
        press="Start. To see somebody come: More… → Last login 2 months ago of customer 1; to see them leave: Log in.",
        see="The list is made, and whoever is inactive and known there is on it.",
        tab="marketo",
    ),
    Lesson(
        template="clean-up-inactive",
        title="Clean up inactive customers",
        fill="What the account is for: any name. Where people sign in: https://example.com",
        then="/cicflow start clean-up-inactive",
        press="Start. Only look changes nothing; for real, choose to act in the settings (configure), and start again.",
        see="Counts and a CSV in the thread; for real, a question first, and then a mail to each.",
        tab="mail",
    ),
    Lesson(
        template="inactive-users-report",
        title="Report: inactive customers",
        then="/cicflow report inactive-users",
        press="A button under the report, for the next useful thing.",
        see="Numbers, a chart, and a CSV in the thread.",
    ),
    Lesson(
        template="login-risk-report",
        title="Report: login risks",
        then="/cicflow report login-risk",
        press="Nothing: the tenant’s log has a past of two weeks.",
        see="Numbers with those of the days before beside them, a chart, and a CSV. Today is not counted yet.",
    ),
    Lesson(
        template="sign-up-report",
        title="Report: sign-ups",
        then="/cicflow report sign-up",
        press="Nothing: some customers came lately.",
        see="Sign-ups by day and connection, a chart, and a CSV. Today is not counted yet.",
    ),
)
