"""What messages say, signed links, and which addresses may be written to."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import AssayError
from kit.signed_tokens import TOKEN_LENGTH_MAX
from services.alerter.domain.alert import AlertState, Severity
from services.alerter.domain.notification.address import is_allowed, parse_networks
from services.alerter.domain.notification.content import ALERTS_SHOWN_MAX, TITLE_LENGTH_MAX, notification, status_line, written_value
from services.alerter.domain.notification.group import Message, MessageKind
from services.alerter.domain.notification.link_token import LinkAction, LinkClaim, sign, verify
from tests.alerter.notify.alerts import NOW, alert


def message(kind: MessageKind = MessageKind.FIRST, **ids: tuple[str, ...]) -> Message:
    lists = {"firing": (), "acknowledged": (), "ended": (), "new": ()} | ids
    return Message("d1", "g1", 1, kind, "default", (("alertname", "slow"), ("provider", "openai")), **lists)


def test_a_message_says_what_where_and_how_much() -> None:
    seen = alert(model="a", summary="slow", observed=3.14159, threshold=2.0, unit="s", description="because", acknowledged_by="")
    content = notification(message(firing=("slow-a", "gone"), new=("slow-a",)), "default", {"slow-a": seen})
    (note,) = content.notes
    assert (content.title, content.firing_count, content.severity) == ("slow · openai", 2, Severity.WARNING)
    assert (note.observed, note.threshold, note.summary, note.description, note.is_new) == ("3.142 s", "2 s", "slow", "because", True)
    assert not content.is_over


def test_of_many_alerts_the_worst_are_shown_and_all_are_counted() -> None:
    many = {f"slow-{n}": alert(model=str(n), severity=Severity.CRITICAL if n == 77 else Severity.INFO) for n in range(100)}
    content = notification(message(firing=tuple(many)), "default", many)
    assert (content.firing_count, len(content.notes), content.notes[0].alert_id) == (100, ALERTS_SHOWN_MAX, "slow-77")
    assert content.severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("labels", "title"),
    [
        ((), "default"),
        ((("a", ""),), "default"),
        ((("a", "x\r\nBcc: all"),), "x  Bcc: all"),
        ((("a", "x" * 300),), "x" * (TITLE_LENGTH_MAX - 1) + "…"),
    ],
)
def test_a_title_is_one_line(labels: tuple[tuple[str, str], ...], title: str) -> None:
    assert notification(replace(message(firing=("slow-",)), labels=labels), "default", {"slow-": alert()}).title == title


def test_a_message_without_any_known_alert_still_has_a_title() -> None:
    content = notification(replace(message(MessageKind.RESOLVED, ended=("x",)), labels=()), "default", {})
    assert (content.title, content.severity, content.is_over) == ("several alerts", Severity.WARNING, True)


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (None, "s", ""),
        (0.6667, "ratio", "66.7%"),
        (0.97, "", "0.97"),
        (1_234_567.8, "USD", "1,234,568 USD"),
        (0.000123456, "s", "0.0001235 s"),
        (3.0, "", "3"),
    ],
)
def test_values_are_written_for_people(value: float | None, unit: str, written: str) -> None:
    assert written_value(value, unit) == written


def test_the_status_counts_and_says_why() -> None:
    known = {"slow-": alert(state=AlertState.RESOLVED)}
    content = notification(message(MessageKind.CHANGED, firing=("a", "b"), ended=("slow-",)), "default", known)
    assert status_line(content) == "2 firing, 1 resolved"
    assert status_line(replace(content, kind=MessageKind.ESCALATED)) == "nobody has acknowledged yet: 2 firing, 1 resolved"


KEY, OLD_KEY = b"k" * 32, b"o" * 32
CLAIM = LinkClaim(LinkAction.ACKNOWLEDGE, "default", "g1", "team", NOW + timedelta(days=1))


def test_a_link_holds_until_it_expires_and_with_an_older_key_too() -> None:
    token = sign(CLAIM, OLD_KEY)
    assert verify(token, (KEY, OLD_KEY), NOW) == CLAIM
    with pytest.raises(AssayError, match="expired") as refused:
        verify(token, (KEY, OLD_KEY), NOW + timedelta(days=1))
    assert refused.value.reason == "LINK_EXPIRED"


@given(st.integers(0, 400), st.characters(codec="ascii"))
def test_a_link_that_was_changed_anywhere_is_none(at: int, character: str) -> None:
    token = sign(CLAIM, KEY)
    at %= len(token)
    changed = token[:at] + character + token[at + 1 :]
    if changed != token:
        with pytest.raises(AssayError) as refused:
            verify(changed, (KEY,), NOW)
        assert refused.value.reason == "LINK_INVALID"


@pytest.mark.parametrize("token", ["", ".", "é.é", "a" * (TOKEN_LENGTH_MAX + 1), sign(CLAIM, OLD_KEY)])
def test_what_we_have_not_signed_is_no_link(token: str) -> None:
    with pytest.raises(AssayError) as refused:
        verify(token, (KEY,), NOW)
    assert refused.value.reason == "LINK_INVALID"


def test_what_another_version_has_signed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.alerter.domain.notification.link_token._VERSION", 2)
    token = sign(CLAIM, KEY)
    with pytest.raises(AssayError) as refused:
        verify(token, (KEY,), NOW)
    assert refused.value.reason == "LINK_INVALID"


def test_a_short_key_signs_nothing() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        sign(CLAIM, b"short")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
     "255.255.255.255", "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
     "::ffff:169.254.169.254", "::127.0.0.1",
     "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "192.0.2.1", "localhost", "", "2130706433"],
)  # fmt: skip
def test_addresses_inside_of_a_network_are_not_written_to(address: str) -> None:
    assert not is_allowed(address, ())


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"])
def test_public_addresses_are(address: str) -> None:
    assert is_allowed(address, ())


def test_networks_can_be_allowed() -> None:
    allowed = parse_networks("10.0.0.0/8, 127.0.0.1,fd00::/8,")
    assert all(is_allowed(address, allowed) for address in ("10.9.9.9", "127.0.0.1", "::ffff:127.0.0.1", "fd00::1", "8.8.8.8"))
    assert not is_allowed("127.0.0.2", allowed)
    with pytest.raises(AssayError):
        parse_networks("10.0.0.0/99")
