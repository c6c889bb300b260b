"""A login in plain words: who, when, where, with what, and why Auth0, or cicflow itself, finds it risky."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field, ValidationError

from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.devices import device_words
from connectors.auth0.sources.parts import Assessment, RiskAssessment
from connectors.auth0.sources.triggers import PostLogin
from connectors.base import Value
from connectors.wording import clean

Level = Literal["high", "medium", "low", "unknown"]

# Auth0 states how confident it is of the person, so low confidence is a high risk.
LEVELS: dict[str, tuple[Level, str]] = {
    "low": ("high", "High: {who} has little confidence that this is the person."),
    "medium": ("medium", "Medium: {who} is not sure that this is the person."),
    "high": ("low", "Low: {who} is confident that this is the person."),
}
NOT_ASSESSED = "Unknown: Auth0 did not assess this login."
COULD_NOT_ASSESS = "Unknown: Auth0 could not assess this login, and reports low confidence because of that."
NO_REASON = "{who} gives no reason."
UNAVAILABLE = "assessment_not_available"

SUBJECTS = {
    "ImpossibleTravel": "the distance from the last login",
    "NewDevice": "the device",
    "UntrustedIP": "the network address",
    "AgentDetection": "automated agents",
    "PhoneNumber": "the phone number",
    "NewCountry": "the country",
    "FailureBurst": "failures before it",
    "LeakedPassword": "the password",
}
REASONS = {
    ("ImpossibleTravel", "impossible_travel_from_last_login"): (
        "Impossible travel: nobody gets here from the place of the last login in that time."
    ),
    ("ImpossibleTravel", "substantial_travel_from_last_login"): "It is very far from the place of the last login.",
    ("ImpossibleTravel", "travel_from_last_login"): "It is some way from the place of the last login.",
    ("ImpossibleTravel", "invalid_travel"): "The distance from the last login makes no sense.",
    ("ImpossibleTravel", "missing_geoip"): "The place of the network address is not known.",
    ("ImpossibleTravel", "unknown_location"): "The place of the login is not known.",
    ("ImpossibleTravel", "anonymous_proxy"): "It comes through an anonymous proxy, which hides the real place.",
    ("ImpossibleTravel", "initial_login"): "It is the first login, so there is no place to compare with.",
    ("ImpossibleTravel", "location_history_not_found"): "No earlier place is known to compare with.",
    ("NewDevice", "no_match"): "New device: the person has not signed in from it before.",
    ("NewDevice", "partial_match"): "The device is like one the person has used, but not the same.",
    ("NewDevice", "unknown_device"): "The device cannot be recognised.",
    ("NewDevice", "initial_login"): "It is the first login, so there is no device to compare with.",
    ("NewDevice", "no_device_history"): "No earlier device is known to compare with.",
    ("UntrustedIP", "found_on_deny_list"): "The network address is on a list of addresses known for attacks",
    ("UntrustedIP", "invalid_ip_address"): "The network address is not a valid one.",
    ("AgentDetection", "verified_agent"): "It was made by an automated agent that Auth0 knows.",
    ("NewCountry", "new_country"): "New country: the person has not signed in from it before.",
    ("NewCountry", "unknown_country"): "The country of the network address is not known.",
    ("NewCountry", "initial_login"): "It is the first login, so there is no country to compare with.",
    ("NewCountry", "no_country_history"): "No earlier country is known to compare with.",
    ("FailureBurst", "too_many_failures"): "Many attempts to sign in as this person failed in the minutes before.",
    ("FailureBurst", "too_many_failures_from_address"): (
        "Many attempts to sign in from this network address failed in the minutes before."
    ),
    ("LeakedPassword", "leaked_password"): "A password of this person has leaked elsewhere, and was not changed since.",
}
NO_REASONS = {
    ("ImpossibleTravel", "minimal_travel_from_last_login"),
    ("NewDevice", "match"),
    ("UntrustedIP", "not_found_on_deny_list"),
    ("AgentDetection", "unknown"),
    ("PhoneNumber", "phone_number_not_provided"),
    ("NewCountry", "known_country"),
    ("FailureBurst", "few_failures"),
    ("LeakedPassword", "not_known_to_have_leaked"),
}
ORDER = {"low": 0, "medium": 1}


class Login(Value):
    """A login that Auth0 told us of."""

    login: PostLogin = Field(title="Login", description="The event of a login, as it came.")


class Described(Value):
    """A login in plain words. The texts are as they came: escape them where they are shown."""

    who: str = Field(title="Who", description="Name and e-mail address, or phone number, or user id.")
    when: str | None = Field(title="When", description="The moment in UTC; empty where Auth0 does not say.")
    where: str = Field(title="Where", description="City, country and network address, as far as they are known.")
    device: str = Field(title="Device", description="What the browser says it is, such as Chrome on Windows.")
    user_agent: str = Field(title="User agent", description="What the browser itself says, at most 120 characters.")
    level: Level = Field(title="Level", description="How risky: high, medium, low or unknown.")
    risk: str = Field(title="Risk", description="How risky, in a sentence.")
    why: list[str] = Field(title="Why", description="What makes it risky, the gravest first.")


@auth0.action("Describe a login", effect="reads", repeatable=True)
async def describe_login(client: Tenant, given: Login) -> Described:  # noqa: ARG001 - asks nobody: the event says it all
    """Say in plain words who signed in, when, where, with what, and why Auth0, or cicflow itself, finds it risky."""
    login = given.login
    risk = login.authentication.riskAssessment if login.authentication else None
    user_agent = _user_agent(login)
    level, sentence = _level(risk)
    reasons = list(_reasons(risk))
    return Described(
        who=_who(login),
        when=_when(login),
        where=_where(login),
        device=device_words(user_agent),
        user_agent=clean(user_agent or "", limit=120),
        level=level,
        risk=sentence,
        why=reasons or ([NO_REASON.format(who=_assessor(risk))] if level in {"high", "medium"} else []),
    )


def reasons_of(risk: RiskAssessment) -> list[str]:
    """Return what makes a login risky, in plain words, the gravest first."""
    return list(_reasons(risk))


def _who(login: PostLogin) -> str:
    user = login.user
    name = clean(user.name or " ".join(filter(None, (user.given_name, user.family_name))) or "", limit=80)
    reach = clean(user.email or user.phone_number or user.user_id, limit=120)
    return reach if name in {"", reach} else f"{name} ({reach})"


def _when(login: PostLogin) -> str | None:
    """Give the time of the latest proof of identity: the event itself has no time."""
    stamps = [method.timestamp for method in (login.authentication and login.authentication.methods) or []]
    session = login.session
    stamps = stamps or ([session.authenticated_at or session.created_at] if session else [])
    moments = sorted(moment for stamp in stamps if stamp and (moment := _moment(stamp)))
    return moments[-1].strftime("%Y-%m-%dT%H:%M:%SZ") if moments else None


def _moment(stamp: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(stamp)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _user_agent(login: PostLogin) -> str | None:
    device = login.session.device if login.session else None
    said = login.request.user_agent if login.request else None
    return said or (device.last_user_agent if device else None)


def _where(login: PostLogin) -> str:
    request = login.request
    place = request and request.geoip
    names = [place.cityName, place.countryName or place.countryCode] if place else []
    spot = ", ".join(clean(name, limit=60) for name in names if name) or "an unknown place"
    address = clean((request and request.ip) or "", limit=45)
    return f"{spot} ({address})" if address else spot


def _level(risk: RiskAssessment | None) -> tuple[Level, str]:
    if risk is None or risk.confidence is None:
        return "unknown", NOT_ASSESSED
    who = _assessor(risk)
    codes = {assessment.code for _, assessment in _assessments(risk)}
    if risk.confidence == "low" and codes == {UNAVAILABLE}:
        return "unknown", COULD_NOT_ASSESS
    neutral: tuple[Level, str] = "unknown", f"Unknown: {who} reports “{_code(risk.confidence)}” confidence."
    level, sentence = LEVELS.get(risk.confidence, neutral)
    return level, sentence.replace("{who}", who)


def _assessor(risk: RiskAssessment | None) -> str:
    """Return who has assessed the login."""
    return "cicflow" if risk and (risk.version or "").startswith("cicflow") else "Auth0"


def _assessments(risk: RiskAssessment | None) -> Iterator[tuple[str, Assessment]]:
    """Give each assessor's name and words; what does not look like an assessment is passed over."""
    found = risk.assessments if risk else None
    for name, value in found or ():
        try:
            if value is not None:
                yield name, Assessment.model_validate(value)
        except ValidationError:
            continue


