"""Tells programs in any language which provider and model to call next: GET /choices/TASK_TYPE. Needs assay-client alone.

    ASSAY_KEY=… python selection_service.py openai/gpt-5 anthropic/claude-sonnet-4-5

The arguments are what may be chosen; the first is the default. LISTEN says where it listens, 127.0.0.1:8090 unless it is set.
"""

import json
import os
import sys
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from assay_client.choice import Candidate
from assay_client.rankings import Rankings

PREFIX = "/choices/"


def handler_of(rankings: Rankings) -> type[BaseHTTPRequestHandler]:
    """Answers requests by these rankings."""

    class Handler(BaseHTTPRequestHandler):
        """A choice for each GET. What it says is to be sent with the call: ranking_id and selection_ratio."""

        def do_GET(self) -> None:
            if not self.path.startswith(PREFIX):
                self.send_error(404)
                return
            choice = asdict(rankings.choose(unquote(self.path.removeprefix(PREFIX))))
            provider, model = choice.pop("candidate")
            content = json.dumps({"provider": provider, "model": model, **choice}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


def main(names: list[str]) -> None:
    """Serves until it is interrupted."""
    candidates = [Candidate(*name.split("/", 1)) for name in names]
    host, port = os.environ.get("LISTEN", "127.0.0.1:8090").rsplit(":", 1)
    with ThreadingHTTPServer((host, int(port)), handler_of(Rankings(candidates[0], candidates=candidates))) as server:
        print(f"http://{host}:{server.server_port}{PREFIX}TASK_TYPE", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
