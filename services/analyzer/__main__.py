"""`python -m services.analyzer`: one analyzer."""

import sys

from kit import logs, settings
from kit.lifecycle import run
from services.analyzer.settings import AnalyzerSettings


def main() -> int:
    """Runs until a signal; returns the exit code."""
    own = settings.load(AnalyzerSettings)
    logs.setup(own.log_level, own.log_format, "analyzer")
    from services.analyzer.app import analyzer  # noqa: PLC0415 - a wrong setting is told before all is loaded

    return run(analyzer(own))


if __name__ == "__main__":
    sys.exit(main())
