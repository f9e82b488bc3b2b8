"""Receivers: their secrets, and what they want to hear."""

import pytest

from kit.errors import AssayError
from services.alerter.domain.notification.receiver import (
    AlertmanagerConfig,
    Config,
    EmailConfig,
    PagerDutyConfig,
    SlackConfig,
    TeamsConfig,
    WebhookConfig,
    moves_secrets,
    signing_key,
    with_kept_secrets,
)
from services.alerter.domain.notification.receiver import Receiver as Made

MAIL = EmailConfig("mail.test", "a@example.com", ("b@example.com",), username="u", password="s3cr3t")
HOOK = WebhookConfig("https://a.test", signing_secrets=("whsec_x",), authorization="s3cr3t")


@pytest.mark.parametrize(
    ("edited", "before", "kept"),
    [
        (EmailConfig("mail.test", "c@example.com", ("b@example.com",), username="u"), MAIL, {"password": "s3cr3t"}),
        (WebhookConfig("https://b.test", authorization="new"), HOOK, {"authorization": "new", "signing_secrets": ("whsec_x",)}),
        (SlackConfig("C2"), SlackConfig("C1", bot_token="old"), {"bot_token": "old"}),
        (
            SlackConfig(webhook_url="https://new.test"),
            SlackConfig("C1", bot_token="old"),
            {"bot_token": "", "webhook_url": "https://new.test"},
        ),
        (PagerDutyConfig(""), TeamsConfig("https://a.test"), {"routing_key": ""}),
    ],
)
def test_a_secret_that_is_not_given_stays_if_the_sort_does(edited: Config, before: Config, kept: dict[str, object]) -> None:
    made = with_kept_secrets(edited, before)
    assert {name: getattr(made, name) for name in kept} == kept


@pytest.mark.parametrize(
    ("config", "before", "is_moved"),
    [
        (EmailConfig("evil.test", "a@example.com", ("b@example.com",), username="u", password="s3cr3t"), MAIL, True),
        (EmailConfig("evil.test", "a@example.com", ("b@example.com",), username="u", password="another"), MAIL, False),
        (MAIL, MAIL, False),
        (WebhookConfig("https://b.test", authorization="s3cr3t"), HOOK, True),
        (WebhookConfig("https://a.test", authorization="s3cr3t"), HOOK, False),
        (AlertmanagerConfig("https://b.test", "s3cr3t"), AlertmanagerConfig("https://a.test", "s3cr3t"), True),
        (AlertmanagerConfig("https://a.test", "s3cr3t"), AlertmanagerConfig("https://a.test", "s3cr3t"), False),
        (TeamsConfig("https://a.test"), HOOK, False),
    ],
)
def test_it_is_noticed_when_a_secret_would_go_elsewhere(config: Config, before: Config, is_moved: bool) -> None:
    assert moves_secrets(config, before) is is_moved


@pytest.mark.parametrize(
    ("config", "hears"),
    [
        (MAIL, False),
        (HOOK, True),
        (SlackConfig(webhook_url="x"), False),
        (SlackConfig("C", bot_token="x"), True),
        (PagerDutyConfig("k"), True),
    ],
)
def test_acknowledgements_are_heard_by_who_can_show_them(config: Config, hears: bool) -> None:
    assert Made("r", config).audience.hears_acknowledgement is hears


@pytest.mark.parametrize("secret", ["", "plain", "whsec_!!!"])
def test_what_is_no_signing_secret_has_no_key(secret: str) -> None:
    assert signing_key(secret) == b""


@pytest.mark.parametrize(
    "config",
    [
        SlackConfig(webhook_url="x"),
        SlackConfig(webhook_url="https://a.test", bot_token="both"),
        EmailConfig("h", "a@b@c.example", ("b@example.com",)),
        EmailConfig("h", "ä@example.com", ("b@example.com",)),
        EmailConfig("h", "", ("b@example.com",)),
        EmailConfig("h", "a@[127.0.0.1]", ("b@example.com",)),
        EmailConfig("h", '"a b"@example.com', ("b@example.com",)),
        WebhookConfig("http://[::1"),
        WebhookConfig("https://exämple.test"),
        WebhookConfig("x" * 3_000),
        AlertmanagerConfig("https://a.test/?x=1"),
        AlertmanagerConfig("https://a.test", authorization="a\nb"),
    ],
)
def test_a_config_that_cannot_be_is_refused(config: Config) -> None:
    with pytest.raises(AssayError):
        config.check()


def test_no_secret_is_shown_where_a_receiver_is_printed() -> None:
    assert "s3cr3t" not in repr(Made("r", MAIL)) + repr(Made("r", HOOK))
    SlackConfig(webhook_url="https://a.test").check()
