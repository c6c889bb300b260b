"""The objects of the org: their fields, and the prefixes of their ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOf:
    """One field of an object, as describe tells of it."""

    name: str
    label: str
    type: str = "string"
    length: int = 255
    required: bool = False
    writable: bool = True
    filterable: bool = True
    external_id: bool = False
    unique: bool = False
    refers_to: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """Show the field the way describe does."""
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "length": self.length if self.type in TEXTS else 0,
            "nillable": not self.required,
            "createable": self.writable,
            "updateable": self.writable,
            "filterable": self.filterable,
            "externalId": self.external_id,
            "idLookup": self.external_id or self.name in {"Id", "Email"},
            "unique": self.unique,
            "custom": self.name.endswith("__c"),
            "defaultedOnCreate": False,
            "referenceTo": list(self.refers_to),
            "relationshipName": self.name.removesuffix("Id") if self.refers_to else None,
            "picklistValues": [
                {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value}
                for value in self.values
            ],
        }


TEXTS: Final = frozenset({"string", "email", "phone", "url", "textarea", "picklist", "id", "reference"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One object of the org."""

    name: str
    label: str
    plural: str
    prefix: str
    fields: Mapping[str, FieldOf]
    types: tuple[str, ...] = ()
    """The names of its record types."""

    def field(self, name: str) -> FieldOf | None:
        """Find a field; its name may be written with large or small letters."""
        return next((each for key, each in self.fields.items() if key.lower() == name.lower()), None)


def _kind(name: str, label: str, plural: str, prefix: str, *fields: FieldOf, types: tuple[str, ...] = ()) -> Kind:
    system = (
        FieldOf(name="Id", label="Record ID", type="id", length=18, writable=False),
        FieldOf(name="IsDeleted", label="Deleted", type="boolean", writable=False),
        FieldOf(name="CreatedDate", label="Created Date", type="datetime", writable=False),
        FieldOf(name="LastModifiedDate", label="Last Modified Date", type="datetime", writable=False),
        FieldOf(name="SystemModstamp", label="System Modstamp", type="datetime", writable=False),
        FieldOf(name="CreatedById", label="Created By ID", type="reference", writable=False, refers_to=("User",)),
        FieldOf(name="OwnerId", label="Owner ID", type="reference", refers_to=("User",)),
        FieldOf(name="Auth0_Id__c", label="Auth0 Id", external_id=True, unique=True),
        FieldOf(name="Flow_Key__c", label="Flow Key", external_id=True, unique=True),
        FieldOf(name="Legacy_Id__c", label="Legacy Id", external_id=True),
    )
    every = {each.name: each for each in (*system, *fields)}
    return Kind(name=name, label=label, plural=plural, prefix=prefix, fields=every, types=types)


def _text(name: str, label: str, length: int = 255, *, required: bool = False) -> FieldOf:
    return FieldOf(name=name, label=label, length=length, required=required)


def _long(name: str, label: str) -> FieldOf:
    return FieldOf(name=name, label=label, type="textarea", length=32_000, filterable=False)


def _picked(name: str, label: str, *values: str) -> FieldOf:
    return FieldOf(name=name, label=label, type="picklist", values=values)


def _refers(name: str, label: str, *to: str) -> FieldOf:
    return FieldOf(name=name, label=label, type="reference", length=18, refers_to=to)


_EMAIL: Final = FieldOf(name="Email", label="Email", type="email", length=80)
_PHONE: Final = FieldOf(name="Phone", label="Phone", type="phone", length=40)
_MOBILE: Final = FieldOf(name="MobilePhone", label="Mobile Phone", type="phone", length=40)
_WEBSITE: Final = FieldOf(name="Website", label="Website", type="url")
_INDUSTRY: Final = _picked("Industry", "Industry", "Banking", "Education", "Energy", "Retail", "Technology")

