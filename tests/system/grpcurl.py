"""Stands for grpcurl where there is none: the options that our pages use, done by buf.

grpcurl -plaintext -H HEADER -d JSON ADDRESS METHOD
"""

import argparse
import os
import sys
from pathlib import Path

BUF = Path(__file__).resolve().parents[2] / "proto/node_modules/.bin/buf"


def main() -> None:
    """Becomes `buf curl`, which asks the server for its schema, as grpcurl does."""
    parser = argparse.ArgumentParser(prog="grpcurl", allow_abbrev=False)
    parser.add_argument("-plaintext", action="store_true", required=True)
    parser.add_argument("-H", dest="header", required=True)
    parser.add_argument("-d", dest="data", required=True)
    parser.add_argument("address")
    parser.add_argument("method")
    asked = parser.parse_args(sys.argv[1:])
    url = f"http://{asked.address}/{asked.method}"
    # The headers of the call are those of the reflection, too, unless it is told otherwise.
    options = ("--protocol", "grpc", "--http2-prior-knowledge", "--header", asked.header, "--data", asked.data)
    os.execv(BUF, [str(BUF), "curl", *options, url])


if __name__ == "__main__":
    main()
