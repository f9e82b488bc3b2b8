"""Receivers as the contract has them: secrets come in, and do not go out."""

from assay.alerter.v1 import receiver_service_pb2 as contract

from kit.errors import invalid
from services.alerter.domain.notification.receiver import (
    DEFAULT_RATE_PER_MIN,
    AlertmanagerConfig,
    Config,
    EmailConfig,
    MailSecurity,
    PagerDutyConfig,
    PayloadForm,
    Receiver,
    SlackConfig,
    TeamsConfig,
    WebhookConfig,
    check_receiver,
    moves_secrets,
    secret_names,
    with_kept_secrets,
)
from services.alerter.messages.alert_messages import timestamp
from services.alerter.messages.limits import text_of
from services.alerter.render.user_template import check_template
from services.alerter.store.receivers import StoredReceiver

DEFAULT_MAIL_PORT = 587
_TEXT_BYTES_MAX = 65_536  # the domain is stricter, and counts characters


def receiver_from_message(message: contract.Receiver, before: Receiver | None = None) -> Receiver:
    """The receiver, with the secrets of the one before where it has none of its own. Raises FIELD_INVALID.

    Secrets that were kept and would go elsewhere are SECRET_NEEDED_AGAIN: or whoever may change a receiver could have them sent to himself.
    """
    config = _config(message)
    if before is not None:
        config = with_kept_secrets(config, before.config)
        if moves_secrets(config, before.config) and not _has_own_secrets(message):
            raise invalid("config", "the secret would be sent to another place: give it again", "SECRET_NEEDED_AGAIN")
    for name in ("subject_template", "text_template"):
        check_template(name, text_of(getattr(message, name), name, _TEXT_BYTES_MAX))
    return check_receiver(
        Receiver(
            receiver_id=message.receiver_id,
            config=config,
            display_name=text_of(message.display_name, "display_name", _TEXT_BYTES_MAX),
            hears_end=not message.is_deaf_to_ends,
            rate_per_min=message.rate_per_min or DEFAULT_RATE_PER_MIN,
            subject_template=message.subject_template,
            text_template=message.text_template,
        )
    )


def _has_own_secrets(message: contract.Receiver) -> bool:
    return bool(message.email.password or message.webhook.authorization or message.alertmanager.authorization)


def _config(message: contract.Receiver) -> Config:
    match message.WhichOneof("config"):
        case "email":
            return _email(message.email)
        case "slack":
            return SlackConfig(message.slack.channel, message.slack.webhook_url, message.slack.bot_token)
        case "webhook":
            return _webhook(message.webhook)
        case "pager_duty":
            return PagerDutyConfig(message.pager_duty.routing_key)
        case "teams":
            return TeamsConfig(message.teams.webhook_url)
        case "alertmanager":
            return AlertmanagerConfig(message.alertmanager.url, message.alertmanager.authorization)
    raise invalid("config", "a receiver is email, slack, webhook, pager_duty, teams or alertmanager")


def _email(message: contract.EmailConfig) -> EmailConfig:
    try:
        security = MailSecurity(message.security or MailSecurity.STARTTLS.value)
    except ValueError:
        raise invalid("security", "must be one of the contract's") from None
    return EmailConfig(
        host=message.host,
        sender=message.sender,
        recipients=tuple(message.recipients),
        port=message.port or DEFAULT_MAIL_PORT,
        security=security,
        username=message.username,
        password=message.password,
    )


def _webhook(message: contract.WebhookConfig) -> WebhookConfig:
    try:
        form = PayloadForm(message.form or PayloadForm.ASSAY.value)
    except ValueError:
        raise invalid("form", "must be one of the contract's") from None
    return WebhookConfig(message.url, form, tuple(message.signing_secrets), message.authorization)


def receiver_to_message(stored: StoredReceiver) -> contract.Receiver:
    """The receiver without its secrets."""
    receiver = stored.receiver
    message = contract.Receiver(
        receiver_id=receiver.receiver_id,
        display_name=receiver.display_name,
        secrets_set=[name for name in secret_names(type(receiver.config)) if getattr(receiver.config, name)],
        is_deaf_to_ends=not receiver.hears_end,
        rate_per_min=receiver.rate_per_min,
        subject_template=receiver.subject_template,
        text_template=receiver.text_template,
        create_time=timestamp(stored.create_time),
        update_time=timestamp(stored.update_time),
        updated_by=stored.updated_by,
        version=stored.version,
    )
    match receiver.config:
        case EmailConfig() as email:
            message.email.host, message.email.port, message.email.username = email.host, email.port, email.username
            message.email.security = contract.MailSecurity.ValueType(email.security.value)
            message.email.sender = email.sender
            message.email.recipients.extend(email.recipients)
        case SlackConfig(channel=channel):
            message.slack.channel = channel
            message.slack.SetInParent()
        case WebhookConfig(url=url, form=form):
            message.webhook.url = url
            message.webhook.form = contract.PayloadForm.ValueType(form.value)
        case PagerDutyConfig():
            message.pager_duty.SetInParent()
        case TeamsConfig():
            message.teams.SetInParent()
        case AlertmanagerConfig(url=url):
            message.alertmanager.url = url
    return message
