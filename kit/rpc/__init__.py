"""gRPC as every process of Assay speaks it: serving with health, reflection and one kind of error, and connecting."""

from kit.rpc.client import connect
from kit.rpc.handlers import raw_request, serialised_response
from kit.rpc.server import REQUEST_BYTES_MAX, serve
from kit.rpc.status import error_of
from kit.rpc.trouble import connection_trouble

__all__ = ["REQUEST_BYTES_MAX", "connect", "connection_trouble", "error_of", "raw_request", "serialised_response", "serve"]
