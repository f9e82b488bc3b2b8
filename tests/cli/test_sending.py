"""When a batch is sent again."""

import grpc
import pytest

from cli.work.sending import may_retry
from kit.errors import AssayError, Kind


@pytest.mark.parametrize(
    ("kind", "reason", "retry_after_s", "expected"),
    [
        (Kind.UNAVAILABLE, "BUS_UNAVAILABLE", 1.0, True),
        (Kind.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE.name, None, True),
        (Kind.DEADLINE_EXCEEDED, grpc.StatusCode.DEADLINE_EXCEEDED.name, None, True),
        (Kind.RESOURCE_EXHAUSTED, "STREAM_FULL", 2.0, True),
        (Kind.RESOURCE_EXHAUSTED, "BATCH_TOO_LARGE", None, False),
        (Kind.UNAVAILABLE, grpc.StatusCode.INTERNAL.name, None, False),
        (Kind.UNAUTHENTICATED, "KEY_INVALID", None, False),
        (Kind.PERMISSION_DENIED, "ROLE_MISSING", None, False),
        (Kind.NOT_FOUND, "PROJECT_UNKNOWN", None, False),
    ],
)
def test_a_batch_is_sent_again_where_that_can_help(kind: Kind, reason: str, retry_after_s: float | None, expected: bool) -> None:
    assert may_retry(AssayError(kind, reason, "…", retry_after_s=retry_after_s)) is expected
