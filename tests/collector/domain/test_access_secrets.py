"""Secrets and how long they hold."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.access import keys

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
GOOD = "assay_abcdefgh2345_" + "x" * 43


def test_a_new_secret_has_the_form_and_is_parsed_and_proved() -> None:
    made = {keys.new_secret() for _ in range(200)}
    assert len({keys.parse(secret).key_id for secret in made}) == 200
    for secret in made:
        assert re.fullmatch(r"assay_[a-z2-7]{12}_[A-Za-z0-9_-]{43}", secret)
        credential = keys.parse(secret)
        assert secret.startswith(f"assay_{credential.key_id}_")
        assert credential.secret_hash == hashlib.sha256(secret.encode()).digest()
        assert keys.proves(credential, hashlib.sha256(secret.encode()).digest())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "assay_",
        GOOD[:-1],
        GOOD + "x",
        GOOD + "\n",
        " " + GOOD,
        GOOD.upper(),
        GOOD.replace("2345", "2340"),
        GOOD[:-1] + "é",
        GOOD[:-1] + "\x00",
        GOOD[:-1] + "\ud800",
    ],
)
def test_what_has_not_the_form_of_a_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a key's secret reads"):
        keys.parse(text)


@given(st.text())
def test_no_text_does_more_than_raise_value_error(text: str) -> None:
    for read in (keys.parse, keys.login_token_hash):
        with pytest.raises(ValueError, match="characters"):
            read(text)
    assert not keys.is_key_id(text)


def test_a_hash_proves_its_own_secret_alone() -> None:
    stored = keys.parse(GOOD).secret_hash
    assert keys.proves(keys.parse(GOOD), stored)
    assert not keys.proves(keys.parse(GOOD[:-1] + "y"), stored)
    assert not keys.proves(keys.parse(GOOD), b"")


def test_a_new_login_token_is_found_by_its_hash() -> None:
    token = keys.new_login_token()
    assert keys.new_login_token() != token
    assert keys.login_token_hash(token) == hashlib.sha256(token.encode()).digest()


@pytest.mark.parametrize(("text", "expected"), [("abcdefgh2345", True), ("abcdefgh234", False), ("abcdefgh2345\n", False)])
def test_key_ids_are_known_by_their_form(text: str, *, expected: bool) -> None:
    assert keys.is_key_id(text) is expected


@pytest.mark.parametrize(
    ("expire_time", "revoke_time", "expected"),
    [
        (None, None, True),
        (NOW + SECOND, None, True),
        (NOW, None, False),
        (NOW - SECOND, None, False),
        (None, NOW - SECOND, False),
        (NOW + SECOND, NOW - SECOND, False),
    ],
)
def test_a_key_holds_until_it_expires_or_is_revoked(expire_time: datetime | None, revoke_time: datetime | None, *, expected: bool) -> None:
    assert keys.holds(expire_time, revoke_time, NOW) is expected


@pytest.mark.parametrize(("parent_end", "expected"), [(None, NOW), (NOW - SECOND, NOW - SECOND), (NOW + SECOND, NOW)])
def test_nothing_outlives_the_key_it_came_from(parent_end: datetime | None, expected: datetime) -> None:
    assert keys.capped(NOW, parent_end) == expected
