"""A report as one page of HTML that needs nothing else: on a screen, light or dark, and on paper."""

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.reporter.domain.report import Report
from services.reporter.domain.words import moment
from services.reporter.render.palette import DARK, LIGHT, VARIABLES, declarations
from services.reporter.render.svg import chart_svg, growth_svg

# Rows of the overall table that are shown large, as far as they were measured.
_FIGURES = ("Calls", "Spend", "Success", "Typical latency", "Cost per accepted task", "Quality")

ENVIRONMENT = Environment(
    loader=PackageLoader("services.reporter.render", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_CSS = (Path(__file__).parent / "report.css").read_text()


def html(report: Report) -> str:
    """The page; the reader's system says whether it is dark."""
    return _page(report, VARIABLES, is_light=False)


def print_html(report: Report) -> str:
    """The page for paper: light, with colours that also programs understand that know no variables in pictures."""
    return _page(report, LIGHT, is_light=True)


def _page(report: Report, colours: Mapping[str, str], *, is_light: bool) -> str:
    sheets = {sheet.name: sheet for sheet in report.sheets}
    growth = sheets["growth"]
    # What is put in unescaped is our own style sheet and our own pictures, whose texts are escaped where they are made.
    return ENVIRONMENT.get_template("report.html").render(
        report=report,
        sheets=sheets,
        figures=[row for row in report.changes.rows if row[0].text in _FIGURES],
        growth_chart=Markup(growth_svg(growth, colours)) if growth.rows else "",  # noqa: S704 - as above
        charts=[(chart.title, Markup(chart_svg(chart, colours))) for chart in report.charts],  # noqa: S704 - as above
        compared_count=f"{2 * (len(report.changes.rows) + len(sheets['changes_by_provider'].rows)):,}",
        css=Markup(_CSS),  # noqa: S704 - as above
        light=Markup(declarations(LIGHT)),  # noqa: S704 - as above
        dark=Markup(declarations(DARK)),  # noqa: S704 - as above
        is_light=is_light,
        made_at=moment(report.made_at, ZoneInfo(report.zone)),
    )
