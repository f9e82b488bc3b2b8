"""SourceService: what each source of calls fills in."""

from typing import Any, TypeAlias

import grpc.aio
from assay.collector.v1 import source_service_pb2 as contract
from assay.collector.v1 import source_service_pb2_grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, paging
from kit.access import Guard, Role, project_unknown
from kit.errors import invalid
from services.collector.domain.source import FIELDS, State
from services.collector.messages.listing_requests import text_of
from services.collector.store.projects import ProjectReader
from services.collector.store.sources import SourceRow, SourceStore

SERVICE_NAME = contract.DESCRIPTOR.services_by_name["SourceService"].full_name
PAGE_DEFAULT = 100
PAGE_MAX = 500

_STATES = {
    State.UNKNOWN: contract.SOURCE_FIELD_STATE_UNSPECIFIED,
    State.FILLED: contract.SOURCE_FIELD_STATE_FILLED,
    State.NEVER: contract.SOURCE_FIELD_STATE_NEVER,
    State.CEASED: contract.SOURCE_FIELD_STATE_CEASED,
}

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class SourceServicer(source_service_pb2_grpc.SourceServiceServicer):
    """Converts and delegates."""

    def __init__(self, guard: Guard, engine: AsyncEngine) -> None:
        self._guard = guard
        self._projects = ProjectReader(engine)
        self._sources = SourceStore(engine)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Registers the service."""
        source_service_pb2_grpc.add_SourceServiceServicer_to_server(self, server)

    async def ListSources(self, request: contract.ListSourcesRequest, context: Context) -> contract.ListSourcesResponse:
        """Lists the sources of a project."""
        with database.away_is_unavailable():
            name = await self._guard.admit(context, Role.READ, request.project)
            project = await self._projects.find(name)
            if project is None:
                raise project_unknown(name)
            count = paging.page_size(request.page_size, PAGE_DEFAULT, PAGE_MAX)
            sender, key_id = _position(request.page_token, name)
            found = await self._sources.page(project.project_id, sender, key_id, count + 1)
        response = contract.ListSourcesResponse(sources=map(_message, found[:count]))
        if len(found) > count:
            response.next_page_token = paging.encode_token(name, [found[count - 1].sender, found[count - 1].key_id])
        return response


def _position(token: str, project: str) -> tuple[str, str]:
    """Name and key of the last source of the page before. A token may have been changed, but never to another list."""
    match paging.decode_token(token, project) if token else ["", ""]:
        case [str(sender), str(key_id)]:
            return text_of(sender, "page_token"), text_of(key_id, "page_token")
    raise invalid("page_token", "not a token of this query; start again without one", "PAGE_TOKEN_INVALID")


def _message(row: SourceRow) -> contract.Source:
    tally = row.tally
    source = contract.Source(sender=row.sender, version=tally.version, key_id=row.key_id, call_count=tally.call_count)
    source.first_time.FromDatetime(tally.first_time)
    source.last_time.FromDatetime(tally.last_time)
    for meaning, field in zip(FIELDS, tally.fields, strict=True):
        told = source.fields.add(
            field=meaning.name,
            state=_STATES[field.state],
            call_count=field.call_count,
            filled_count=field.filled_count,
            blinds=meaning.blinds,
        )
        if field.last_fill_time is not None:
            told.last_fill_time.FromDatetime(field.last_fill_time)
    return source
