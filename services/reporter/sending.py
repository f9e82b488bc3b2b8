"""Has reports delivered to receivers of their project, by the alerter."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from assay.alerter.v1.receiver_service_pb2 import Attachment, DeliverRequest

from kit.errors import AssayError, Kind
from services.reporter.domain.report_link import ReportLink, sign
from services.reporter.neighbours import Alerter
from services.reporter.render.mail import Mail
from services.reporter.rendering import Rendering
from services.reporter.store.reports import ReportStore, StoredReport, report_unknown

LINKS_PATH = "/links/reports"
# Refusals that may pass.
PASSING = frozenset({Kind.UNAVAILABLE, Kind.RESOURCE_EXHAUSTED, Kind.DEADLINE_EXCEEDED})


class Sending:
    """Delivers reports. The same report to the same receiver is delivered once, however often it is asked for."""

    def __init__(
        self, alerter: Alerter | None, reports: ReportStore, rendering: Rendering, *, public_url: str, link_lifetime: timedelta
    ) -> None:
        self._alerter = alerter
        self._reports = reports
        self._rendering = rendering
        self._public_url = public_url.rstrip("/")
        self._link_lifetime = link_lifetime

    def url_of(self, token: str) -> str:
        """The address behind a link's token; empty where it is not known where people reach us."""
        return f"{self._public_url}{LINKS_PATH}/{token}" if self._public_url else ""

    async def send(self, report: StoredReport, receiver_ids: Sequence[str]) -> list[str]:
        """Delivers to each receiver; returns the deliveries' ids. Raises the first refusal when all others have been tried."""
        if self._alerter is None:
            raise AssayError(Kind.FAILED_PRECONDITION, "ALERTER_MISSING", "there is no alerter, which delivers reports")
        url = await self._link(report)
        mail = await self._rendering.mail(report.project, report.report_id, url)
        delivery_ids: list[str] = []
        refused: AssayError | None = None
        for receiver_id in receiver_ids:
            try:
                delivery_ids.append(await self._deliver(self._alerter, report, mail, receiver_id))
            except AssayError as error:
                # What passes is told before what does not: it is tried again, and then the other is told.
                if refused is None or error.kind in PASSING:
                    refused = AssayError(error.kind, error.reason, f"{receiver_id}: {error.message}", details=error.details)
        if refused is not None:
            raise refused
        return delivery_ids

    async def _link(self, report: StoredReport) -> str:
        """The same at each try: a delivery may not change under its id."""
        key = await self._reports.link_key(report.project, report.report_id)
        if key is None:
            raise report_unknown()
        return self.url_of(sign(ReportLink(report.project, report.report_id, report.create_time + self._link_lifetime), key))

    async def _deliver(self, alerter: Alerter, report: StoredReport, mail: Mail, receiver_id: str) -> str:
        request = DeliverRequest(
            project=report.project,
            delivery_id=f"report-{hashlib.blake2b(report.report_id.encode(), digest_size=16).hexdigest()}",
            receiver_ids=[receiver_id],
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            attachments=[Attachment(name=each.name, content_type=each.content_type, content=each.content) for each in mail.pictures],
        )
        (delivery,) = await alerter.deliver(request)
        return delivery.delivery_id
