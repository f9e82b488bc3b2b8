"""A hub's frames as an HTTP answer that lasts: heartbeats, and an end for readers that are gone or take nothing."""

import json

from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse, SendTimeoutError
from starlette.types import Receive, Scope, Send

from gateway.hub import Hub
from gateway.hubs import Hubs
from kit import logs

_log = logs.get_logger(__name__)


class LiveStream(EventSourceResponse):
    """One reader of a hub that was joined for it; leaves the hub however the answer ends."""

    media_type = "text/event-stream"

    def __init__(self, hubs: Hubs, hub: Hub, last_event_id: str, *, heartbeat_s: float, send_timeout_s: float) -> None:
        # An event and no comment: a page can only tell a dead connection from a silent one by what it is told of. It has no id, so that
        # who comes back continues after the last event of the hub.
        heartbeat = json.dumps({"interval_s": heartbeat_s})
        super().__init__(
            hub.read(last_event_id),
            ping=heartbeat_s,
            ping_message_factory=lambda: ServerSentEvent(heartbeat, event="heartbeat", sep="\n"),
            send_timeout=send_timeout_s,
        )
        self._hubs = hubs
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until the reader leaves, the hub ends, or nothing was taken for the time allowed."""
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            _log.info("live stream given up: its reader takes nothing")
        finally:
            self._hubs.leave(self._hub)