def _reasons(risk: RiskAssessment | None) -> Iterator[str]:
    ranked = sorted(_assessments(risk), key=lambda each: ORDER.get(each[1].confidence or "", 2))
    for name, assessment in ranked:
        reason = _reason(name, assessment, _assessor(risk))
        if reason:
            yield reason


def _reason(name: str, assessment: Assessment, who: str) -> str | None:
    """Say what one assessor holds against the login; None where it is nothing."""
    code, confidence = assessment.code or "", assessment.confidence or ""
    subject = SUBJECTS.get(name, f"“{_code(name)}”")
    known = REASONS.get((name, code))
    match code:
        case _ if code == UNAVAILABLE:
            return f"{who} could not assess {subject}."
        case _ if confidence == "high" or (name, code) in NO_REASONS:
            return None
        case "impossible_travel_from_last_login" if known and (way := _way(assessment)):
            return f"Impossible travel: {way} since the last login."
        case "found_on_deny_list" if known and who != "Auth0":
            category = clean((assessment.details and assessment.details.category) or "", limit=60)
            return f"The network address is on your deny list{f' ({category})' if category else ''}."
        case "found_on_deny_list" if known:
            details = assessment.details
            listed = [clean(text, limit=60) for text in (details and (details.category, details.source)) or () if text]
            return f"{known} ({', '.join(listed)})." if listed else f"{known}."
        case _ if known:
            return known
        case _ if confidence in ORDER:
            return f"{who} says of {subject}: “{_code(code) or 'no code'}”, with {confidence} confidence."
        case _:
            return None


def _way(assessment: Assessment) -> str | None:
    """Say how far somebody seems to have travelled in how long, where the assessment says so."""
    details = assessment.details
    if details is None or details.kilometres is None or details.minutes is None:
        return None
    hours, minutes = divmod(details.minutes, 60)
    took = " and ".join(
        f"{number} {unit}{'' if number == 1 else 's'}"
        for number, unit in ((hours, "hour"), (minutes, "minute"))
        if number
    )
    return f"{details.kilometres:,} km in {took or 'less than a minute'}"


def _code(code: str) -> str:
    return clean(code, limit=60).replace("_", " ")