KINDS: Final[Mapping[str, Kind]] = {
    each.name: each
    for each in (
        _kind(
            "Account",
            "Account",
            "Accounts",
            "001",
            _text("Name", "Account Name", required=True),
            _PHONE,
            _WEBSITE,
            _INDUSTRY,
            _picked("Type", "Account Type", "Prospect", "Customer", "Partner"),
            _text("BillingCity", "Billing City", 40),
            _text("BillingCountry", "Billing Country", 80),
            FieldOf(name="NumberOfEmployees", label="Employees", type="int"),
            FieldOf(name="AnnualRevenue", label="Annual Revenue", type="currency"),
            _refers("ParentId", "Parent Account ID", "Account"),
            _long("Description", "Account Description"),
        ),
        _kind(
            "Contact",
            "Contact",
            "Contacts",
            "003",
            _text("FirstName", "First Name", 40),
            _text("LastName", "Last Name", 80, required=True),
            FieldOf(name="Name", label="Full Name", length=121, writable=False),
            _EMAIL,
            _PHONE,
            _MOBILE,
            _text("Title", "Title", 128),
            _text("Department", "Department", 80),
            FieldOf(name="Consent__c", label="Consent"),
            FieldOf(name="Consent_Version__c", label="Consent Version"),
            FieldOf(name="Consent_Time__c", label="Consent Time", type="datetime"),
            _refers("AccountId", "Account ID", "Account"),
            FieldOf(name="Birthdate", label="Birthdate", type="date"),
            FieldOf(name="HasOptedOutOfEmail", label="Email Opt Out", type="boolean"),
            _long("Description", "Contact Description"),
            types=("Customer", "Partner"),
        ),
        _kind(
            "Lead",
            "Lead",
            "Leads",
            "00Q",
            _text("FirstName", "First Name", 40),
            _text("LastName", "Last Name", 80, required=True),
            FieldOf(name="Name", label="Full Name", length=121, writable=False),
            _text("Company", "Company", required=True),
            _EMAIL,
            _PHONE,
            _MOBILE,
            _text("Title", "Title", 128),
            _WEBSITE,
            _INDUSTRY,
            _picked("LeadSource", "Lead Source", "Web", "Phone Inquiry", "Partner Referral", "Other"),
            _picked("Status", "Status", "Open - Not Contacted", "Working - Contacted", "Closed - Converted"),
            FieldOf(name="IsConverted", label="Converted", type="boolean", writable=False),
            FieldOf(name="ConvertedAccountId", label="Converted Account ID", type="reference", writable=False),
            FieldOf(name="ConvertedContactId", label="Converted Contact ID", type="reference", writable=False),
            FieldOf(name="ConvertedOpportunityId", label="Converted Opportunity ID", type="reference", writable=False),
            _long("Description", "Description"),
        ),
        _kind(
            "Case",
            "Case",
            "Cases",
            "500",
            FieldOf(name="CaseNumber", label="Case Number", length=30, writable=False),
            _text("Subject", "Subject"),
            _picked("Status", "Status", "New", "Working", "Escalated", "Closed"),
            _picked("Priority", "Priority", "High", "Medium", "Low"),
            _picked("Origin", "Case Origin", "Email", "Phone", "Web"),
            _picked("Type", "Case Type", "Question", "Problem", "Feature Request"),
            _refers("ContactId", "Contact ID", "Contact"),
            _refers("AccountId", "Account ID", "Account"),
            FieldOf(name="SuppliedEmail", label="Web Email", type="email", length=80),
            FieldOf(name="IsClosed", label="Closed", type="boolean", writable=False),
            _long("Description", "Description"),
        ),
        _kind(
            "Opportunity",
            "Opportunity",
            "Opportunities",
            "006",
            _text("Name", "Name", 120, required=True),
            _text("StageName", "Stage", 40, required=True),
            FieldOf(name="CloseDate", label="Close Date", type="date", required=True),
            FieldOf(name="Amount", label="Amount", type="currency"),
            _refers("AccountId", "Account ID", "Account"),
        ),
        _kind(
            "User",
            "User",
            "Users",
            "005",
            _text("Username", "Username", 80, required=True),
            _text("Name", "Full Name", 121),
            _EMAIL,
            FieldOf(name="IsActive", label="Active", type="boolean"),
        ),
    )
}


def kind_of(name: str) -> Kind | None:
    """Find an object; its name may be written with large or small letters."""
    return next((each for key, each in KINDS.items() if key.lower() == name.lower()), None)
