"""A client that may be killed: sends a load batch after batch, and notes on disk what it sends and what is acknowledged.

    python -m tests.system.load_client ADDRESS CLIENT BASE CALLS_PER_S LOG FAT_FILE STOP_FILE      (the key in ASSAY_KEY)

Started again, it resends what was not acknowledged and goes on. While FAT_FILE exists its batches are large; when STOP_FILE does,
it ends the group that it is at, writes "ended" and waits to be ended itself.
"""

import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TextIO

import grpc
from assay.collector.v1.collector_service_pb2 import RecordCallsRequest, RecordCallsResponse, RecordEvidenceResponse
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from tests.system.load import BATCH_CALLS, STEPS, Load, Request, read_log

ANSWER_TIMEOUT_S = 5.0
RETRY_S = 0.1
# What the collector says of a batch that is to be sent again, beside the codes of a connection that failed.
AGAIN = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.CANCELLED}
)
CHANNEL_OPTIONS = (("grpc.max_reconnect_backoff_ms", 500), ("grpc.initial_reconnect_backoff_ms", 50), ("grpc.enable_http_proxy", 0))


class Log:
    """The client's memory over its deaths: each line is on disk before anything else happens."""

    def __init__(self, path: Path) -> None:
        self.next_number, self.is_fat = 0, False
        if path.exists():
            for attempt in read_log(path.open()):
                self.next_number = attempt.number + (attempt.accepted_count is not None)
                self.is_fat = attempt.is_fat and attempt.accepted_count is None
        self._file: TextIO = path.open("a")
        self._file.write("\n")  # ends a line that a kill cut off

    def add(self, *words: object) -> None:
        """Writes a line and waits until it is on disk."""
        print(*words, file=self._file, flush=True)
        os.fsync(self._file.fileno())


class Client:
    """Sends one batch after the other, each until it is acknowledged."""

    def __init__(self, address: str, secret: str, log: Log) -> None:
        self._stub = CollectorServiceStub(grpc.insecure_channel(address, options=CHANNEL_OPTIONS))
        self._metadata = (("authorization", f"Bearer {secret}"),)
        self._log = log

    def send(self, number: int, batch: Request, *, is_fat: bool) -> None:
        """Returns when the batch is acknowledged, however long that takes."""
        size = "fat" if is_fat else "thin"
        while True:
            self._log.add("sent", number, size)
            try:
                answer = self._record(batch)
            except grpc.RpcError as error:
                self._log.add("refused", number, error.code().name, *_reasons(error))
                if error.code() not in AGAIN:
                    raise
                time.sleep(RETRY_S)
            else:
                assert not answer.rejections
                self._log.add("acknowledged", number, size, answer.accepted_count)
                return

    def _record(self, batch: Request) -> RecordCallsResponse | RecordEvidenceResponse:
        if isinstance(batch, RecordCallsRequest):
            return self._stub.RecordCalls(batch, timeout=ANSWER_TIMEOUT_S, metadata=self._metadata)
        return self._stub.RecordEvidence(batch, timeout=ANSWER_TIMEOUT_S, metadata=self._metadata)


def _reasons(error: grpc.RpcError) -> list[str]:
    status = rpc_status.from_call(error)
    infos = []
    for detail in status.details if status else ():
        info = ErrorInfo()
        if detail.Unpack(info):
            infos.append(info.reason)
    return infos


def main() -> None:
    """Sends until it is ended."""
    address, name, base, calls_per_s, log_path, fat_file, stop_file = sys.argv[1:]
    load = Load(name, datetime.fromisoformat(base))
    log = Log(Path(log_path))
    client = Client(address, os.environ["ASSAY_KEY"], log)
    number, is_fat = log.next_number, log.is_fat
    while number % STEPS or not Path(stop_file).exists():
        due_s = time.monotonic() + BATCH_CALLS / float(calls_per_s)
        is_fat = is_fat or Path(fat_file).exists()
        client.send(number, load.batch(number, is_fat=is_fat), is_fat=is_fat)
        number, is_fat = number + 1, False
        time.sleep(max(0.0, due_s - time.monotonic()))
    log.add("ended")
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
