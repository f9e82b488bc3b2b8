"""`python -m services.alerter`: one alerter."""

import sys

from kit import logs, settings
from kit.lifecycle import run
from services.alerter.settings import AlerterSettings


def main() -> int:
    """Runs until a signal; returns the exit code."""
    own = settings.load(AlerterSettings)
    logs.setup(own.log_level, own.log_format, "alerter")
    from services.alerter.app import alerter  # noqa: PLC0415 - a wrong setting is told before all is loaded

    return run(alerter(own))


if __name__ == "__main__":
    sys.exit(main())
