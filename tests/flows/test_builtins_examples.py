"""What the built-in actions of flows give, by example."""

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import Catalog
from connectors.errors import Refused
from flows.builtins import BUILTINS
from flows.builtins.dates import InZone as Zone
from flows.builtins.dates import Moment, now
from flows.builtins.text import RandomId, random_id

KNOWN = Catalog([], builtins=BUILTINS)
PEOPLE = [
    {"email": "ada@example.com", "age": 36, "tags": ["a"]},
    {"email": "Bob@example.com", "age": 9},
    {"email": None, "age": 36},
]
WHERE_GROWN = [{"left": "{{ item.age }}", "at least": 18}]


def carried_out(name: str, /, **given: Any) -> dict[str, Any]:
    action = KNOWN.actions[name]
    result: dict[str, Any] = action.carry_out(None, action.given.model_validate(given)).model_dump(mode="json")
    return result


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("text.compose", {"text": "Hello"}, "Hello"),
        ("text.compose", {"text": 7}, "7"),
        ("text.upper", {"text": "straße"}, "STRASSE"),
        ("text.lower", {"text": "ADA"}, "ada"),
        ("text.title_case", {"text": "they're  from McDonald"}, "They're  From McDonald"),
        ("text.sentence_case", {"text": "high risk"}, "High risk"),
        ("text.trim", {"text": " a "}, "a"),
        ("text.trim", {"text": " a ", "side": "start"}, "a "),
        ("text.trim", {"text": "--a-", "side": "end", "characters": "-"}, "--a"),
        ("text.replace", {"text": "a.a.a", "find": ".", "by": "-"}, "a-a-a"),
        ("text.replace", {"text": "a.a.a", "find": "a", "which": "last"}, "a.a."),
        ("text.replace", {"text": "a.a.a", "find": "a", "by": "b", "which": "first"}, "b.a.a"),
        ("text.replace", {"text": "Ada ada", "find": "ADA", "by": "x", "ignore_case": True}, "x x"),
        ("text.replace_pattern", {"text": "Lovelace, Ada", "pattern": r"(\w+), (\w+)", "by": r"\2 \1"}, "Ada Lovelace"),
        ("text.replace_pattern", {"text": "a1b", "pattern": r"\d", "by": r"[\0]\\"}, "a[1]\\b"),
        ("text.substring", {"text": "INC0042", "start": 3}, "0042"),
        ("text.substring", {"text": "INC0042", "start": -2}, "42"),
        ("text.substring", {"text": "INC0042", "start": 0, "length": 3}, "INC"),
        ("text.substring", {"text": "INC", "start": 9}, ""),
        ("text.pad", {"text": 7, "length": 3, "filler": "0"}, "007"),
        ("text.pad", {"text": "a", "length": 3, "side": "end"}, "a  "),
        ("text.shorten", {"text": "a long story", "length": 8}, "a long…"),
        ("text.shorten", {"text": "short", "length": 8}, "short"),
        ("lists.join", {"items": ["a", 1, True, None], "separator": "-"}, "a-1-yes-"),
        ("lists.join", {"items": PEOPLE, "by": "age"}, "36, 9, 36"),
        ("numbers.to_text", {"number": 1234.5, "digits": 2, "thousands": ","}, "1,234.50"),
        ("numbers.to_text", {"number": 1234567.891, "thousands": ".", "decimals": ","}, "1.234.567,891"),
        ("numbers.to_text", {"number": 2.5, "digits": 0}, "3"),
        ("numbers.to_text", {"number": -0.001, "digits": 1}, "0.0"),
        ("numbers.to_text", {"number": 1e25}, "10000000000000000000000000"),
        (
            "dates.to_text",
            {"date": "2026-03-09T21:05:07Z", "layout": "D MMMM YYYY [at] h:mm a"},
            "9 March 2026 at 9:05 pm",
        ),
        (
            "dates.to_text",
            {"date": "2026-03-09T21:05:07Z", "zone": "US/Pacific", "layout": "M/D/YY HH:mm Z"},
            "3/9/26 14:05 -07:00",
        ),
        ("dates.to_text", {"date": 0, "layout": "dddd ddd MMM DD ss SSS A X"}, "Thursday Thu Jan 01 00 000 AM 0"),
        ("json.compose", {"value": {"a": [1, None, "é"]}}, '{"a":[1,null,"é"]}'),
        ("json.compose", {"value": [1], "indented": True}, "[\n  1\n]"),
        ("hashes.digest", {"text": "abc"}, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("hashes.digest", {"text": "abc", "algorithm": "sha-1"}, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("hashes.digest", {"text": "abc", "algorithm": "md5"}, "900150983cd24fb0d6963f7d28e17f72"),
        ("hashes.digest", {"text": "abc", "algorithm": "md5", "spelling": "base64"}, "kAFQmDzST7DWlj99KOF/cg=="),
        ("hashes.digest", {"text": "abc", "algorithm": "md5", "spelling": "base64url"}, "kAFQmDzST7DWlj99KOF_cg"),
        (
            # RFC 4231, test case 2
            "hashes.hmac",
            {"text": "what do ya want for nothing?", "secret": "Jefe"},
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            # RFC 2202, test case 2
            "hashes.hmac",
            {
                "text": "what do ya want for nothing?",
                "secret": "4a656665",
                "secret_is": "hexadecimal",
                "algorithm": "sha-1",
            },
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
        ),
        ("hashes.named_id", {"text": "python.org", "namespace": "dns"}, "886313e1-3b8a-5372-9b90-0c9aee199e5d"),
        ("codes.to_base64", {"text": "é?"}, "w6k/"),
        ("codes.to_base64", {"text": "é?", "kind": "base64url"}, "w6k_"),
        ("codes.from_base64", {"text": "w6k_"}, "é?"),
        ("codes.from_base64", {"text": "YQ"}, "a"),
        ("codes.to_url", {"text": "a b/ü&"}, "a%20b%2F%C3%BC%26"),
        ("codes.from_url", {"text": "a%20b%C3%BC"}, "a bü"),
        (
            "codes.to_query",
            {"object": {"q": "a b", "id": [1, 2], "none": None, "yes": True}},
            "q=a%20b&id=1&id=2&yes=yes",
        ),
        ("codes.to_html", {"text": '<a href="x">'}, "&lt;a href=&quot;x&quot;&gt;"),
        ("people.mask_email", {"email": "ada@Example.com"}, "a…@example.com"),
    ],
)
def test_texts_come_out_as_expected(name: str, given: dict[str, Any], expected: str) -> None:
    assert carried_out(name, **given) == {"text": expected}


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("text.length", {"text": "né"}, 2),
        ("lists.length", {"items": [1, 2]}, 2),
        ("numbers.add", {"numbers": [0.1, 0.2]}, 0.3),
        ("numbers.add", {"numbers": ["1", " 2.5 "]}, 3.5),
        ("numbers.add", {"numbers": [12345678901234567890, 1]}, 12345678901234567891),
        ("numbers.subtract", {"number": 1, "minus": 0.9}, 0.1),
        ("numbers.multiply", {"numbers": [1.1, 1.1]}, 1.21),
        ("numbers.multiply", {"numbers": [2, 0.5]}, 1),
        ("numbers.round", {"number": 2.5}, 3),
        ("numbers.round", {"number": -2.5}, -3),
        ("numbers.round", {"number": 1.005, "digits": 2}, 1.01),
        ("numbers.round", {"number": 2.5, "way": "half even"}, 2),
        ("numbers.round", {"number": -2.1, "way": "up"}, -2),
        ("numbers.round", {"number": -2.1, "way": "down"}, -3),
        ("numbers.round", {"number": -2.9, "way": "towards zero"}, -2),
        ("numbers.round", {"number": 1e30}, 1e30),
        ("numbers.smallest", {"numbers": [3, 1.5, 2]}, 1.5),
        ("numbers.largest", {"numbers": [3, 1.5, 2]}, 3),
        ("numbers.absolute", {"number": -3}, 3),
        ("numbers.parse", {"text": "1,234.50"}, 1234.5),
        ("numbers.parse", {"text": "1.234,50 €", "decimals": ","}, 1234.5),
        ("numbers.parse", {"text": "-$1,000"}, -1000),
        ("numbers.parse", {"text": "EUR 12"}, 12),
        ("numbers.parse", {"text": "−5 %"}, -5),
        ("numbers.parse", {"text": "1\u202f234\u202f567"}, 1234567),
        ("numbers.parse", {"text": "0042"}, 42),
    ],
)
def test_numbers_come_out_as_expected(name: str, given: dict[str, Any], expected: float) -> None:
    found = carried_out(name, **given)["number"]
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("text.split", {"text": "a, b,,c"}, ["a", " b", "", "c"]),
        ("text.split", {"text": "a, b,,c", "trim": True, "keep_empty": False}, ["a", "b", "c"]),
        ("text.split", {"text": "a\nb", "separator": "\n"}, ["a", "b"]),
        ("text.match_all", {"text": "INC1 and INC22", "pattern": r"INC\d+"}, ["INC1", "INC22"]),
        ("text.match_all", {"text": "INC1 and INC22", "pattern": r"INC(\d+)"}, ["1", "22"]),
        ("lists.append", {"items": [1], "value": 2}, [1, 2]),
        ("lists.append", {"items": [1, 2], "value": 0, "position": 0}, [0, 1, 2]),
        ("lists.concatenate", {"lists": [[1], None, [2, 3]]}, [1, 2, 3]),
        ("lists.unique", {"items": [1, 1.0, True, "1", {"a": [1]}, {"a": [1]}]}, [1, True, "1", {"a": [1]}]),
        ("lists.unique", {"items": PEOPLE, "by": "age"}, PEOPLE[:2]),
        ("lists.sort", {"items": ["b", 10, 9, None, "A", True]}, [True, 9, 10, "A", "b", None]),
        ("lists.sort", {"items": PEOPLE, "by": "email", "order": "descending"}, [PEOPLE[1], PEOPLE[0], PEOPLE[2]]),
        ("lists.sort", {"items": PEOPLE, "by": "age"}, [PEOPLE[1], PEOPLE[0], PEOPLE[2]]),
        ("lists.reverse", {"items": [1, 2]}, [2, 1]),
        ("lists.slice", {"items": [1, 2, 3, 4], "start": 1, "count": 2}, [2, 3]),
        ("lists.slice", {"items": [1, 2, 3, 4], "start": -1}, [4]),
        ("lists.filter", {"items": PEOPLE, "where": WHERE_GROWN}, [PEOPLE[0], PEOPLE[2]]),
        ("lists.filter", {"items": ["a", "b"], "where": [{"not": {"left": "{{ item }}", "is": "a"}}]}, ["b"]),
        ("lists.pluck", {"items": PEOPLE, "path": "tags.0"}, ["a"]),
        ("lists.pluck", {"items": PEOPLE, "path": "tags.0", "keep_missing": True}, ["a", None, None]),
        ("lists.chunk", {"items": [1, 2, 3], "size": 2}, [[1, 2], [3]]),
        ("lists.flatten", {"items": [[1], 2, [[3]]]}, [1, 2, [3]]),
        ("lists.filled", {"items": [0, False, "", " ", None, [], {}, "a"]}, [0, False, "a"]),
        ("lists.common", {"items": [1, 2, 3], "other": [3, 1, "2"]}, [1, 3]),
        ("lists.without", {"items": [1, 2, 3], "other": [3, 1, "2"]}, [2]),
        ("lists.without", {"items": PEOPLE, "other": [{"age": 36}], "by": "age"}, [PEOPLE[1]]),
        ("objects.keys", {"object": {"a": 1, "b": 2}}, ["a", "b"]),
        ("objects.values", {"object": {"a": 1, "b": 2}}, [1, 2]),
        ("objects.to_list", {"object": {"a": 1}}, [{"name": "a", "value": 1}]),
        (
            "objects.compare",
            {"before": {"user": {"a.b": 1, "c": 1}, "x": None}, "after": {"user": {"a.b": True, "c": 1.0}, "n": 0}},
            [
                {"path": r"user.a\.b", "before": 1, "after": True},
                {"path": "n", "before": None, "after": 0},
                {"path": "x", "before": None, "after": None},
            ],
        ),
        ("csv.parse", {"text": 'a,b\r\n1,"x,\ny"\r\n\r\n2\r\n'}, [{"a": "1", "b": "x,\ny"}, {"a": "2", "b": ""}]),
        ("csv.parse", {"text": "\ufeffa;\n1;2", "separator": ";"}, [{"a": "1", "column 2": "2"}]),
        ("csv.parse", {"text": "1,2\n3", "header": False}, [["1", "2"], ["3"]]),
        ("csv.parse", {"text": ""}, []),
        (
            "lists.group",
            {"items": PEOPLE, "by": "age"},
            [
                {"key": 36, "items": [PEOPLE[0], PEOPLE[2]], "count": 2},
                {"key": 9, "items": [PEOPLE[1]], "count": 1},
            ],
        ),
    ],
)
def test_lists_come_out_as_expected(name: str, given: dict[str, Any], expected: list[Any]) -> None:
    found = carried_out(name, **given)
    assert (found["items"], found["count"]) == (expected, len(expected))


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        (
            "objects.get_many",
            {"object": {"u": {"e": 1}}, "paths": {"mail": "u.e", "gone": "u.x"}},
            {"mail": 1, "gone": None},
        ),
        ("objects.set", {"object": {"a": {"b": 1, "c": 2}}, "path": "a.b", "value": 9}, {"a": {"b": 9, "c": 2}}),
        ("objects.set", {"object": {}, "path": r"a.x\.y", "value": 1}, {"a": {"x.y": 1}}),
        ("objects.set", {"object": {"l": [1, 2]}, "path": "l.2", "value": 3}, {"l": [1, 2, 3]}),
        ("objects.merge", {"objects": [{"a": {"x": 1}}, None, {"a": {"y": 2}}]}, {"a": {"y": 2}}),
        ("objects.merge", {"objects": [{"a": {"x": 1}}, {"a": {"y": 2}}], "deep": True}, {"a": {"x": 1, "y": 2}}),
        ("objects.pick", {"object": {"a": 1, "b": 2}, "keys": ["b", "c"]}, {"b": 2}),
        ("objects.remove", {"object": {"a": 1, "b": 2}, "keys": ["b", "c"]}, {"a": 1}),
        ("objects.rename", {"object": {"a": 1, "b": 2}, "names": {"a": "A"}}, {"A": 1, "b": 2}),
        ("objects.rename", {"object": {"a": 1, "b": 2}, "names": {"a": "A"}, "only": True}, {"A": 1}),
        ("objects.filled", {"object": {"a": 0, "b": "", "c": None, "d": False}}, {"a": 0, "d": False}),
        ("objects.from_list", {"items": [{"name": "a", "value": 1}]}, {"a": 1}),
        ("objects.from_list", {"items": [{"id": "x"}], "name": "id", "value": None}, {"x": {"id": "x"}}),
        ("codes.from_query", {"text": "?q=a+b&id=1&id=2&e="}, {"q": "a b", "id": ["1", "2"], "e": ""}),
    ],
)
def test_objects_come_out_as_expected(name: str, given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert carried_out(name, **given) == {"object": expected}


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        (
            "text.find",
            {"text": "Ada King Lovelace", "find": " ", "which": "last"},
            {"found": True, "position": 8, "before": "Ada King", "after": "Lovelace"},
        ),
        (
            "text.find",
            {"text": "Ada", "find": "D", "ignore_case": True},
            {"found": True, "position": 1, "before": "A", "after": "a"},
        ),
        ("text.find", {"text": "Ada", "find": "x"}, {"found": False, "position": None, "before": "Ada", "after": ""}),
        (
            "text.match",
            {"text": "INC42", "pattern": r"(?i)inc(?P<number>\d+)(x)?"},
            {"found": True, "text": "INC42", "groups": ["42", None], "named": {"number": "42"}},
        ),
        ("text.match", {"text": "x", "pattern": r"\d"}, {"found": False, "text": None, "groups": [], "named": {}}),
        ("numbers.divide", {"number": 7, "by": 2}, {"number": 3.5, "whole": 3, "remainder": 1}),
        ("numbers.divide", {"number": -7, "by": 2}, {"number": -3.5, "whole": -3, "remainder": -1}),
        ("lists.at", {"items": ["a", None], "position": -1}, {"value": None, "found": True}),
        ("lists.at", {"items": ["a"], "position": 1}, {"value": None, "found": False}),
        (
            "lists.find",
            {"items": PEOPLE, "where": [{"left": "{{ item.age }}", "less than": 18}]},
            {"value": PEOPLE[1], "found": True, "position": 1},
        ),
        (
            "lists.find",
            {"items": PEOPLE, "where": [{"left": "{{ item.age }}", "is": 5}]},
            {"value": None, "found": False, "position": None},
        ),
        ("lists.first_filled", {"values": [None, " ", [], 0, "a"]}, {"value": 0, "found": True, "position": 3}),
        ("lists.first_filled", {"values": [None]}, {"value": None, "found": False, "position": None}),
        (
            "lists.sum",
            {"items": PEOPLE, "by": "age"},
            {"number": 81, "count": 3, "average": 27, "smallest": 9, "largest": 36},
        ),
        ("lists.sum", {"items": [None]}, {"number": 0, "count": 0, "average": None, "smallest": None, "largest": None}),
        (
            "objects.get",
            {"object": {"a": [{"b": None}]}, "path": "a.0.b", "otherwise": 1},
            {"value": None, "found": True},
        ),
        ("objects.get", {"object": {"a": 1}, "path": "a.b", "otherwise": "none"}, {"value": "none", "found": False}),
        (
            "objects.get",
            {"object": {"https://x.org/role": 1}, "path": r"https://x\.org/role"},
            {"value": 1, "found": True},
        ),
        ("json.parse", {"text": '{"a": [1, 2.5, null]}'}, {"value": {"a": [1, 2.5, None]}}),
        (
            "people.email_parts",
            {"email": " Ada+news@Example.COM "},
            {
                "address": "Ada+news@example.com",
                "lowered": "ada+news@example.com",
                "local": "Ada+news",
                "untagged": "Ada",
                "domain": "example.com",
            },
        ),
        (
            "dates.difference",
            {"start": "2026-03-28T12:00:00", "end": "2026-03-29T12:00:00", "zone": "Europe/Berlin"},
            {"seconds": 82800, "minutes": 1380, "hours": 23, "days": 0, "calendar_days": 1, "text": "23 hours"},
        ),
        (
            "dates.difference",
            {"start": 90000, "end": 0.5},
            {"seconds": -89999.5, "minutes": -1499, "hours": -24, "days": -1, "calendar_days": -1, "text": "1 day"},
        ),
    ],
)
def test_other_results_come_out_as_expected(name: str, given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert carried_out(name, **given) == expected


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("dates.add", {"date": "2026-01-31", "months": 1}, "2026-02-28T00:00:00Z"),
        ("dates.add", {"date": "2024-02-29", "years": 1}, "2025-02-28T00:00:00Z"),
        ("dates.add", {"date": "2026-01-01T00:00:00.678Z", "weeks": 1, "hours": 1, "minutes": 2, "seconds": 3}, "2026-01-08T01:02:03.678Z"),
        ("dates.add", {"date": 0, "duration": "90s"}, "1970-01-01T00:01:30Z"),
        ("dates.add", {"date": 0, "days": "7"}, "1970-01-08T00:00:00Z"),
        # A day over the change of the clocks keeps the time of day; a duration is time that passes.
        ("dates.add", {"date": "2026-03-28T09:00", "zone": "Europe/Berlin", "days": 1}, "2026-03-29T09:00:00+02:00"),
        ("dates.add", {"date": "2026-03-28T09:00", "zone": "Europe/Berlin", "duration": "1d"}, "2026-03-29T10:00:00+02:00"),
        # 2:30 does not exist on that day, and comes twice on the other.
        ("dates.add", {"date": "2026-03-28T02:30", "zone": "Europe/Berlin", "days": 1}, "2026-03-29T03:30:00+02:00"),
        ("dates.add", {"date": "2026-10-24T02:30", "zone": "Europe/Berlin", "days": 1}, "2026-10-25T02:30:00+02:00"),
        ("dates.add", {"date": "2026-10-25T02:30+01:00", "zone": "Europe/Berlin", "hours": 1}, "2026-10-25T03:30:00+01:00"),
        ("dates.subtract", {"date": "2026-03-31", "months": 1}, "2026-02-28T00:00:00Z"),
        ("dates.subtract", {"date": "2026-01-01", "days": 60}, "2025-11-02T00:00:00Z"),
        ("dates.in_zone", {"date": "2026-07-01T12:00:00Z", "zone": "America/Los_Angeles"}, "2026-07-01T05:00:00-07:00"),
        ("dates.start_of", {"date": "2026-08-19T15:31:02Z", "unit": "hour"}, "2026-08-19T15:00:00Z"),
        ("dates.start_of", {"date": "2026-08-19T01:00:00Z", "zone": "America/New_York"}, "2026-08-18T00:00:00-04:00"),
        ("dates.start_of", {"date": "2026-08-19", "unit": "week"}, "2026-08-17T00:00:00Z"),
        ("dates.start_of", {"date": "2026-08-19", "unit": "month"}, "2026-08-01T00:00:00Z"),
        ("dates.start_of", {"date": "2026-08-19", "unit": "quarter"}, "2026-07-01T00:00:00Z"),
        ("dates.start_of", {"date": "2026-08-19", "unit": "year"}, "2026-01-01T00:00:00Z"),
        # In Cairo the clocks of that day begin at one.
        ("dates.start_of", {"date": "2026-04-24T12:00", "zone": "Africa/Cairo"}, "2026-04-24T01:00:00+03:00"),
        ("dates.end_of", {"date": "2026-10-25", "zone": "Europe/Berlin"}, "2026-10-25T23:59:59.999+01:00"),
        ("dates.end_of", {"date": "2026-08-19T15:31:02Z", "unit": "hour"}, "2026-08-19T15:59:59.999Z"),
        ("dates.end_of", {"date": "2026-08-19", "unit": "week"}, "2026-08-23T23:59:59.999Z"),
        ("dates.end_of", {"date": "2026-08-19", "unit": "quarter"}, "2026-09-30T23:59:59.999Z"),
        ("dates.next_time", {"date": "2026-08-19T09:00:00Z", "at": "09:00"}, "2026-08-20T09:00:00Z"),
        ("dates.next_time", {"date": "2026-08-21T10:00", "at": "09:00", "on": ["Monday"], "zone": "Asia/Tokyo"}, "2026-08-24T09:00:00+09:00"),
        ("dates.from_text", {"text": "3/9/2026", "layout": "M/D/YYYY", "zone": "Europe/Berlin"}, "2026-03-09T00:00:00+01:00"),
        ("dates.from_text", {"text": "9 march 26, 9:05 PM", "layout": "D MMMM YY, h:mm A"}, "2026-03-09T21:05:00Z"),
        ("dates.from_text", {"text": "2026-03-09 21:05 +0200", "layout": "YYYY-MM-DD HH:mm Z"}, "2026-03-09T19:05:00Z"),
        ("dates.from_text", {"text": "@86400.", "layout": "[@]X."}, "1970-01-02T00:00:00Z"),
        ("dates.from_text", {"text": "2026-03-09T00:00:00+02:00"}, "2026-03-08T22:00:00Z"),
    ],
)  # fmt: skip
def test_dates_come_out_as_expected(name: str, given: dict[str, Any], expected: str) -> None:
    assert carried_out(name, **given)["date"] == expected


