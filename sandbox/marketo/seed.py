"""The instance as it is in the beginning. Everything is fixed, so that whoever remembers an id finds it again."""

from sandbox.marketo.instance import Attribute, Campaign, Folder, Instance, StaticList

CREATED = "2024-03-05T09:12:44Z"

ATTRIBUTES = (
    Attribute(id=48, name="id", title="Id", kind="integer", length=None, read_only=True, key=True),
    Attribute(id=51, name="email", title="Email Address", kind="email", key=True),
    Attribute(id=29, name="firstName", title="First Name"),
    Attribute(id=31, name="lastName", title="Last Name"),
    Attribute(id=2, name="company", title="Company Name"),
    Attribute(id=14, name="title", title="Job Title"),
    Attribute(id=9, name="phone", title="Phone Number", kind="phone"),
    Attribute(id=11, name="country", title="Country"),
    Attribute(id=60, name="leadScore", title="Person Score", kind="integer", length=None),
    Attribute(id=61, name="unsubscribed", title="Unsubscribed", kind="boolean", length=None),
    Attribute(id=62, name="notes", title="Notes", kind="text", length=2000),
    Attribute(id=63, name="acquisitionDate", title="Acquisition Date", kind="datetime", length=None),
    Attribute(id=101, name="auth0Id", title="Auth0 Id", key=True),
    Attribute(id=102, name="consent", title="Consent"),
    Attribute(id=103, name="consentVersion", title="Consent Version"),
    Attribute(id=104, name="consentTime", title="Consent Time", kind="datetime", length=None),
    Attribute(id=55, name="createdAt", title="Created At", kind="datetime", length=None, read_only=True),
    Attribute(id=56, name="updatedAt", title="Updated At", kind="datetime", length=None, read_only=True),
)

PEOPLE = (
    (318581, "Ana", "Keller", "ana.keller@example.com", "Northwind Traders", 40),
    (318582, "Ben", "Osei", "ben.osei@example.com", "Northwind Traders", 12),
    (318583, "Chiara", "Lund", "chiara.lund@example.com", "Fabrikam", 77),
    (318584, "Dai", "Nakamura", "dai.nakamura@example.com", "Contoso", 5),
    (318585, "Elif", "Sahin", "elif.sahin@example.com", "Contoso", 31),
)


def plant(instance: Instance) -> None:
    """Put the first things into an instance."""
    instance.attributes = {each.name: each for each in ATTRIBUTES}
    for number, first, last, email, company, score in PEOPLE:
        instance.leads[number] = {
            "id": number,
            "firstName": first,
            "lastName": last,
            "email": email,
            "company": company,
            "leadScore": score,
            "unsubscribed": False,
            "createdAt": CREATED,
            "updatedAt": CREATED,
        }
    stamp = f"{CREATED}+0000"
    for number, name, parent in ((11, "Marketing Activities", None), (12, "Lead Database", None), (35, "Product", 12)):
        instance.folders[number] = Folder(id=number, name=name, parent=parent, description="", created=stamp)
    for number, name, members in (
        (1020, "Newsletter", (318581, 318582, 318583)),
        (1021, "Trial users", (318584,)),
        (1022, "Webinar, spring", ()),
    ):
        instance.lists[number] = StaticList(
            id=number,
            name=name,
            folder=35,
            description="",
            created=stamp,
            members=dict.fromkeys(members, CREATED),
        )
    instance.campaigns = {
        each.id: each
        for each in (
            _campaign(3001, "Welcome", kind="trigger", active=True, requestable=True),
            _campaign(3002, "Security notice", kind="trigger", active=True, requestable=True),
            _campaign(3003, "Old welcome", kind="trigger", active=False, requestable=True),
            _campaign(3004, "Form filled", kind="trigger", active=True, requestable=False),
            _campaign(3005, "Monthly digest", kind="batch", active=False, requestable=False),
        )
    }


def _campaign(number: int, name: str, *, kind: str, active: bool, requestable: bool) -> Campaign:
    return Campaign(
        id=number,
        name=name,
        kind="batch" if kind == "batch" else "trigger",
        active=active,
        requestable=requestable,
        program="Customer programme",
        created=f"{CREATED}+0000",
    )
