"""Mail, through a real mail server."""

import email
import email.policy
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from kit.errors import AssayError
from services.alerter.channels import email as email_channel
from services.alerter.channels.email import EmailChannel, mail_of
from services.alerter.domain.notification.address import parse_networks
from services.alerter.domain.notification.delivery import Attachment, Refused, Retry, Sent
from services.alerter.domain.notification.group import MessageKind
from services.alerter.domain.notification.receiver import EmailConfig, MailSecurity, Receiver, check_receiver
from services.alerter.render.chart import Chart, drawn
from tests.alerter.notify.messages import DELIVERY_ID, document, outgoing
from tests.alerter.notify.servers import HANG, http_receiver, mail_server
from tests.certificates import Authority

LOOPBACK = parse_networks("127.0.0.1,::1")
USER, PASSWORD = "assay", "pa55word"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs the mail server's certificate."""
    return Authority(tmp_path_factory.mktemp("mail"), "mail")


@pytest.fixture(scope="module")
def server_context(authority: Authority) -> ssl.SSLContext:
    """What the mail server shows."""
    files = authority.server_files()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context


@pytest.fixture
def channel(authority: Authority) -> EmailChannel:
    """Mail that trusts the authority, and may reach loopback."""
    return EmailChannel(LOOPBACK, ssl.create_default_context(cafile=authority.path))


def config(port: int = 25, **fields: Any) -> EmailConfig:
    values: dict[str, Any] = {"host": "127.0.0.1", "port": port, "sender": "assay@example.com", "recipients": ("team@example.com",)}
    return EmailConfig(**(values | fields))


def parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


async def test_mail_goes_by_starttls_with_authentication(channel: EmailChannel, server_context: ssl.SSLContext) -> None:
    async with mail_server(server_context, user=USER, password=PASSWORD) as box:
        message, receiver = outgoing(config(box.port, username=USER, password=PASSWORD))
        result = await channel.send(message, receiver)
    assert isinstance(result, Sent), result
    mail = parsed(box.mails[0])
    assert (mail["Subject"], mail["To"], mail["Message-ID"]) == ("Alert: slow · openai", "team@example.com", f"<{DELIVERY_ID}@example.com>")
    assert result.reference == mail["Message-ID"] and mail["Auto-Submitted"] == "auto-generated"
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None and "observed: 4.2 s" in text.get_content() and "https://assay.test/links/ack" in text.get_content()
    assert html is not None and "&lt;b&gt;4.2 s&lt;/b&gt;" in html.get_content() and "<b>4.2" not in html.get_content()


