"""A process of the pool: reads one piece of evidence after the other, within limits, until its input ends."""

import gc
import json
import os
import sys
from typing import Any, BinaryIO

from kit.errors import AssayError
from services.analyzer.domain.quality.encoding import reading_to_json
from services.analyzer.reading.framing import frame, read_frame
from services.analyzer.reading.kinds import ReportKind
from services.analyzer.reading.limits import ReadingLimits, limit_cpu_of_next_piece, limit_process
from services.analyzer.reading.read import read

# The first piece is our own, so that all that is loaded when first needed is there before anybody waits.
_WARM_UP = b'"""Nothing."""\n'


def main() -> None:
    """Serves standard input and output; the limits are the only argument. Whatever else would print goes to standard error."""
    limits = ReadingLimits(**json.loads(sys.argv[1]))
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    limit_process(limits)
    read(ReportKind.CODE, _WARM_UP, "python", "", b"")
    gc.collect()
    gc.freeze()  # what was loaded stays, and is not looked through again with every piece
    gc.disable()  # but between two pieces: that takes a quarter off the time
    serve(sys.stdin.buffer, replies, limits)


def serve(requests: BinaryIO, replies: BinaryIO, limits: ReadingLimits) -> None:
    """Answers each request until there are no more."""
    while (request := read_frame(requests)) is not None:
        content, diff = requests.read(request["content_bytes"]), requests.read(request["diff_bytes"])
        limit_cpu_of_next_piece(limits)
        replies.write(frame(_answer(request, content, diff)))
        replies.flush()
        gc.collect()


def _answer(request: dict[str, Any], content: bytes, diff: bytes) -> dict[str, Any]:
    try:
        readings = read(ReportKind(request["kind"]), content, request["language"], request["path"], diff)
    except AssayError as error:
        return {"refused": {"reason": error.reason, "message": error.message, "details": dict(error.details)}}
    except (Exception, RecursionError, MemoryError) as error:  # noqa: BLE001 - evidence is hostile: whatever it does to a library ends here
        return {"failed": type(error).__name__}
    return {"readings": [reading_to_json(reading) for reading in readings]}


if __name__ == "__main__":
    main()
