"""AssayError as a gRPC status with google.rpc details, and back. What the details hold is part of the contract."""

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as PackedDetail
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from kit.errors import AssayError, Kind

DOMAIN = "assay"
DETAILS_KEY = "grpc-status-details-bin"
# A status travels in trailers, for which peers grant 8 KB; over that, the caller would see another error.
MESSAGE_BYTES_MAX = 500
DETAILS_COUNT_MAX = 8
DETAIL_BYTES_MAX = 128

_KIND_OF_CODE = {grpc.StatusCode[kind.name]: kind for kind in Kind} | {
    # Codes that Assay does not use, from a proxy or from gRPC itself. All others mean that the other side failed.
    grpc.StatusCode.OUT_OF_RANGE: Kind.INVALID_ARGUMENT,
    grpc.StatusCode.UNIMPLEMENTED: Kind.FAILED_PRECONDITION,
}


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: AssayError) -> NoReturn:
    """Ends an RPC with the error."""
    status = status_of(error)
    details = ((DETAILS_KEY, status.SerializeToString()),)
    await context.abort(grpc.StatusCode[error.kind.name], status.message, details)


def status_of(error: AssayError) -> Status:
    """The status of an error: one ErrorInfo; a BadRequest when a field is at fault; a RetryInfo when to try again.

    Texts are cut to fit into trailers.
    """
    status = Status(code=grpc.StatusCode[error.kind.name].value[0], message=_cut(error.message, MESSAGE_BYTES_MAX))
    info = ErrorInfo(domain=DOMAIN, reason=error.reason, metadata=_cut_details(error.details))
    status.details.add().Pack(info)
    if error.kind is Kind.INVALID_ARGUMENT and "field" in info.metadata:
        violation = BadRequest.FieldViolation(field=info.metadata["field"])
        status.details.add().Pack(BadRequest(field_violations=[violation]))
    if error.retry_after_s is not None:
        retry = RetryInfo()
        retry.retry_delay.FromNanoseconds(round(error.retry_after_s * 1e9))
        status.details.add().Pack(retry)
    return status


def error_of(error: grpc.aio.AioRpcError) -> AssayError:
    """The AssayError that the other side raised.

    A status that is not Assay's own, such as gRPC's UNAVAILABLE when nobody listens, has its code as the reason, and
    one that Assay does not use, such as INTERNAL, has the kind that tells the caller what it can do about it.
    """
    code = error.code()
    reason = code.name
    details: dict[str, str] = {}
    retry_after_s: float | None = None
    for packed in _details_of(error):
        info, bad_request, retry = ErrorInfo(), BadRequest(), RetryInfo()
        if packed.Unpack(info) and info.domain == DOMAIN:
            reason = info.reason
            details |= info.metadata
        elif packed.Unpack(bad_request) and bad_request.field_violations:
            details.setdefault("field", bad_request.field_violations[0].field)
        elif packed.Unpack(retry):
            retry_after_s = retry.retry_delay.ToNanoseconds() / 1e9
    return AssayError(
        _KIND_OF_CODE.get(code, Kind.UNAVAILABLE),
        reason,
        error.details() or code.name,
        details=details,
        retry_after_s=retry_after_s,
    )


def _details_of(error: grpc.aio.AioRpcError) -> Iterator[PackedDetail]:
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                yield from Status.FromString(value).details
            except DecodeError:
                return


def _cut_details(details: Mapping[str, str]) -> dict[str, str]:
    first = list(details.items())[:DETAILS_COUNT_MAX]
    return {_cut(name, DETAIL_BYTES_MAX): _cut(text, DETAIL_BYTES_MAX) for name, text in first}


def _cut(text: str, bytes_max: int) -> str:
    """At most `bytes_max` bytes of UTF-8, with `?` for what UTF-8 cannot carry, such as half of a surrogate pair."""
    content = text.encode("utf-8", "replace")
    if len(content) > bytes_max:
        content = content[: bytes_max - len("…".encode())] + "…".encode()
    return content.decode("utf-8", "ignore")
