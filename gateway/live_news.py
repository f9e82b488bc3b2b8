"""News of one project, as texts: each is told once. Who comes later, or may have missed some, is told to list what there is."""

import json
from collections.abc import Callable
from typing import Any

from gateway.messages import Json
from kit.errors import AssayError


class LiveNews:
    """What is told of one kind of thing; or why that is not known."""

    def __init__(self, content: Callable[[Any], Json], nothing: Any) -> None:
        """`content` makes the event's own fields of a response; `nothing` is a response that tells of none."""
        self._content = content
        self._nothing = nothing
        self._reason: str | None = None
        self.is_known = False

    def apply(self, response: Any) -> str:
        """Takes in what is new; returns it as the event's data."""
        self._reason, self.is_known = None, True
        return self._event(response, list_again=response.list_again)

    def lose(self, error: AssayError) -> str | None:
        """Takes in that the service is away; the event's data, None where that was told already."""
        if self.is_known and self._reason == error.reason:
            return None
        self._reason, self.is_known = error.reason, True
        return self.snapshot()

    def snapshot(self) -> str:
        """What a newcomer is told, as the event's data."""
        return self._event(self._nothing, list_again=True)

    def _event(self, response: Any, *, list_again: bool) -> str:
        state = {"is_available": self._reason is None, "reason": self._reason, "list_again": list_again}
        return json.dumps(state | self._content(response), separators=(",", ":"))
