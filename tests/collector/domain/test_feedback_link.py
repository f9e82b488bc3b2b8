"""Links for feedback say what is voted on, until they expire, and nobody else can make one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kit import signed_tokens
from kit.errors import AssayError
from services.collector.domain.feedback_link import FeedbackClaim, sign, verify

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
NOW = datetime(2026, 11, 22, tzinfo=UTC)
CLAIM = FeedbackClaim("p", is_task=True, subject_id="t-1", title="Überprüfung 🙂", expire_time=NOW + timedelta(days=1))


@pytest.mark.parametrize("is_task", [True, False])
def test_what_was_signed_is_read_with_any_of_the_keys(is_task: bool) -> None:
    claim = replace(CLAIM, is_task=is_task)
    assert verify(sign(claim, OTHER_KEY), (KEY, OTHER_KEY), NOW) == claim


@pytest.mark.parametrize(
    ("token", "keys", "reason"),
    [
        (sign(CLAIM, KEY), (OTHER_KEY,), "LINK_INVALID"),
        (sign(CLAIM, KEY), (), "LINK_INVALID"),
        (sign(CLAIM, KEY)[:-2], (KEY,), "LINK_INVALID"),
        (f"{sign(replace(CLAIM, project='q'), OTHER_KEY).partition('.')[0]}.{sign(CLAIM, KEY).partition('.')[2]}", (KEY,), "LINK_INVALID"),
        ("", (KEY,), "LINK_INVALID"),
        ("ü.ü", (KEY,), "LINK_INVALID"),
        ("a" * 2_000, (KEY,), "LINK_INVALID"),
        (signed_tokens.sign([2, "p"], b"assay feedback", KEY), (KEY,), "LINK_INVALID"),
        (signed_tokens.sign([1, "p", True, "t-1", "", 2_000_000_000], b"assay link", KEY), (KEY,), "LINK_INVALID"),
        (sign(replace(CLAIM, expire_time=NOW), KEY), (KEY,), "LINK_EXPIRED"),
    ],
)
def test_any_other_token_is_refused(token: str, keys: tuple[bytes, ...], reason: str) -> None:
    with pytest.raises(AssayError) as refused:
        verify(token, keys, NOW)
    assert refused.value.reason == reason


def test_a_short_key_signs_nothing() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        sign(CLAIM, b"short")
