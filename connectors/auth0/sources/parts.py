"""What the events of Auth0's Actions are made of. Field names are Auth0's own; more, less and nulls are all normal."""
# ruff: noqa: N815 - mixedCase is how Auth0 spells them, and references in flows use its spelling

from typing import Any

from pydantic import Field

from connectors.base import Lenient


class Tenant(Lenient):
    """The tenant in which it happened."""

    id: str


class Stats(Lenient):
    """Counts about the user."""

    logins_count: int | None = None


class Client(Lenient):
    """The application that the person signs in to."""

    client_id: str | None = None
    name: str | None = None
    metadata: dict[str, Any] | None = None


class Connection(Lenient):
    """Where the person's account is kept."""

    id: str | None = None
    name: str | None = None
    strategy: str | None = None


class Organization(Lenient):
    """The organization that the person signs in to."""

    id: str | None = None
    name: str | None = None
    display_name: str | None = None
    metadata: dict[str, Any] | None = None


class Method(Lenient):
    """One way in which the person proved who they are."""

    name: str | None = None
    timestamp: str | None = None
    type: str | None = None


class Details(Lenient):
    """What an assessment saw."""

    device: str | None = None
    useragent: str | None = None
    ip: str | None = None
    matches: str | None = None
    source: str | None = None
    category: str | None = None
    kilometres: int | None = None
    minutes: int | None = None
    failures: int | None = None


class Assessment(Lenient):
    """What one assessor says about a login."""

    confidence: str | None = None
    code: str | None = None
    details: Details | None = None


class Assessments(Lenient):
    """What each assessor says: Auth0's, and the last three ours. Auth0 adds new ones, which are kept."""

    ImpossibleTravel: Assessment | None = None
    NewDevice: Assessment | None = None
    UntrustedIP: Assessment | None = None
    AgentDetection: Assessment | None = None
    PhoneNumber: Assessment | None = None
    NewCountry: Assessment | None = None
    FailureBurst: Assessment | None = None
    LeakedPassword: Assessment | None = None


class RiskAssessment(Lenient):
    """How confident Auth0 is that it is really this person: low confidence is high risk.

    Where Auth0 does not say, we do: then its version begins with cicflow.
    """

    confidence: str | None = None
    version: str | None = None
    assessments: Assessments | None = None


class Authentication(Lenient):
    """How the person signed in, and how sure Auth0 is of them."""

    methods: list[Method] | None = None
    riskAssessment: RiskAssessment | None = None


class Authorization(Lenient):
    """What the person may do."""

    roles: list[str] | None = None


class Device(Lenient):
    """The device of a session, when it began and last."""

    initial_ip: str | None = None
    initial_asn: str | None = None
    initial_user_agent: str | None = None
    last_ip: str | None = None
    last_asn: str | None = None
    last_user_agent: str | None = None


class Session(Lenient):
    """The session that this login began or goes on with."""

    id: str | None = None
    created_at: str | None = None
    authenticated_at: str | None = None
    device: Device | None = None


class Transaction(Lenient):
    """What the application asked for."""

    id: str | None = None
    protocol: str | None = None
    locale: str | None = None
    requested_scopes: list[str] | None = None
    acr_values: list[str] | None = None
    metadata: dict[str, Any] | None = None


class Place(Lenient):
    """Where the address seems to be."""

    cityName: str | None = None
    continentCode: str | None = None
    countryCode: str | None = None
    countryCode3: str | None = None
    countryName: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    subdivisionCode: str | None = None
    subdivisionName: str | None = None
    timeZone: str | None = None


class Request(Lenient):
    """The browser's request."""

    ip: str | None = None
    asn: str | None = None
    method: str | None = None
    hostname: str | None = None
    language: str | None = None
    user_agent: str | None = None
    geoip: Place | None = None


class ResourceServer(Lenient):
    """The API that the application wants to call."""

    identifier: str | None = None


class Factor(Lenient):
    """One way of multi-factor authentication that the person has set up."""

    type: str | None = None


class Identity(Lenient):
    """One of the accounts that are linked in this user."""

    connection: str | None = None
    isSocial: bool | None = None
    provider: str | None = None
    user_id: str | None = None


class User(Lenient):
    """The person."""

    user_id: str = Field(min_length=1)
    email: str | None = None
    email_verified: bool | None = None
    name: str | None = None
    nickname: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    username: str | None = None
    phone_number: str | None = None
    phone_verified: bool | None = None
    picture: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    last_password_reset: str | None = None
    app_metadata: dict[str, Any] | None = None
    user_metadata: dict[str, Any] | None = None
    multifactor: list[str] | None = None
    enrolledFactors: list[Factor] | None = None
    identities: list[Identity] | None = None


class NewUser(Lenient):
    """Somebody who is not a user yet."""

    email: str | None = None
    name: str | None = None
    nickname: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    username: str | None = None
    phone_number: str | None = None
    picture: str | None = None
    app_metadata: dict[str, Any] | None = None
    user_metadata: dict[str, Any] | None = None


class KnownUser(Lenient):
    """The person, as far as Auth0 says where a password was changed."""

    user_id: str | None = None
    email: str | None = None
    email_verified: bool | None = None
    phone_number: str | None = None
    phone_verified: bool | None = None
    username: str | None = None
    last_password_reset: str | None = None


class Token(Lenient):
    """The access token that is about to be given out."""

    scope: list[str] | None = None
    customClaims: dict[str, Any] | None = None


class Message(Lenient):
    """A text message that is about to be sent. What it says stays with Auth0: there is a code in it."""

    action: str | None = None
    message_type: str | None = None
    recipient: str | None = None


class Exchange(Lenient):
    """A token that is exchanged for another. The token itself stays with Auth0."""

    subject_token_type: str | None = None
    requested_token_type: str | None = None
    requested_scopes: list[str] | None = None