def test_a_date_is_taken_apart() -> None:
    found = carried_out("dates.parts", date="2026-03-29T00:30:00Z", zone="Asia/Kolkata")
    assert found == {
        "year": 2026, "month": 3, "day": 29, "hour": 6, "minute": 0, "second": 0, "month_name": "March",
        "weekday": "Sunday", "weekday_number": 7, "weekend": True, "week": 13, "quarter": 1, "day_of_year": 88,
        "days_in_month": 31, "offset": "+05:30",
    }  # fmt: skip


async def test_the_clock_is_the_one_that_is_handed_in() -> None:
    found = await now(lambda: 86400.0, Zone(zone="Europe/Berlin"))
    assert found == Moment(date="1970-01-02T01:00:00+01:00", day="1970-01-02", unix=86400)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("letters and digits", r"[A-Za-z0-9]{12}"),
        ("hexadecimal", r"[0-9a-f]{12}"),
        ("digits", r"\d{12}"),
        ("uuid", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    ],
)
async def test_random_ids_have_their_form_and_differ(kind: Any, expected: str) -> None:
    made = [(await random_id(None, RandomId(kind=kind, length=12))).text for _ in range(20)]
    matched = [carried_out("text.match", text=text, pattern=f"^{expected}$")["found"] for text in made]
    assert all(matched)
    assert len({*made}) == 20


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"given_name": " Ada ", "family_name": "Lovelace", "name": "x y"},
            ("Ada", "Lovelace", "given and family name"),
        ),
        ({"name": "Ada  King Lovelace"}, ("Ada King", "Lovelace", "name")),
        ({"given_name": "Ada", "name": "Ada King Lovelace"}, ("Ada King", "Lovelace", "name")),
        ({"family_name": "Lovelace", "name": "Ada Lovelace"}, ("Ada", "Lovelace", "given and family name")),
        ({"family_name": "Lovelace"}, ("", "Lovelace", "given and family name")),
        ({"given_name": "Ada", "name": "Lovelace"}, ("Ada", "Lovelace", "name")),
        ({"given_name": "Ada", "name": "ada", "nickname": "al"}, ("", "Ada", "given and family name")),
        ({"name": "Cher", "nickname": "c"}, ("", "Cher", "name")),
        ({"name": "ada@example.com", "nickname": "ada", "email": "ada@example.com"}, ("", "ada", "nickname")),
        ({"name": "Ada <ada@example.com>"}, ("", "Ada", "name")),
        ({"name": "+1 555 0100", "email": "a.b@example.com"}, ("", "a.b", "e-mail")),
        (
            {"given_name": "ada@example.com", "family_name": "", "name": None, "email": "ada@example.com"},
            ("", "ada", "e-mail"),
        ),
        ({"email": "12345@qq.com"}, ("", "12345", "e-mail")),
        ({"email": '"a@b"@example.com', "nickname": " "}, ("", "Unknown", "nothing")),
        ({}, ("", "Unknown", "nothing")),
    ],
)
def test_a_persons_name_falls_back_step_by_step(given: dict[str, Any], expected: tuple[str, str, str]) -> None:
    found = carried_out("people.name", **given)
    assert (found["first"], found["last"], found["origin"]) == expected
    assert found["full"] == f"{expected[0]} {expected[1]}".strip()


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_csv_for_people_carries_no_formulas(beginning: str) -> None:
    rows = [{f"{beginning}h": f"{beginning}cmd|' /C calc'!A0"}]
    for_people = carried_out("csv.parse", text=carried_out("csv.compose", items=rows)["text"])
    assert for_people["items"] == [{f"'{beginning}h": f"'{beginning}cmd|' /C calc'!A0"}]
    for_machines = carried_out("csv.parse", text=carried_out("csv.compose", items=rows, for_machines=True)["text"])
    assert for_machines["items"] == rows


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"items": [{"a": 1}, {"b": True, "a": None}]}, "a,b\r\n1,\r\n,yes\r\n"),
        ({"items": [{"a": True}], "for_machines": True, "header": False}, "true\r\n"),
        (
            {"items": [{"user": {"name": "x;y"}, "a.b": -5}], "columns": ["user.name", "a.b"], "separator": ";"},
            'user.name;a.b\r\n"x;y";-5\r\n',
        ),
        ({"items": [["a", [1]], ["b"]]}, "a,[1]\r\nb\r\n"),
        ({"items": []}, ""),
    ],
)
def test_csv_is_written_as_expected(given: dict[str, Any], expected: str) -> None:
    assert carried_out("csv.compose", **given)["text"] == expected


