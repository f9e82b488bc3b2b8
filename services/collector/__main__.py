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
    return _front() if role == "front" else _writer()


def _front() -> int:
    own = settings.load(FrontSettings)
    logs.setup(own.log_level, own.log_format, "collector front")
    from services.collector.app.front import front  # noqa: PLC0415 - a wrong setting is told before all is loaded

    _look_for_garbage_rarely()
    return run(front(own))


def _writer() -> int:
    own = settings.load(WriterSettings)
    logs.setup(own.log_level, own.log_format, "collector writer")
    from services.collector.app.writer import writer  # noqa: PLC0415 - as above

    _look_for_garbage_rarely()
    return run(writer(own))


def _look_for_garbage_rarely() -> None:
    """A batch makes tens of thousands of objects and frees them at its end: looking for cycles among them finds none and costs a tenth."""
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)


if __name__ == "__main__":
    sys.exit(main())
