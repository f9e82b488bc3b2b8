"""`python -m services.collector front|writer`: one process of the collector."""

import gc
import sys

from kit import logs, settings
from kit.lifecycle import run
from services.collector.settings import FrontSettings, WriterSettings

GC_ALLOCATIONS = 50_000


def main() -> int:
    """Runs the role that is named, until a signal."""
    role = sys.argv[1] if len(sys.argv) == 2 else ""
    if role not in {"front", "writer"}:
        print("usage: python -m services.collector front|writer", file=sys.stderr)
        return 2
    from services.collector import app  # noqa: PLC0415 - a usage error is told at once, not after numpy and gRPC are loaded

    # A batch makes tens of thousands of objects and frees them at its end: looking for cycles among them finds none and costs a tenth.
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)
    if role == "front":
        front = settings.load(FrontSettings)
        logs.setup(front.log_level, front.log_format, "collector front")
        return run(app.front(front))
    writer = settings.load(WriterSettings)
    logs.setup(writer.log_level, writer.log_format, "collector writer")
    return run(app.writer(writer))


if __name__ == "__main__":
    sys.exit(main())
