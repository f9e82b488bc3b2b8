"""A report as PDF, where WeasyPrint is installed."""

from importlib.util import find_spec

from kit.errors import AssayError, Kind
from services.reporter.domain.report import Report
from services.reporter.render.page import print_html


def is_available() -> bool:
    """Whether WeasyPrint is there."""
    return find_spec("weasyprint") is not None


def pdf(report: Report) -> bytes:
    """The page for paper as PDF. Raises PDF_UNAVAILABLE without WeasyPrint."""
    if not is_available():
        raise AssayError(
            Kind.FAILED_PRECONDITION,
            "PDF_UNAVAILABLE",
            "PDF needs WeasyPrint, which comes with the extra `pdf` and wants Pango; the HTML prints as well",
        )
    from weasyprint import HTML  # noqa: PLC0415 - an extra

    content: bytes = HTML(string=print_html(report)).write_pdf()
    return content
