"""Links to one report: who has one may see that report until it expires, and nobody can make one."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from kit.errors import AssayError
from services.reporter.domain.report_link import TOKEN_LENGTH_MAX, ReportLink, claimed, sign, verify

KEY = b"k" * 32
NOW = datetime(2026, 11, 22, tzinfo=UTC)
LINK = ReportLink("project", "weekly-20261116T0700Z", NOW + timedelta(days=1))


def reason_of(token: str, key: bytes = KEY, now: datetime = NOW) -> str:
    def opened() -> None:
        claimed(token)
        verify(token, key, now)

    with pytest.raises(AssayError) as refused:
        opened()
    return refused.value.reason


def test_a_link_says_which_report_and_holds_until_it_expires() -> None:
    token = sign(LINK, KEY)
    assert token == sign(LINK, KEY)
    assert claimed(token) == LINK
    verify(token, KEY, LINK.expire_time - timedelta(seconds=1))
    assert reason_of(token, now=LINK.expire_time) == "LINK_EXPIRED"
    assert reason_of(token, key=b"x" * 32) == "LINK_INVALID"


@given(some.integers(0, 200), some.characters(codec="utf-8"))
def test_a_token_that_was_changed_is_none(place: int, character: str) -> None:
    token = sign(LINK, KEY)
    changed = token[: place % len(token)] + character + token[place % len(token) + 1 :]
    if changed != token:
        assert reason_of(changed) == "LINK_INVALID"


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'[2,"p","r",1]', b'[1,"p","r",1e30]', b'[1,"p","r",99999999999999]', b"[" * 300])
def test_what_we_did_not_write_says_nothing(content: bytes) -> None:
    assert reason_of(base64.urlsafe_b64encode(content).decode().rstrip("=") + ".x") == "LINK_INVALID"
    assert reason_of("x" * (TOKEN_LENGTH_MAX + 1)) == "LINK_INVALID"
