"""The actions that every flow has: they need no connection, and nearly all of them only compute."""

from typing import Final

from connectors.base import Declaring
from flows.builtins.addresses import addresses
from flows.builtins.charts import charts
from flows.builtins.codes import codes
from flows.builtins.csv_text import csv_text
from flows.builtins.dates import dates
from flows.builtins.hashes import hashes
from flows.builtins.json_text import json_text
from flows.builtins.lists import lists
from flows.builtins.numbers import numbers
from flows.builtins.objects import objects
from flows.builtins.people import people
from flows.builtins.text import text
from flows.decided import decisions
from flows.row_lists import rows

BUILTINS: Final[tuple[Declaring, ...]] = (
    text,
    dates,
    lists,
    objects,
    numbers,
    people,
    json_text,
    csv_text,
    charts,
    decisions,
    hashes,
    codes,
    rows,
    addresses,
)