BIG = "a" * 1_000_000


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("numbers.parse", {"text": "abc"}, "‘abc’ is no number."),
        ("numbers.parse", {"text": "1,23"}, "‘1,23’ is no number."),
        ("numbers.parse", {"text": "1.2.3"}, "‘1.2.3’ is no number."),
        ("numbers.parse", {"text": "12 34"}, "‘12 34’ is no number."),
        ("numbers.parse", {"text": "x" * 200}, f"‘{'x' * 59}…’ is no number."),
        ("numbers.divide", {"number": 1, "by": 0}, "Nothing can be divided by 0."),
        ("numbers.multiply", {"numbers": [1e300, 1e300]}, "The result is no number, or too large a one."),
        ("numbers.to_text", {"number": 1, "thousands": "."}, "Thousands and decimals need different signs."),
        ("text.replace", {"text": BIG, "find": "a", "by": BIG}, "The text would have more than 1,000,000 characters."),
        ("text.replace_pattern", {"text": BIG[:100_000], "pattern": "a", "by": "b"}, "The pattern fits at more than 1,000 places."),
        ("text.replace_pattern", {"text": BIG[:999], "pattern": "a", "by": BIG[:2000]}, "The text would have more than 1,000,000 characters."),
        ("text.replace_pattern", {"text": "a", "pattern": "a", "by": r"\1"}, r"The pattern has 0 round brackets, so there is no \1."),
        ("text.split", {"text": "," * 100_000}, "The list would have more than 100,000 items."),
        ("lists.join", {"items": [BIG, "a"]}, "The text would have more than 1,000,000 characters."),
        ("text.find", {"text": "a", "find": BIG, "ignore_case": True}, "Without regard to case, at most 400 characters are looked for."),
        ("lists.sort", {"items": [[1]]}, "Lists and objects cannot be sorted by themselves: say by which of their values."),
        ("lists.sum", {"items": ["1"]}, "‘1’ is no number."),
        ("lists.concatenate", {"lists": ["a"]}, "‘a’ is no list."),
        ("lists.concatenate", {"lists": [[1] * 60_000, [1] * 60_000]}, "The list would have more than 100,000 items."),
        ("objects.merge", {"objects": [[1]]}, "‘1’ is no object."),
        ("objects.set", {"object": {"a": "x"}, "path": "a.b", "value": 1}, "‘b’ cannot be put into what is no object."),
        ("objects.set", {"object": {"a": []}, "path": "a.1", "value": 1}, "‘1’ is no position in a list of 0."),
        ("objects.rename", {"object": {"a": 1, "b": 2}, "names": {"a": "b"}}, "Two values would be called ‘b’."),
        ("objects.from_list", {"items": [{"name": 1}]}, "Item 0 has no name at ‘name’."),
        ("json.parse", {"text": "{'a'}"}, "This is no JSON: line 1, character 2: Expecting property name enclosed in double quotes."),
        ("json.parse", {"text": "NaN"}, "This JSON is not taken: NaN is no number."),
        ("json.parse", {"text": '"\\ud800"'}, "This JSON is not taken: this text has characters that are broken in two."),
        ("json.parse", {"text": "[" * 200 + "]" * 200}, "This JSON is not taken: this is more than 100 lists and objects within each other."),
        ("json.parse", {"text": "[" * 100_000}, "This JSON is more than 100 lists and objects within each other."),
        ("json.parse", {"text": "1e999"}, "This JSON is not taken: this number is too large."),
        ("csv.parse", {"text": "a\n1,2"}, "Row 1 has 2 cells, and there are 1 columns."),
        ("csv.parse", {"text": "a,a"}, "Two columns are called ‘a’."),
        ("csv.parse", {"text": 'a\n"x'}, "This is no CSV: line 2: unexpected end of data."),
        ("csv.compose", {"items": [1]}, "Row 1 is no list and no object."),
        ("csv.compose", {"items": [{"a": 1}, [2]]}, "Row 2 is a list among objects."),
        ("hashes.hmac", {"text": "a", "secret": "s3cret!", "secret_is": "base64"}, "The secret is not written in base64."),
        ("codes.from_base64", {"text": "%%%"}, "This is no base64."),
        ("codes.from_base64", {"text": "/w=="}, "What this base64 says is no text."),
        ("codes.from_url", {"text": "%ff"}, "This was no text before it was written for a web address."),
        ("codes.from_query", {"text": "a=%ff"}, "What this query says is no text."),
        ("codes.from_query", {"text": "&a" * 2000}, "The query has more than 1,000 values."),
        ("dates.add", {"date": "tomorrow", "days": 1}, "‘tomorrow’ is no date; write one such as 2026-03-29 or 2026-03-29T09:00:00Z."),
        ("dates.add", {"date": "2026-01-01"}, "Say how far: with days, hours, another unit or a duration."),
        ("dates.add", {"date": "2026-01-01", "years": 8000}, "This is before the year 1 or after the year 9999."),
        ("dates.add", {"date": "2026-01-01", "hours": 10**12}, "This is before the year 1 or after the year 9999."),
        ("dates.from_text", {"text": "31/02/2026", "layout": "DD/MM/YYYY"}, "‘31/02/2026’ is no date."),
        ("dates.from_text", {"text": "2026", "layout": "DD/MM/YYYY"}, "‘2026’ is not written as ‘DD/MM/YYYY’."),
        ("dates.from_text", {"text": "1", "layout": "D"}, "A layout to read dates with needs a year: YYYY, YY or X."),
        ("dates.from_text", {"text": "1 1", "layout": "YYYY YYYY"}, "The layout has YYYY twice."),
        ("people.email_parts", {"email": "ada"}, "‘ada’ is no e-mail address."),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_in_plain_words(name: str, given: dict[str, Any], expected: str) -> None:
    with pytest.raises(Refused) as caught:
        carried_out(name, **given)
    assert caught.value.message == expected


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("text.upper", {"text": None}, "there is nothing here, and a text is needed"),
        ("text.upper", {"text": ["a"]}, "this is no text"),
        ("text.upper", {"text": True}, "this is no text"),
        ("text.upper", {"text": "\ud800"}, "this text has characters that are broken in two"),
        ("text.upper", {"text": BIG + "a"}, "at most 1000000 characters"),
        ("text.match", {"text": "", "pattern": "(?=a)"}, "not a regular expression of the RE2 kind"),
        ("numbers.add", {"numbers": [True]}, "this is no number"),
        ("numbers.add", {"numbers": ["1_000"]}, "this is no number"),
        ("numbers.add", {"numbers": [float("nan")]}, "this number is too large"),
        ("numbers.add", {"numbers": [10**5000]}, "this number is too large"),
        ("lists.length", {"items": [[]] * 100_001}, "at most 100000 items"),
        ("lists.at", {"items": [], "position": True}, "this is no number"),
        ("lists.pluck", {"items": [], "path": "a..b"}, "a path is names with dots in between"),
        ("dates.now", {"zone": "Europe/Berln"}, "there is no such time zone; write one such as Europe/Berlin"),
        ("dates.now", {"zone": "../../etc/passwd"}, "there is no such time zone"),
        ("dates.parts", {"date": None}, "there is nothing here, and a date is needed"),
        ("dates.add", {"date": 0, "duration": "1 week"}, "write a number and a unit"),
        ("hashes.named_id", {"text": "", "namespace": "x"}, "a namespace is dns, url, oid, x500 or a uuid"),
        ("lists.filter", {"items": [], "where": [{"left": "{{ item }}", "near": 1}]}, "a condition is"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_done(name: str, given: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationError) as caught:
        KNOWN.actions[name].given.model_validate(given)
    assert expected in caught.value.errors()[0]["msg"]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("text.find", {"text": BIG, "find": "b" + BIG[:500_000], "which": "last"}),
        ("text.find", {"text": BIG, "find": BIG[:500_000] + "b"}),
        ("text.find", {"text": BIG, "find": BIG[:399] + "b", "ignore_case": True}),
        ("text.match", {"text": BIG[:100_000], "pattern": "(a*)*b"}),
        ("objects.merge", {"objects": [{f"n{number}": {}} for number in range(100_000)]}),
        ("objects.merge", {"objects": [{"a": {f"n{number}": {}}} for number in range(100_000)], "deep": True}),
        ("lists.unique", {"items": [{"a": number} for number in range(100_000)]}),
        ("csv.compose", {"items": [{"a": number, "b": "x"} for number in range(50_000)]}),
    ],
)
def test_the_largest_inputs_take_no_time_to_speak_of(name: str, given: dict[str, Any]) -> None:
    assert carried_out(name, **given)
