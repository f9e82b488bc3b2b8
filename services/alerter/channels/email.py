"""Mail by SMTP."""

import asyncio
import ssl
from collections.abc import Sequence
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import quote

import aiosmtplib

from kit.errors import AssayError
from services.alerter.channels.channel import SEND_TIMEOUT_S
from services.alerter.channels.targets import connected_socket
from services.alerter.domain.notification.address import Network
from services.alerter.domain.notification.delivery import Refused, Result, Retry, Sent, shown_detail
from services.alerter.domain.notification.receiver import EmailConfig, MailSecurity, Receiver
from services.alerter.render.outgoing import Outgoing
from services.alerter.render.rendering import CHART_ID


class EmailChannel:
    """Sends each mail over a connection of its own. `context` is what servers' certificates are checked with."""

    def __init__(self, allowed: Sequence[Network], context: ssl.SSLContext | None = None) -> None:
        self._allowed = allowed
        self._context = context or ssl.create_default_context()

    async def send(self, message: Outgoing, receiver: Receiver) -> Result:
        """Sends once. A mail that was taken for some recipients counts as sent; the others are named in the detail."""
        config = receiver.config
        assert isinstance(config, EmailConfig)  # noqa: S101 - the outbox gives each channel its own
        mail = mail_of(message, config)
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                refused = await self._deliver(mail, config)
        except AssayError as error:
            return Refused(error.message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [each.code for each in error.recipients]
            said = shown_detail("; ".join(f"{each.code} {each.message}" for each in error.recipients))
            return Retry(said) if any(400 <= code < 500 for code in codes) else Refused(said)
        except aiosmtplib.SMTPResponseException as error:
            said = shown_detail(f"{error.code} {error.message}")
            return Refused(said) if 500 <= error.code < 600 else Retry(said)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return Retry(shown_detail(f"the connection failed: {error or type(error).__name__}"))
        detail = shown_detail(f"not taken for {', '.join(refused)}") if refused else "taken"
        return Sent(reference=message.reference or str(mail["Message-ID"]), detail=detail)

    async def _deliver(self, mail: EmailMessage, config: EmailConfig) -> list[str]:
        """The recipients that were refused while others were taken."""
        client = aiosmtplib.SMTP(
            hostname=config.host,
            sock=await connected_socket(config.host, config.port, self._allowed),
            username=config.username or None,
            password=config.password or None,
            local_hostname=_domain(config),
            use_tls=config.security is MailSecurity.TLS,
            start_tls=config.security is MailSecurity.STARTTLS,
            tls_context=self._context,
            timeout=SEND_TIMEOUT_S,
        )
        async with client:
            refused, _ = await client.send_message(mail, sender=config.sender, recipients=list(config.recipients))
        return sorted(refused)


def mail_of(message: Outgoing, config: EmailConfig) -> EmailMessage:
    """The mail of a message. Its id is the delivery's; all mails of a group answer the first, so that they are shown as one thread.

    Python's policy refuses a header with a line's end in it; subject and addresses were checked before.
    """
    mail = EmailMessage(policy=SMTP)
    user, _, domain = config.sender.partition("@")
    mail["From"] = MailAddress("Assay", user, domain)
    mail["To"] = ", ".join(config.recipients)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.create_time)
    mail["Message-ID"] = f"<{message.delivery_id}@{_domain(config)}>"
    mail["Auto-Submitted"] = "auto-generated"  # no answers of those who are on holiday
    mail["X-Assay-Delivery-Id"] = message.delivery_id
    if message.reference:
        mail["In-Reply-To"] = message.reference
        mail["References"] = message.reference
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
        if message.chart is not None:
            html = mail.get_body(("html",))
            assert html is not None  # noqa: S101 - added just now
            html.add_related(message.chart.png, maintype="image", subtype="png", cid=f"<{CHART_ID}>")
    for attachment in message.attachments:
        main, _, sub = attachment.content_type.partition("/")
        # By its Content-ID the HTML may show a picture: <img src="cid:NAME@assay">.
        mail.add_attachment(
            attachment.content, maintype=main, subtype=sub, filename=attachment.name, cid=f"<{quote(attachment.name)}@assay>"
        )
    return mail


def _domain(config: EmailConfig) -> str:
    return config.sender.partition("@")[2]
