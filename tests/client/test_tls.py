"""TLS to the collector: whom the client trusts, what it shows, and files that are renewed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from assay.collector.v1.collector_service_pb2 import RecordCallsResponse

from tests.client.conftest import NewClient
from tests.client.support import DEADLINE_S, eventually, record

trustme = pytest.importorskip("trustme")


class Files:
    """An authority, and what it has signed for both sides, on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.renew()

    def renew(self) -> None:
        """Another authority, and all certificates anew."""
        authority = trustme.CA()
        self.server, client = authority.issue_cert("localhost"), authority.issue_cert("agent@example.org")
        self.authority_pem = authority.cert_pem.bytes()
        for name, content in (("ca", authority.cert_pem), ("cert", client.cert_chain_pems[0]), ("key", client.private_key_pem)):
            content.write_to_path(self.folder / f"{name}.pem")

    @property
    def settings(self) -> dict[str, Any]:
        """As a client takes them."""
        ca, cert, key = (self.folder / f"{name}.pem" for name in ("ca", "cert", "key"))
        return {"tls_ca": ca, "tls_certificate": cert, "tls_key": key}


@contextmanager
def served(files: Files, address: str = "localhost:0") -> Iterator[tuple[str, list[bytes]]]:
    """Takes every batch of those who show a certificate."""
    taken: list[bytes] = []

    def take(request: bytes, _context: Any) -> bytes:
        taken.append(request)
        return RecordCallsResponse(accepted_count=1).SerializeToString()

    class Handler(grpc.GenericRpcHandler):
        def service(self, _details: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(take)

    server = grpc.server(ThreadPoolExecutor(2), handlers=[Handler()])
    pair = (files.server.private_key_pem.bytes(), files.server.cert_chain_pems[0].bytes())
    credentials = grpc.ssl_server_credentials([pair], files.authority_pem, require_client_auth=True)
    port = server.add_secure_port(address, credentials)
    server.start()
    try:
        yield f"localhost:{port}", taken
    finally:
        server.stop(0).wait()


def test_both_sides_show_who_they_are_and_renewed_files_are_taken_up(new_client: NewClient, tmp_path: Path) -> None:
    files = Files(tmp_path)
    with served(files) as (address, taken):
        client = new_client(url=address, **files.settings)
        record(client)
        assert client.flush(DEADLINE_S) and len(taken) == 1
    files.renew()
    with served(files, address) as (_, taken):
        record(client)
        assert client.flush(DEADLINE_S) and len(taken) == 1


def test_a_stranger_gets_nothing(new_client: NewClient, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "other").mkdir()
    files, others = Files(tmp_path), Files(tmp_path / "other")
    with served(others) as (address, taken):
        client = new_client(url=address, **files.settings)
        record(client)
        eventually(lambda: "does not take calls" in caplog.text)
        assert not taken and client.stats().buffered == 1


def test_files_that_cannot_be_read_are_told_and_waited_for(new_client: NewClient, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = Files(tmp_path)
    away = (tmp_path / "ca.pem").rename(tmp_path / "away.pem")
    with served(files) as (address, taken):
        client = new_client(url=address, **files.settings)
        record(client)
        eventually(lambda: "ca.pem" in caplog.text)
        away.rename(tmp_path / "ca.pem")
        assert client.flush(DEADLINE_S) and len(taken) == 1