def test_a_chart_is_a_part_of_the_mail_that_its_html_shows() -> None:
    message, receiver = outgoing(config(), chart=Chart(drawn([1.0, float("nan"), 3.0, 2.5], 2.0), "1 s to 3 s <now>"))
    assert isinstance(receiver.config, EmailConfig)
    mail = parsed(mail_of(message, receiver.config).as_bytes())
    html = mail.get_body(("html",))
    assert html is not None and 'src="cid:chart"' in html.get_content() and "1 s to 3 s &lt;now&gt;" in html.get_content()
    (picture,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert picture["Content-ID"] == "<chart>" and picture.get_content().startswith(b"\x89PNG")


async def test_mail_goes_by_tls_from_the_first_byte(channel: EmailChannel, server_context: ssl.SSLContext) -> None:
    async with mail_server(server_context, user=USER, password=PASSWORD, is_tls=True) as box:
        sending = config(box.port, username=USER, password=PASSWORD, security=MailSecurity.TLS)
        assert isinstance(await channel.send(*outgoing(sending)), Sent)
    assert len(box.mails) == 1


async def test_a_server_without_starttls_gets_nothing(channel: EmailChannel) -> None:
    async with mail_server(None) as box:
        assert isinstance(await channel.send(*outgoing(config(box.port))), Retry)
        assert isinstance(await channel.send(*outgoing(config(box.port, security=MailSecurity.NONE))), Sent)
    assert len(box.mails) == 1


async def test_a_certificate_of_a_stranger_gets_nothing(server_context: ssl.SSLContext) -> None:
    async with mail_server(server_context) as box:
        assert isinstance(await EmailChannel(LOOPBACK).send(*outgoing(config(box.port))), Retry)
    assert box.mails == []


async def test_a_wrong_password_is_refused_and_not_told(channel: EmailChannel, server_context: ssl.SSLContext) -> None:
    async with mail_server(server_context, user=USER, password=PASSWORD) as box:
        result = await channel.send(*outgoing(config(box.port, username=USER, password="wr0ng-one")))
    assert isinstance(result, Refused) and "535" in result.reason and "wr0ng" not in result.reason


@pytest.mark.parametrize(
    ("refusals", "data_answer", "kind"),
    [
        ({"team@example.com": "450 later"}, "250 taken", Retry),
        ({"team@example.com": "550 nobody here"}, "250 taken", Refused),
        ({}, "451 try later", Retry),
        ({}, "554 spam", Refused),
    ],
)
async def test_codes_say_whether_it_is_worth_trying_again(
    channel: EmailChannel, refusals: dict[str, str], data_answer: str, kind: type
) -> None:
    async with mail_server(None) as box:
        box.refusals, box.data_answer = refusals, data_answer
        result = await channel.send(*outgoing(config(box.port, security=MailSecurity.NONE)))
    assert isinstance(result, kind)


async def test_one_recipient_that_is_gone_does_not_keep_the_others_from_being_told(channel: EmailChannel) -> None:
    async with mail_server(None) as box:
        box.refusals = {"gone@example.com": "550 nobody here"}
        sending = config(box.port, security=MailSecurity.NONE, recipients=("gone@example.com", "team@example.com"))
        result = await channel.send(*outgoing(sending))
    assert isinstance(result, Sent) and "gone@example.com" in result.detail
    assert box.recipients == [["team@example.com"]]


async def test_a_server_that_hangs_or_is_not_there_may_come_back(channel: EmailChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email_channel, "SEND_TIMEOUT_S", 0.2)
    async with http_receiver(HANG) as server:  # waits for a request as HTTP has it, and says nothing
        assert isinstance(await channel.send(*outgoing(config(server.port))), Retry)
    assert isinstance(await channel.send(*outgoing(config(server.port))), Retry)


async def test_a_mail_server_inside_has_to_be_allowed() -> None:
    result = await EmailChannel(()).send(*outgoing(config(25, host="localhost")))
    assert isinstance(result, Refused) and "ASSAY_ALERTER_ALLOWED_TARGETS" in result.reason


def test_mails_of_a_group_answer_the_first_and_keep_its_subject() -> None:
    first = mail_of(outgoing(config())[0], config())
    later = mail_of(outgoing(config(), MessageKind.RESOLVED, str(first["Message-ID"]))[0], config())
    assert first["References"] is None
    assert later["References"] == later["In-Reply-To"] == first["Message-ID"]
    assert first["Subject"] == later["Subject"]


def test_a_document_comes_with_its_attachments() -> None:
    mail = mail_of(document(config(), (Attachment("week.csv", "text/csv", b"a,b\n"),))[0], config())
    assert mail["Subject"] == "Weekly report"
    ((name, content),) = [(part.get_filename(), part.get_payload(decode=True)) for part in mail.iter_attachments()]
    assert (name, content) == ("week.csv", b"a,b\n")


@pytest.mark.parametrize(
    "change",
    [
        {"sender": "a@b.c\r\nBcc: all@example.com"},
        {"sender": "Assay <a@example.com>"},
        {"recipients": ("team@example.com\nBcc: x@example.com",)},
        {"recipients": ("a@example.com, b@example.com",)},
        {"recipients": ()},
        {"recipients": ("not an address",)},
        {"host": "mail.example.com\r\nEVIL"},
        {"port": 0},
        {"host": ""},
        {"sender": "nobody"},
        {"sender": "@example.com"},
        {"username": "only"},
        {"username": "a", "password": "b", "security": MailSecurity.NONE},
    ],
)
def test_what_could_slip_into_a_mails_head_is_refused(change: dict[str, Any]) -> None:
    check_receiver(Receiver("r", config()))
    with pytest.raises(AssayError):
        check_receiver(Receiver("r", config(**change)))


@pytest.mark.parametrize("template", ["a\r\nBcc: x@example.com", "{{ title }}\n\nBody"])
def test_no_template_puts_a_second_line_into_the_head(template: str) -> None:
    mail = mail_of(outgoing(config(), subject_template=template)[0], config())
    assert "\n" not in str(mail["Subject"]) and mail["Bcc"] is None
    assert b"\r\nBcc" not in mail.as_bytes().partition(b"\r\n\r\n")[0]


def test_the_path_of_a_template_is_not_needed_to_render(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert outgoing(config())[0].html.startswith("<!doctype html>")
