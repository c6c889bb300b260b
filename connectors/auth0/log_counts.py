"""Counts of the tenant's log: what happened how often, by day, connection, country, address, risk and reason."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter, ValidationError

from connectors.auth0.answers import PAGE
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.counts import Count, Counts, Found, Period, Tally, moment_of, spans
from connectors.auth0.logs import LOGS, Code
from connectors.auth0.risk import reasons_of
from connectors.auth0.sources.parts import RiskAssessment
from connectors.auth0.users import moment_text, quoted
from connectors.base import Lenient

KINDS: Final[Mapping[str, str]] = {
    "s": "login",
    "f": "failed login",
    "fp": "wrong password",
    "fu": "unknown person",
    "fs": "failed sign-up",
    "ss": "sign-up",
    "pwd_leak": "leaked password",
    "signup_pwd_leak": "sign-up with a leaked password",
    "limit_wc": "person blocked after failed logins",
    "limit_mu": "address blocked after failed logins",
    "limit_sul": "too many logins of one person",
    "fercft": "failed exchange of a token",
}
ALL: Final = 500
"""Lines of each kind that the table of all counts has at most."""
NOT_ASSESSED: Final = "not assessed"
_RISK: Final = TypeAdapter(RiskAssessment)


class CountedLog(Period):
    """What to count."""

    types: Annotated[list[Code], Field(min_length=1, max_length=50)] = Field(
        title="Types", description="Auth0's codes, such as s for a login and fs for a failed sign-up; any of them."
    )
    called: Annotated[str, Field(min_length=1, max_length=60)] = Field(
        default="records", title="Called", description="What they are called in the table, such as logins."
    )
    most: int = Field(
        default=100_000,
        ge=1,
        le=1_000_000,
        title="At most",
        description="Records that are read; Auth0 gives 100 a call.",
    )


class LogCount(Count):
    """A line of the table of all counts."""

    what: str = Field(title="What", description="What is counted, such as logins by country.")


class LogCounts(Counts):
    """What was counted of the log."""

    by_type: list[Count] = Field(title="By type", description="How many of each type, in words.")
    by_country: list[Count] = Field(title="By country", description="The ten countries with the most.")
    by_address: list[Count] = Field(title="By address", description="The ten network addresses with the most.")
    by_risk: list[Count] = Field(
        title="By confidence", description="How many by Auth0's confidence: low, medium, high, or not assessed."
    )
    by_reason: list[Count] = Field(title="By reason", description="The ten most frequent reasons for less than high.")
    risky_by_day: list[Count] = Field(
        title="Risky by day", description="How many of less than high confidence, by day."
    )
    table: list[LogCount] = Field(title="Table", description="All of these counts: what, name, count, before.")
    risky: int = Field(title="Risky", description="How many with low or medium confidence.")
    risky_before: int | None = Field(title="Risky before", description="As many in the days before, if that is known.")
    complete: bool = Field(title="Complete", description="Whether none of these days is missing.")
    note: str = Field(title="Note", description="How complete it is, in words; empty if nothing is missing.")


class _Log(Lenient):
    logs: list[dict[str, Any]]
    total: int


_FIRST: Final = TypeAdapter(list[dict[str, Any]])


@auth0.action("Count what is in the log", effect="reads", repeatable=True)
async def count_log(client: Tenant, given: CountedLog) -> LogCounts:
    """Count records of the log in some whole days, and in as many days before.

    Auth0 keeps its log for some days only, which differ by plan: what it does not reach back to is not known.
    """
    before, begin, end = given.edges
    oldest = await _oldest(client)
    tallies = {
        name: Tally() for name in ("day", "type", "connection", "country", "address", "risk", "reason", "risky day")
    }
    types, count, cut, seen = f"type:({' OR '.join(quoted(one) for one in given.types)})", 0, "", set[str]()

    async def read(low: datetime, high: datetime, page: int) -> Found:
        asked: dict[str, str | int] = {
            "q": f"date:[{moment_text(low)} TO {moment_text(high)}}} AND {types}",
            "page": page,
            "per_page": PAGE,
            "include_totals": "true",
            "sort": "date:1",
        }
        found = _Log.model_validate_json((await client.http.get(LOGS, params=asked)).content)
        return Found(total=found.total, items=found.logs)

    # Of the latest first: where there is too much, it is what was before that is not known.
    async for records, lost in spans(read, before, end):
        cut = "Some seconds have more records than Auth0 shows." if lost else cut
        for record in records:
            name, moment = str(record.get("log_id")), moment_of(record.get("date"))
            if name not in seen and moment is not None:
                seen.add(name)
                _count(tallies, record, day=given.day(moment), now=moment >= begin)
        count += len(records)
        if count >= given.most:
            cut = f"There is more than was to be read: {given.most:,} records."
            break
    known = not cut and oldest is not None and oldest <= before
    notes = [cut] if cut else []
    if oldest is None or oldest > begin:
        notes.append(f"Auth0's log begins {_said(oldest)}: what was before is not counted.")
    elif not known and not cut:
        notes.append(f"Auth0's log begins {_said(oldest)}: the days before cannot be compared.")
    period, period_before = given.spoken()
    risks = tallies["risk"]
    return LogCounts(
        period=period,
        period_before=period_before,
        total=tallies["day"].now.total(),
        before=tallies["day"].then.total() if known else None,
        by_day=tallies["day"].days(given.day_names(), known=known),
        by_connection=tallies["connection"].counts(known=known),
        by_type=tallies["type"].counts(known=known, most=len(KINDS)),
        by_country=tallies["country"].counts(known=known),
        by_address=tallies["address"].counts(known=known),
        by_risk=risks.counts(known=known),
        risky_by_day=tallies["risky day"].days(given.day_names(), known=known),
        table=[
            LogCount(what=f"{given.called} by {what}", **count.model_dump())
            for what in ("type", "connection", "country", "address", "risk", "reason")
            for count in tallies[what].counts(known=known, most=ALL)
        ],
        by_reason=tallies["reason"].counts(known=known),
        risky=risks.now["low"] + risks.now["medium"],
        risky_before=risks.then["low"] + risks.then["medium"] if known else None,
        complete=not cut and oldest is not None and oldest <= begin,
        note=" ".join(notes),
    )


def _count(tallies: Mapping[str, Tally], record: Mapping[str, Any], *, day: int, now: bool) -> None:
    place = record.get("location_info")
    place = place if isinstance(place, Mapping) else {}
    kind = str(record.get("type"))
    values = {
        "day": day,
        "type": KINDS.get(kind, kind),
        "connection": record.get("connection"),
        "country": place.get("country_name") or place.get("country_code"),
        "address": record.get("ip"),
    }
    for name, value in values.items():
        tallies[name].add(value, now=now)
    if kind != "s":
        return
    risk = _risk(record)
    tallies["risk"].add((risk and risk.confidence) or NOT_ASSESSED, now=now)
    if risk is not None and risk.confidence in {"low", "medium"}:
        tallies["risky day"].add(day, now=now)
        for reason in reasons_of(risk):
            tallies["reason"].add(reason, now=now)


def _risk(record: Mapping[str, Any]) -> RiskAssessment | None:
    details = record.get("details")
    found = details.get("riskAssessment") if isinstance(details, Mapping) else None
    try:
        return None if found is None else _RISK.validate_python(found)
    except ValidationError:
        return None


async def _oldest(client: Tenant) -> datetime | None:
    answer = await client.http.get(LOGS, params={"sort": "date:1", "per_page": 1, "page": 0})
    records = _FIRST.validate_json(answer.content)
    return moment_of(records[0].get("date")) if records else None


def _said(oldest: datetime | None) -> str:
    return f"on {oldest.day} {oldest:%b %H:%M} UTC" if oldest else "nowhere yet"
