"""Errors as values."""

import copy
import pickle

from connectors.errors import ConnectorError, Missing, Reconnect, TryLater
from connectors.wording import clean


def test_an_error_without_words_has_those_of_its_kind() -> None:
    assert Missing().message == "It is not there (any more)."


def test_errors_survive_being_stored_and_copied() -> None:
    error = Reconnect("No.", missing_scope="read:users", status=403, code="insufficient_scope")
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (other.message, other.missing_scope, other.status, other.code) == (
            "No.",
            "read:users",
            403,
            "insufficient_scope",
        )


def test_a_sentence_before_the_message_changes_nothing_else() -> None:
    error = TryLater("Later.", after=3, status=429)
    other = error.preceded_by("Half of it is done.")
    assert (other.message, other.after, other.status) == ("Half of it is done. Later.", 3, 429)
    assert error.message == "Later."
    assert isinstance(other, ConnectorError)


def test_texts_from_outside_lose_what_does_not_belong_on_a_line() -> None:
    assert clean("a\x00b\r\n\tc\u202ed\u2028e") == "a b c d e"
    assert clean("word " * 100, limit=12) == "word word w…"
    assert clean("") == ""
