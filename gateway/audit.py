"""One audit log of those that several services keep: their pages put together by time."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import islice

from assay.access.v1.access_service_pb2 import AuditEvent, ListAuditEventsRequest
from assay.alerter.v1.audit_service_pb2 import ListAuditEventsRequest as ListAlerterAuditEventsRequest

from gateway.alerter import Alerter
from gateway.collector import Collector
from gateway.messages import Json, audit_event
from kit import paging
from kit.errors import AssayError, Kind, invalid

PAGE_DEFAULT = 100
PAGE_MAX = 1_000
COLLECTOR, ALERTER = "collector", "alerter"
# While the alerter is away, the log of projects and keys can be read nonetheless.
_AWAY = frozenset({Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED})


@dataclass(frozen=True, slots=True)
class _Part:
    """A page of one service's log, the latest first, and where the next one begins: None behind the last."""

    events: list[AuditEvent]
    next_token: str | None


class AuditLog:
    """Asks in the name of one caller."""

    def __init__(self, collector: Collector, alerter: Alerter, secret: str) -> None:
        self._collector = collector
        self._alerter = alerter
        self._secret = secret

    async def page(self, project: str, page_size: int, page_token: str) -> Json:
        """The answer of GET /audit. The installation's own log is the collector's alone."""
        size = paging.page_size(page_size, PAGE_DEFAULT, PAGE_MAX)
        tokens = _tokens(page_token, project)
        parts: dict[str, _Part] = {}
        missing: list[str] = []
        if (token := tokens.get(COLLECTOR)) is not None:
            parts[COLLECTOR] = await self._of_collector(project, size, token)
        if (token := tokens.get(ALERTER)) is not None and await self._is_of_project(project):
            try:
                parts[ALERTER] = await self._of_alerter(project, size, token)
            except AssayError as error:
                if error.kind not in _AWAY:
                    raise
                missing.append(ALERTER)
        # Each log stays in its own order, so that what is shown of it is its beginning.
        named = ([(event, name) for event in part.events] for name, part in parts.items())
        shown = list(islice(merge(*named, key=_time, reverse=True), size))
        counts = Counter(name for _, name in shown)
        rest = {name: _rest(part, counts[name], tokens[name]) for name, part in parts.items()}
        following: dict[str, paging.Position] = {name: token for name, token in rest.items() if token is not None}
        return {
            "events": [audit_event(event) for event, _ in shown],
            "next_page_token": paging.encode_token(_query(project), following) if following else "",
            "missing_sources": missing,
        }

    async def _is_of_project(self, project: str) -> bool:
        return bool(project) or (await self._collector.keys.check(self._secret)).project is not None

    async def _of_collector(self, project: str, size: int, token: str) -> _Part:
        question = ListAuditEventsRequest(project=project, page_size=size, page_token=token)
        response = await self._collector.ask(self._collector.access.ListAuditEvents, question, self._secret)
        return _Part(list(response.events), response.next_page_token or None)

    async def _of_alerter(self, project: str, size: int, token: str) -> _Part:
        question = ListAlerterAuditEventsRequest(project=project, page_size=size, page_token=token)
        response = await self._alerter.ask(self._alerter.audit.ListAuditEvents, question, self._secret)
        return _Part(list(response.events), response.next_page_token or None)


def _tokens(page_token: str, project: str) -> Mapping[str, str]:
    """Where the page begins in each log that is not at its end. Raises PAGE_TOKEN_INVALID."""
    if not page_token:
        return {COLLECTOR: "", ALERTER: ""}
    position = paging.decode_token(page_token, _query(project))
    if not isinstance(position, dict):
        raise _token_invalid()
    found = {name: token for name, token in position.items() if isinstance(token, str)}
    if len(found) != len(position):
        raise _token_invalid()
    return found


def _rest(part: _Part, count: int, begun_at: str) -> str | None:
    """Where this log goes on behind the events of it that are shown; None at its end."""
    if count == len(part.events):
        return part.next_token
    return part.events[count - 1].page_token if count else begun_at


def _time(named: tuple[AuditEvent, str]) -> int:
    return int(named[0].time.ToNanoseconds())


def _query(project: str) -> str:
    return f"audit {project}"


def _token_invalid() -> AssayError:
    return invalid("page_token", "not a token of this query; start again without one", "PAGE_TOKEN_INVALID")
