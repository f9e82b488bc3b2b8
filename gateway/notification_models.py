"""What silences, receivers and deliveries look like; see gateway/models.py."""

# ruff: noqa: RUF012 - pydantic copies defaults; that these are its models is not seen across modules

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.alerter_models import Alert, Part, Text
from gateway.models import Answer, Moment

ConfigName = Literal["email", "slack", "webhook", "pager_duty", "teams", "alertmanager"]
CONFIGS: tuple[ConfigName, ...] = ("email", "slack", "webhook", "pager_duty", "teams", "alertmanager")
SilenceStateName = Literal["PENDING", "ACTIVE", "EXPIRED"]
DeliveryStateName = Literal["WAITING", "SENT", "DEAD"]
AttemptResultName = Literal["SENT", "RETRY", "REFUSED"]

Id = Annotated[str, Field(max_length=64)]
Matchers = Annotated[list[str], Field(description='As Alertmanager writes them, such as provider="openai".')]
GivenMoment = Annotated[str, Field(max_length=64, description="RFC 3339, seconds since 1970, or now.")]
Secret = Annotated[str, Field(max_length=8_192, json_schema_extra={"writeOnly": True})]
Template = Annotated[str, Field(max_length=8_192)]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]


class SilenceBody(Part):
    """A silence to be made under an id that the caller chooses. Without a start it begins now."""

    silence_id: Id
    matchers: Matchers
    author: Text
    comment: Text = ""
    start_time: GivenMoment = ""
    end_time: GivenMoment


class SilenceChange(Part):
    """A new end, which ends it at once if it is `now`, or a new reason."""

    end_time: GivenMoment = ""
    comment: Text | None = None


class Silence(Answer):
    """A silence as it is now."""

    silence_id: str
    matchers: list[str]
    author: str
    comment: str
    start_time: Moment
    end_time: Moment
    state: SilenceStateName


class SilencesPage(Answer):
    """A page of silences by id; the token is empty on the last one."""

    silences: list[Silence]
    next_page_token: str


class PreviewBody(Part):
    """Matchers, before there is a silence."""

    matchers: Matchers


class SilencePreview(Answer):
    """The open alerts that they hit: the first 100, and how many there are."""

    alerts: list[Alert]
    alert_count: int


class Email(Part):
    """A mail server and who gets the mail. Without a port 587, without a security STARTTLS."""

    host: Text
    port: Number = 0
    security: Literal["STARTTLS", "TLS", "NONE"] | None = None
    username: Text = ""
    sender: Text
    recipients: list[Text]


class EmailBody(Email):
    """The same with its secret."""

    password: Secret = ""


class Slack(Part):
    """The channel of a bot; empty for an incoming webhook."""

    channel: Text = ""


class SlackBody(Slack):
    """The same with its secrets, of which one is used."""

    webhook_url: Secret = ""
    bot_token: Secret = ""


class Webhook(Part):
    """An address that gets JSON."""

    url: Text
    form: Literal["ASSAY", "ALERTMANAGER"] | None = None


class WebhookBody(Webhook):
    """The same with its secrets."""

    signing_secrets: list[Secret] = []
    authorization: Secret = ""


class PagerDuty(Part):
    """An integration of the Events API, version 2; all of it is secret."""


class PagerDutyBody(PagerDuty):
    """The same with its secret."""

    routing_key: Secret = ""


class Teams(Part):
    """A workflow that takes adaptive cards; all of it is secret."""


class TeamsBody(Teams):
    """The same with its secret."""

    webhook_url: Secret = ""


class Alertmanager(Part):
    """An Alertmanager of Prometheus, which tells of alerts by its own routes."""

    url: Text


class AlertmanagerBody(Alertmanager):
    """The same with its secret."""

    authorization: Secret = ""


class _ReceiverFields(Part):
    receiver_id: Id
    display_name: Text = ""
    is_deaf_to_ends: bool = False
    rate_per_min: Number = 0
    subject_template: Template = ""
    text_template: Template = ""


class ReceiverBody(_ReceiverFields):
    """A receiver through exactly one thing. In an update, secrets that are empty stay as they are."""

    email: EmailBody | None = None
    slack: SlackBody | None = None
    webhook: WebhookBody | None = None
    pager_duty: PagerDutyBody | None = None
    teams: TeamsBody | None = None
    alertmanager: AlertmanagerBody | None = None

    @model_validator(mode="after")
    def _one_config(self) -> Self:
        if sum(getattr(self, name) is not None for name in CONFIGS) != 1:
            raise ValueError(f"give exactly one of {', '.join(CONFIGS)}")
        return self


class Receiver(_ReceiverFields):
    """A receiver as it is kept: of its secrets there are the names of those that are set."""

    email: Email | None
    slack: Slack | None
    webhook: Webhook | None
    pager_duty: PagerDuty | None
    teams: Teams | None
    alertmanager: Alertmanager | None
    secrets_set: list[str]
    create_time: Moment
    update_time: Moment
    updated_by: str
    version: int


class ReceiversPage(Answer):
    """A page of receivers by id; the token is empty on the last one."""

    receivers: list[Receiver]
    next_page_token: str


class ReceiverTestBody(Part):
    """Unsaved edits to be tried; null is as saved."""

    receiver: ReceiverBody | None = None


class ReceiverTest(Answer):
    """What became of a sample, and what the receiver said."""

    result: AttemptResultName
    detail: str
    elapsed_s: float


class DeliveryAttempt(Answer):
    """One try; without a result it is under way, or was cut off."""

    attempt: int
    start_time: Moment
    elapsed_s: float | None
    result: AttemptResultName | None
    detail: str


class Delivery(Answer):
    """A message for one receiver, and the tries to deliver it."""

    delivery_id: str
    receiver_id: str
    group_id: str
    number: int
    title: str
    state: DeliveryStateName
    create_time: Moment
    due_time: Moment | None
    end_time: Moment | None
    attempts: list[DeliveryAttempt]


class DeliveriesPage(Answer):
    """A page of deliveries, the latest first; the token is empty on the last one."""

    deliveries: list[Delivery]
    next_page_token: str
