"""`python -m services.reporter`: one reporter."""

import sys

from kit import logs, settings
from kit.lifecycle import run
from services.reporter.settings import ReporterSettings


def main() -> int:
    """Runs until a signal; returns the exit code."""
    own = settings.load(ReporterSettings)
    logs.setup(own.log_level, own.log_format, "reporter")
    from services.reporter.app import reporter  # noqa: PLC0415 - a wrong setting is told before all is loaded

    return run(reporter(own))


if __name__ == "__main__":
    sys.exit(main())
