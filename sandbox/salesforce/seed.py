"""Who is in the org at first."""

from sandbox.salesforce.org import USERNAME, Org

ACCOUNTS = (
    ("Northwind Bakery", "Retail", "Lyon"),
    ("Harbour & Sons", "Banking", "Bristol"),
    ("Kestrel Robotics", "Technology", "Tampere"),
)
CONTACTS = (
    ("Ines", "Moreau", "ines.moreau@example.com", 0),
    ("Siobhán", "O'Brien", "siobhan.obrien@example.com", 1),
    ("Tuomas", "Lehto", "tuomas.lehto@example.com", 2),
    ("Aada", "Lehto", "aada.lehto@example.com", 2),
)
LEADS = (
    ("Mira", "Okafor", "Okafor Textiles", "mira.okafor@example.com"),
    ("Jonas", "Brandt", "Brandt Logistik", "jonas.brandt@example.com"),
)


def plant(org: Org) -> None:
    """Put the first records into the org."""
    org.create(org.kind("User"), {"Username": USERNAME, "Name": "Integration User", "IsActive": True})
    accounts = [
        org.create(org.kind("Account"), {"Name": name, "Industry": industry, "BillingCity": city})["Id"]
        for name, industry, city in ACCOUNTS
    ]
    for first, last, email, account in CONTACTS:
        values = {"FirstName": first, "LastName": last, "Email": email, "AccountId": accounts[account]}
        org.create(org.kind("Contact"), values)
    for first, last, company, email in LEADS:
        org.create(org.kind("Lead"), {"FirstName": first, "LastName": last, "Company": company, "Email": email})
