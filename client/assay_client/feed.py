"""Rankings as they change, one thread for each kind of task: each keeps what was told last, and asks again when the stream breaks."""

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
from assay.analyzer.v1.ranking_service_pb2 import RankProvidersRequest, RankProvidersResponse, WatchRankingsRequest, WatchRankingsResponse
from grpc.experimental import ChannelOptions

from assay_client.connection import Verdict, answer_of, metadata_of, new_channel
from assay_client.sender import RETRY_FIRST_S, RETRY_MAX_S, UNWELCOME_RETRY_S
from assay_client.settings import Settings

_METHOD = "/assay.analyzer.v1.RankingService/WatchRankings"
_OPTIONS = (
    # Nothing may come for hours; whoever does not answer pings is noticed meanwhile.
    ("grpc.http2.max_pings_without_data", 0),
    # Without it, gRPC starts one more thread for each stream.
    (ChannelOptions.SingleThreadedUnaryStream, 1),
)
_STOP_TIMEOUT_S = 1.0
_random = random.SystemRandom()  # the global generator belongs to the application
_log = logging.getLogger("assay_client")


class Feed:
    """What is known of the answer to one question, from any thread."""

    def __init__(self, settings: Settings, question: RankProvidersRequest) -> None:
        self._settings = settings
        self._request = WatchRankingsRequest(project=settings.project, question=question)
        self._known: RankProvidersResponse | None = None
        self._lost_s: float | None = None
        self._told = threading.Event()
        self._watcher: _Watcher | None = None
        self._start_lock = threading.Lock()

    @property
    def thread_id(self) -> int | None:
        """What the system calls its thread."""
        return None if self._watcher is None else self._watcher.native_id

    @property
    def is_running(self) -> bool:
        """Whether there is a thread."""
        return self._watcher is not None and self._watcher.is_alive()

    def known(self, kept_s: float) -> tuple[RankProvidersResponse, bool] | None:
        """What was told last, and whether it is old; None if nothing was, or the stream has been broken for longer."""
        known, lost_s = self._known, self._lost_s
        if known is None or (lost_s is not None and time.monotonic() - lost_s > kept_s):
            return None
        return known, lost_s is not None or known.is_stale

    def wait(self, timeout_s: float) -> bool:
        """Waits until something was told; whether it was."""
        return self._told.wait(timeout_s)

    def start(self) -> None:
        """Starts the thread, unless it runs, somebody starts it, or the interpreter is ending. Does not wait."""
        if self.is_running or not self._start_lock.acquire(blocking=False):
            return
        try:
            with contextlib.suppress(RuntimeError):
                self._watcher = _Watcher(self._settings, self._request, self._tell, self._lose)
                self._watcher.start()
        finally:
            self._start_lock.release()

    def stop(self) -> None:
        """Ends the thread. What is known stays, and is old from now on."""
        if self._watcher is not None:
            self._watcher.end()
            self._lose()

    def reset(self) -> None:
        """In a forked child, where the thread is not: the next question starts another."""
        self._watcher, self._start_lock, self._told = None, threading.Lock(), threading.Event()
        self._lose()

    def _tell(self, ranking: RankProvidersResponse) -> None:
        self._known, self._lost_s = ranking, None
        self._told.set()

    def _lose(self) -> None:
        if self._lost_s is None:
            self._lost_s = time.monotonic()


class _Watcher(threading.Thread):
    """Watches until it is told to end."""

    def __init__(
        self, settings: Settings, request: WatchRankingsRequest, tell: Callable[[RankProvidersResponse], None], lose: Callable[[], None]
    ) -> None:
        super().__init__(name="assay-client-rankings", daemon=True)
        self._settings = settings
        self._request = request
        self._tell = tell
        self._lose = lose
        self._end = threading.Event()
        self._channel: grpc.Channel | None = None
        self._failures = 0
        self._words = ""

    def end(self) -> None:
        """Ends the thread and its connection, and waits for that; one that is stuck is left behind."""
        self._end.set()
        self._close()
        self.join(_STOP_TIMEOUT_S)

    def run(self) -> None:
        """Asks, and asks again a random part of a doubling time after the answers have ended."""
        while not self._end.is_set():
            verdict = self._watch()
            self._lose()
            self._failures += 1
            longest_s = UNWELCOME_RETRY_S if verdict in {Verdict.UNWELCOME, Verdict.REFUSED} else RETRY_MAX_S
            self._end.wait(_random.uniform(0.0, min(longest_s, RETRY_FIRST_S * 2 ** min(self._failures, 10))))

    def _watch(self) -> Verdict:
        """Takes what is told until that ends, and says why it did."""
        try:
            self._channel = channel = new_channel(self._settings, *_OPTIONS)
            if self._end.is_set():
                return Verdict.AWAY
            watch: Any = channel.unary_stream(
                _METHOD, request_serializer=WatchRankingsRequest.SerializeToString, response_deserializer=WatchRankingsResponse.FromString
            )
            for update in watch(self._request, metadata=metadata_of(self._settings)):
                self._tell(update.ranking)
                self._failures, self._words = 0, ""
        except grpc.RpcError as error:
            answer = answer_of(error)
            self._say(answer.words)
            return answer.verdict
        except (OSError, ValueError) as error:  # TLS files that cannot be used; a channel that is closed meanwhile
            self._say(str(error))
        finally:
            self._close()
        return Verdict.AWAY

    def _say(self, words: str) -> None:
        """Once for each reason in a row, and never of our own doing."""
        if words != self._words and not self._end.is_set():
            self._words = words
            task_type = self._request.question.task_type
            _log.warning(
                "no rankings of %s from %s: %s. The last one is used while it is not too old.", task_type, self._settings.url, words
            )

    def _close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()
