"""Receivers: who is told, through what, and with which secrets."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from email.errors import MessageError
from email.headerregistry import Address
from enum import Enum
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from kit.errors import AssayError, Kind, invalid
from services.alerter.domain.notification.stages.telling import Audience

RECEIVER_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
DISPLAY_NAME_LENGTH_MAX = 128
RECIPIENTS_MAX = 50
TEXT_LENGTH_MAX = 2_048  # of URLs, tokens, names and passwords
TEMPLATE_LENGTH_MAX = 8_192
RATE_MAX_PER_MIN = 600
DEFAULT_RATE_PER_MIN = 60
SIGNING_SECRETS_MAX = 3
SIGNING_KEY_BYTES_MIN = 24  # as Standard Webhooks asks for
SIGNING_PREFIX = "whsec_"

_SECRET = {"is_secret": True}


class MailSecurity(Enum):
    """How the connection to a mail server is encrypted; the numbers are kept in PostgreSQL."""

    STARTTLS = 1
    TLS = 2
    NONE = 3


class PayloadForm(Enum):
    """What the body of a webhook is: our own, or Alertmanager's version 4; the numbers are kept in PostgreSQL."""

    ASSAY = 1
    ALERTMANAGER = 2


@dataclass(frozen=True, slots=True)
class EmailConfig:
    """A mail server, and who gets the mail."""

    host: str
    sender: str
    recipients: tuple[str, ...]
    port: int = 587
    security: MailSecurity = MailSecurity.STARTTLS
    username: str = ""
    password: str = field(default="", repr=False, metadata=_SECRET)

    def check(self) -> None:
        """Raises FIELD_INVALID."""
        _text("host", self.host, required=True)
        if not 1 <= self.port <= 65_535:
            raise invalid("port", "must be 1 to 65535")
        _text("username", self.username)
        _text("password", self.password)
        if bool(self.username) != bool(self.password):
            raise invalid("password", "goes together with a username")
        if self.password and self.security is MailSecurity.NONE:
            raise invalid("security", "a password is not sent over a connection that is not encrypted")
        _mail_address("sender", self.sender)
        if not 1 <= len(self.recipients) <= RECIPIENTS_MAX:
            raise invalid("recipients", f"there are 1 to {RECIPIENTS_MAX}")
        for recipient in self.recipients:
            _mail_address("recipients", recipient)


@dataclass(frozen=True, slots=True)
class SlackConfig:
    """An incoming webhook, or a bot's token and a channel: then messages are updated where they stand."""

    channel: str = ""
    webhook_url: str = field(default="", repr=False, metadata=_SECRET)
    bot_token: str = field(default="", repr=False, metadata=_SECRET)

    def check(self) -> None:
        """Raises FIELD_INVALID."""
        if bool(self.webhook_url) == bool(self.bot_token):
            raise invalid("slack", "takes either a webhook_url or a bot_token")
        if self.webhook_url:
            _url("webhook_url", self.webhook_url)
        _text("bot_token", self.bot_token)
        _text("channel", self.channel, required=bool(self.bot_token))


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """An address that gets JSON, signed with every secret that is set: the new one and, for a while, the one before."""

    url: str
    form: PayloadForm = PayloadForm.ASSAY
    signing_secrets: tuple[str, ...] = field(default=(), repr=False, metadata=_SECRET)
    authorization: str = field(default="", repr=False, metadata=_SECRET)

    def check(self) -> None:
        """Raises FIELD_INVALID."""
        _url("url", self.url)
        _text("authorization", self.authorization)
        if len(self.signing_secrets) > SIGNING_SECRETS_MAX:
            raise invalid("signing_secrets", f"there are at most {SIGNING_SECRETS_MAX}")
        for secret in self.signing_secrets:
            if len(signing_key(secret)) < SIGNING_KEY_BYTES_MIN:
                raise invalid("signing_secrets", f"a secret is whsec_ and at least {SIGNING_KEY_BYTES_MIN} bytes in base64")


@dataclass(frozen=True, slots=True)
class PagerDutyConfig:
    """An integration of the Events API, version 2."""

    routing_key: str = field(repr=False, metadata=_SECRET)

    def check(self) -> None:
        """Raises FIELD_INVALID."""
        _text("routing_key", self.routing_key, required=True)


@dataclass(frozen=True, slots=True)
class TeamsConfig:
    """A workflow of Microsoft Teams that takes adaptive cards."""

    webhook_url: str = field(repr=False, metadata=_SECRET)

    def check(self) -> None:
        """Raises FIELD_INVALID."""
        _url("webhook_url", self.webhook_url)


@dataclass(frozen=True, slots=True)
class AlertmanagerConfig:
    """Where an Alertmanager is, such as https://alertmanager.example.com, and the header that it wants."""

    url: str
    authorization: str = field(default="", repr=False, metadata=_SECRET)

    def check(self) -> None:
        """Raises FIELD_INVALID."""
        _url("url", self.url)
        if urlsplit(self.url).query or urlsplit(self.url).fragment:
            raise invalid("url", "is the address without what is behind a ? or #")
        _text("authorization", self.authorization)


