"""The one error that Assay raises on purpose. Knows nothing of gRPC or HTTP, so that domain code may raise it."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class Kind(Enum):
    """What sort of failure it is; the same list as gRPC's status codes, as far as Assay uses them."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    UNAVAILABLE = "UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"


class AssayError(Exception):
    """A refusal with a reason that a program can act on and a sentence that says what to do.

    `reason` is UPPER_SNAKE_CASE and part of the contract. `details` names what was wrong (field, limit, value).
    `retry_after_s` is set where trying again later is the remedy.
    """

    def __init__(
        self,
        kind: Kind,
        reason: str,
        message: str,
        *,
        details: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.reason = reason
        self.message = message
        self.details: Mapping[str, str] = MappingProxyType(dict(details or {}))
        self.retry_after_s = retry_after_s


def invalid(field: str, message: str, reason: str = "FIELD_INVALID") -> AssayError:
    """An INVALID_ARGUMENT that names the field at fault."""
    return AssayError(Kind.INVALID_ARGUMENT, reason, f"{field}: {message}", details={"field": field})
