"""Sends a batch to the collector and says in which of four ways that ended. Knows gRPC; nothing else does."""

import contextlib
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import grpc
from assay.collector.v1.collector_service_pb2 import RecordCallsResponse, RecordEvidenceResponse, Rejection

from assay_client.lane import Batch, Kind
from assay_client.settings import Settings
from assay_client.status import read_details

# Longer than a collector under load takes; over it, the batch is sent again, with its id.
RPC_TIMEOUT_S = 10.0
_METHODS = {
    Kind.CALLS: ("/assay.collector.v1.CollectorService/RecordCalls", RecordCallsResponse),
    Kind.EVIDENCE: ("/assay.collector.v1.CollectorService/RecordEvidence", RecordEvidenceResponse),
}
_OPTIONS = (
    # A collector that restarts is back within a second or two; gRPC's own pauses would grow to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.min_reconnect_backoff_ms", 5_000),
    # Something that takes connections and never answers is noticed within half a minute.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # The collector is reached directly; a machine's proxy for the web would only get in between.
    ("grpc.enable_http_proxy", 0),
    # Nobody configures clients by DNS here; asking costs a look-up for each connection.
    ("grpc.service_config_disable_resolution", 1),
    # Channels of two clients with the same address must not share a connection, which would outlive the one before a fork.
    ("grpc.use_local_subchannel_pool", 1),
    # By which the collector tells sources of calls apart.
    ("grpc.primary_user_agent", "assay-client"),
)

# What gRPC calls its threads. They end some milliseconds after its last channel was closed, unless the application has one.
_GRPC_THREADS = frozenset({"event_engine", "lifeguard", "grpc_global_tim", "grpc_shutdown"})
_THREADS = Path("/proc/self/task")
# On a machine that is busy they take their time. Where they do not end at all, the application has channels of its own, and waiting
# longer each time would not help.
_END_TIMEOUT_S = 3.0
_END_AGAIN_TIMEOUT_S = 0.1
_END_POLL_S = 0.001
_has_waited_in_vain = False


class Verdict(Enum):
    """What became of a batch."""

    TAKEN = "taken"
    AWAY = "away"  # nobody knows, or it is to be sent later: again with the same id
    UNWELCOME = "unwelcome"  # a wrong key or address, which takes a person to mend: again, but slowly
    TOO_LARGE = "too large"  # again, in parts
    REFUSED = "refused"  # never again


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict, in words where it is a bad one, the items that were refused, and when trying again makes sense."""

    verdict: Verdict
    words: str = ""
    rejections: Sequence[Rejection] = ()
    retry_after_s: float | None = None


_VERDICTS = {
    grpc.StatusCode.UNAUTHENTICATED: Verdict.UNWELCOME,
    grpc.StatusCode.PERMISSION_DENIED: Verdict.UNWELCOME,
    grpc.StatusCode.UNIMPLEMENTED: Verdict.UNWELCOME,
    grpc.StatusCode.NOT_FOUND: Verdict.UNWELCOME,
    grpc.StatusCode.FAILED_PRECONDITION: Verdict.UNWELCOME,
    grpc.StatusCode.INVALID_ARGUMENT: Verdict.REFUSED,
    grpc.StatusCode.OUT_OF_RANGE: Verdict.REFUSED,
}
_TOO_LARGE_REASON = "BATCH_TOO_LARGE"


class Connection:
    """A channel that is made when it is needed, made anew when a TLS file has changed, and left behind by `close`.

    One thread sends. Any thread may close: what is being sent ends at once, with AWAY.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metadata = metadata_of(settings)
        self._channel: grpc.Channel | None = None
        self._marks: Sequence[object] = ()

    def send(self, batch: Batch) -> Answer:
        """Sends a batch and waits for the answer, at most RPC_TIMEOUT_S."""
        method, response_type = _METHODS[batch.kind]
        try:
            channel = self._open()
            call: Any = channel.unary_unary(method, response_deserializer=response_type.FromString)
            response = call(batch.request, timeout=RPC_TIMEOUT_S, metadata=self._metadata)
        except grpc.RpcError as error:
            return answer_of(error)
        except (OSError, ValueError) as error:  # TLS files that cannot be used; a channel that is closed meanwhile
            return Answer(Verdict.AWAY, str(error))
        return Answer(Verdict.TAKEN, rejections=response.rejections)

    def close(self) -> None:
        """Ends what is under way and the connection; gRPC's threads go with it."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def _open(self) -> grpc.Channel:
        marks = [(stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in (path.stat() for path in self._settings.tls_files)]
        if self._channel is not None and marks != self._marks:
            self.close()
        if self._channel is None:
            self._channel = new_channel(self._settings)
            self._marks = marks
        return self._channel


def metadata_of(settings: Settings) -> tuple[tuple[str, str], ...]:
    """What each RPC carries: the key, if there is one."""
    return (("authorization", f"Bearer {settings.key}"),) if settings.key else ()


def new_channel(settings: Settings, *more_options: tuple[str, int]) -> grpc.Channel:
    """A channel to the address, with TLS where the settings have it. Raises OSError where a file cannot be read."""
    options = (*_OPTIONS, *more_options)
    if settings.tls_ca is None:
        return grpc.insecure_channel(settings.url, options=options)
    credentials = grpc.ssl_channel_credentials(
        settings.tls_ca.read_bytes(),
        None if settings.tls_key is None else settings.tls_key.read_bytes(),
        None if settings.tls_certificate is None else settings.tls_certificate.read_bytes(),
    )
    name = (("grpc.ssl_target_name_override", settings.tls_server_name),) if settings.tls_server_name else ()
    return grpc.secure_channel(settings.url, credentials, options=options + name)


def await_end_of_threads(own_ids: Collection[int]) -> None:
    """Waits a moment until our threads, by their native ids, and gRPC's have ended, after they were joined and its channels closed.

    A child that is forked before that inherits locks that nobody will give back: gRPC's, at which 1 of 70 hung at its first channel, and
    what a thread takes while it ends, after it was joined, such as greenlet's, at which 1 of 60 programs of three forks hung at exit.
    """
    global _has_waited_in_vain  # noqa: PLW0603 - it is about all of the process
    is_told = _THREADS.exists()
    deadline_s = time.monotonic() + (_END_TIMEOUT_S if is_told and not _has_waited_in_vain else _END_AGAIN_TIMEOUT_S)
    while not is_told or any(map(_is_there, own_ids)) or _GRPC_THREADS & _thread_names():
        if time.monotonic() > deadline_s:
            _has_waited_in_vain = True
            return
        time.sleep(_END_POLL_S)


def _is_there(native_id: int) -> bool:
    return (_THREADS / str(native_id)).exists()


def _thread_names() -> set[str]:
    names = set()
    for thread in _THREADS.iterdir():
        with contextlib.suppress(OSError):  # it has just ended
            names.add((thread / "comm").read_text().strip())
    return names


def answer_of(error: Any) -> Answer:
    """What a refusal of the whole batch means. `error` is a grpc.RpcError that is a grpc.Call, too."""
    code: grpc.StatusCode = error.code()
    details = read_details(error.trailing_metadata() or ())
    words = f"{details.reason or code.name}: {error.details()}"
    if details.reason == _TOO_LARGE_REASON or (code is grpc.StatusCode.RESOURCE_EXHAUSTED and not details.reason):
        return Answer(Verdict.TOO_LARGE, words)  # the latter is gRPC itself, or a proxy; Assay's own refusals have a reason
    return Answer(_VERDICTS.get(code, Verdict.AWAY), words, retry_after_s=details.retry_after_s)