Config: TypeAlias = EmailConfig | SlackConfig | WebhookConfig | PagerDutyConfig | TeamsConfig | AlertmanagerConfig
CONFIG_TYPES: Mapping[str, type[Config]] = {
    "email": EmailConfig,
    "slack": SlackConfig,
    "webhook": WebhookConfig,
    "pager_duty": PagerDutyConfig,
    "teams": TeamsConfig,
    "alertmanager": AlertmanagerConfig,
}


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody who is told. Templates replace the subject and the text that Assay writes; empty: they do not."""

    receiver_id: str
    config: Config
    display_name: str = ""
    hears_end: bool = True
    rate_per_min: int = DEFAULT_RATE_PER_MIN
    subject_template: str = ""
    text_template: str = ""

    @property
    def kind(self) -> str:
        """The name of its sort of channel."""
        return next(name for name, made in CONFIG_TYPES.items() if isinstance(self.config, made))

    @property
    def audience(self) -> Audience:
        """What it wants to hear: of acknowledgements those that show an alert's state, and those that are programs."""
        shows_state = isinstance(self.config, PagerDutyConfig | WebhookConfig)
        return Audience(self.hears_end, hears_acknowledgement=shows_state or bool(getattr(self.config, "bot_token", "")))


def check_receiver(receiver: Receiver) -> Receiver:
    """The receiver, if there can be one like that. Raises FIELD_INVALID; templates are looked at where they are made."""
    if not RECEIVER_ID.fullmatch(receiver.receiver_id):
        raise invalid("receiver_id", "has 1 to 64 of [a-z0-9_.-] and begins with a letter or digit")
    if len(receiver.display_name) > DISPLAY_NAME_LENGTH_MAX:
        raise invalid("display_name", f"has at most {DISPLAY_NAME_LENGTH_MAX} characters")
    if not 1 <= receiver.rate_per_min <= RATE_MAX_PER_MIN:
        raise invalid("rate_per_min", f"must be 1 to {RATE_MAX_PER_MIN}")
    receiver.config.check()
    return receiver


def secret_names(config: type[Config]) -> tuple[str, ...]:
    """The fields of a config that are never shown."""
    return tuple(each.name for each in fields(config) if each.metadata.get("is_secret"))


def with_kept_secrets(config: Config, before: Config) -> Config:
    """The config with the secrets of the one before where it has none of its own, if both are of one sort."""
    if type(config) is not type(before):
        return config
    kept: dict[str, Any] = {name: getattr(before, name) for name in secret_names(type(config)) if not getattr(config, name)}
    if isinstance(config, SlackConfig) and (config.webhook_url or config.bot_token):
        kept = {}  # the one takes the place of the other
    return replace(config, **kept)


def moves_secrets(config: Config, before: Config) -> bool:
    """Whether secrets that were kept would go to another place than they were given for: then they must be given again."""
    if isinstance(config, EmailConfig) and isinstance(before, EmailConfig):
        return bool(before.password) and config.password == before.password and _place(config) != _place(before)
    if isinstance(config, WebhookConfig | AlertmanagerConfig) and isinstance(before, WebhookConfig | AlertmanagerConfig):
        return bool(before.authorization) and config.authorization == before.authorization and config.url != before.url
    return False


def _place(config: EmailConfig) -> tuple[object, ...]:
    return config.host, config.port, config.security, config.username


def receiver_unknown(receiver_id: str) -> AssayError:
    """The refusal of a receiver that the project has not."""
    return AssayError(Kind.NOT_FOUND, "RECEIVER_UNKNOWN", "the project has no such receiver", details={"receiver_id": receiver_id[:64]})


def signing_key(secret: str) -> bytes:
    """The key of a signing secret, empty for what is none."""
    encoded = secret.removeprefix(SIGNING_PREFIX)
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True) if secret.startswith(SIGNING_PREFIX) else b""
    except binascii.Error:
        return b""


def _text(name: str, value: str, *, required: bool = False) -> None:
    """Printable and without a line's end, so that it can stand in a head of mail or HTTP."""
    if (required and not value) or len(value) > TEXT_LENGTH_MAX or not value.isprintable():
        raise invalid(name, f"must have {'1' if required else '0'} to {TEXT_LENGTH_MAX} printable characters")


def _url(name: str, value: str) -> None:
    _text(name, value, required=True)
    try:
        parts = urlsplit(value)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or not value.isascii() or " " in value:
        raise invalid(name, "must be an address like https://example.com/hook, without a user or password in it")


def _mail_address(name: str, value: str) -> None:
    _text(name, value, required=True)
    try:
        parsed = Address(addr_spec=value)
    except (ValueError, IndexError, MessageError) as error:
        raise invalid(name, "must be a mail address like team@example.com") from error
    if not parsed.username or not parsed.domain or not value.isascii() or set(value) & set(' ,;:<>()[]"\\'):
        raise invalid(name, "must be a mail address like team@example.com")
