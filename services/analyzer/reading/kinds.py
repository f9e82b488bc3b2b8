"""What can be read, and the limits that hold for all of it."""

from enum import StrEnum

# Of one piece of evidence, by the contract.
CONTENT_BYTES_MAX = 5 * 1024 * 1024
# What is quoted of a report: messages, names.
TEXT_LENGTH_MAX = 300


class ReportKind(StrEnum):
    """The forms of evidence that have to be read in a process of their own."""

    CODE = "code"
    DIFF = "diff"
    COBERTURA = "cobertura"
    LCOV = "lcov"
    COVERAGE_JSON = "coverage_json"
    JUNIT = "junit"
    SARIF = "sarif"


def shortened(text: str) -> str:
    """One line of at most TEXT_LENGTH_MAX characters."""
    line = " ".join(text.split()).encode(errors="replace").decode()  # JSON may hold half a surrogate, which nothing after us takes
    return line if len(line) <= TEXT_LENGTH_MAX else line[: TEXT_LENGTH_MAX - 1] + "…"
