"""FeedbackService: links by which people who have no key vote on an answer. A vote is evidence like any other."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import grpc.aio
from assay.collector.v1 import feedback_service_pb2 as contract
from assay.collector.v1 import feedback_service_pb2_grpc
from assay.telemetry.v1.evidence_pb2 import Evidence, Feedback
from google.protobuf.timestamp_pb2 import Timestamp

from kit import database
from kit.access import Guard, Identity, Quota, Role, project_unknown
from kit.errors import AssayError, Kind, invalid
from services.collector.domain import limits
from services.collector.domain.feedback_link import FeedbackClaim, sign, verify
from services.collector.ingest import Ingest
from services.collector.quotas import RateQuotas
from services.collector.store.projects import ProjectInfo, ProjectReader

SERVICE_NAME = contract.DESCRIPTOR.services_by_name["FeedbackService"].full_name
TITLE_BYTES_MAX = 128
COMMENT_BYTES_MAX = 1_000
VOTER_BYTES_MAX = 64
LIFETIME_DEFAULT_S = 14 * 86_400
LIFETIME_MIN_S = 60
LIFETIME_MAX_S = 90 * 86_400
# What everybody with one link together may send: a meeting votes at once, a script does not go on for long.
LINK_QUOTA = Quota(calls_per_s=1, calls_burst=60)
_RATINGS = {contract.FEEDBACK_VOTE_UP: 1.0, contract.FEEDBACK_VOTE_DOWN: 0.0}

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class FeedbackServicer(feedback_service_pb2_grpc.FeedbackServiceServicer):
    """Makes links, and takes votes from whoever has one. `keys` sign them, the first for new ones; without any there are no links."""

    def __init__(self, guard: Guard, projects: ProjectReader, ingest: Ingest, keys: tuple[bytes, ...], public_url: str) -> None:
        self._guard = guard
        self._projects = projects
        self._ingest = ingest
        self._keys = keys
        self._public_url = public_url.rstrip("/")
        self._rates = RateQuotas()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Registers the service."""
        feedback_service_pb2_grpc.add_FeedbackServiceServicer_to_server(self, server)

    async def CreateFeedbackLink(
        self, request: contract.CreateFeedbackLinkRequest, context: Context
    ) -> contract.CreateFeedbackLinkResponse:
        """Makes a link."""
        with database.away_is_unavailable():
            project = await self._project(await self._guard.admit(context, Role.RECORD, request.project))
        claim = _claim(request, project.project, datetime.now(UTC))
        if not self._keys:
            message = "set ASSAY_SECRETS_KEY or ASSAY_SECRETS_KEY_FILE for the collector's front, so that links can be signed"
            raise AssayError(Kind.FAILED_PRECONDITION, "SECRETS_KEY_MISSING", message)
        token = sign(claim, self._keys[0])
        url = f"{self._public_url}/feedback/{token}" if self._public_url else ""
        return contract.CreateFeedbackLinkResponse(token=token, url=url, expire_time=_timestamp(claim.expire_time))

    async def GetFeedbackLink(self, request: contract.GetFeedbackLinkRequest, _context: Context) -> contract.GetFeedbackLinkResponse:
        """Tells what a link is about."""
        claim = verify(request.token, self._keys, datetime.now(UTC))
        response = contract.GetFeedbackLinkResponse(
            project=claim.project, title=claim.title or claim.subject_id, expire_time=_timestamp(claim.expire_time)
        )
        setattr(response, "task_id" if claim.is_task else "call_id", claim.subject_id)
        return response

    async def UseFeedbackLink(self, request: contract.UseFeedbackLinkRequest, _context: Context) -> contract.UseFeedbackLinkResponse:
        """Records a vote."""
        now = datetime.now(UTC)
        claim = verify(request.token, self._keys, now)
        piece = _vote(request, claim, now)
        with database.away_is_unavailable():
            project = await self._project(claim.project)
        link = f"link {hashlib.blake2b(request.token.encode(), digest_size=12).hexdigest()}"
        holder = Identity(link, claim.project, frozenset(), claim.expire_time, LINK_QUOTA)
        self._rates.admit(holder, claim.project, project.quota, 1)
        recorded = await self._ingest.record_evidence(claim.project, f"link-{secrets.token_hex(16)}".encode(), [piece.SerializeToString()])
        for refusal in recorded.refusals:
            raise invalid(refusal.fault.field, refusal.fault.message)
        return contract.UseFeedbackLinkResponse()

    async def _project(self, name: str) -> ProjectInfo:
        project = await self._projects.find(name)
        if project is None:
            raise project_unknown(name)
        return project


def _claim(request: contract.CreateFeedbackLinkRequest, project: str, now: datetime) -> FeedbackClaim:
    field = request.WhichOneof("subject")
    if field is None:
        raise invalid("subject", "name a call or a task")
    lifetime_s = request.lifetime.seconds if request.HasField("lifetime") else LIFETIME_DEFAULT_S
    if not LIFETIME_MIN_S <= lifetime_s <= LIFETIME_MAX_S:
        raise invalid("lifetime", "must be a minute to 90 days")
    title = _text("title", request.title, TITLE_BYTES_MAX)
    if not title.isprintable():
        raise invalid("title", "must be one line of plain text")
    subject_id = _text(field, getattr(request, field), limits.ID_BYTES_MAX, is_required=True)
    return FeedbackClaim(project, field == "task_id", subject_id, title, now + timedelta(seconds=lifetime_s))


def _vote(request: contract.UseFeedbackLinkRequest, claim: FeedbackClaim, now: datetime) -> Evidence:
    """The vote as a piece of evidence. Of several of one voter the collector and the analyzer take the newest, as of any rater."""
    if request.vote not in _RATINGS:
        raise invalid("vote", "name up or down")
    voter = _text("voter", request.voter, VOTER_BYTES_MAX, is_required=True)
    rater = hashlib.blake2b(f"{claim.project}\0{claim.subject_id}\0{voter}".encode(), digest_size=8).hexdigest()
    comment = _text("comment", request.comment, COMMENT_BYTES_MAX)
    piece = Evidence(
        evidence_id=f"link-{secrets.token_hex(16)}",
        observe_time=_timestamp(now),
        feedback=Feedback(rating_ratio=_RATINGS[request.vote], rater=f"link {rater}", comment=comment),
    )
    setattr(piece, "task_id" if claim.is_task else "call_id", claim.subject_id)
    return piece


def _text(field: str, text: str, bytes_max: int, *, is_required: bool = False) -> str:
    if "\0" in text or len(text.encode()) > bytes_max:
        raise invalid(field, f"at most {bytes_max} bytes, and no U+0000")
    if is_required and not text:
        raise invalid(field, "must not be empty")
    return text


def _timestamp(time: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp
