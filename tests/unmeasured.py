"""Processes that are tested as a whole run unmeasured: their parts are measured where those are tested, and measuring costs much speed."""

import os


def environment() -> dict[str, str]:
    """This process' environment, without what has coverage measure a process."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}
