"""A report as mail: what mail programs show is less than what browsers do, so styles stand in the elements and charts are pictures."""

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import resvg_py
from css_inline import CSSInliner

from services.reporter.domain.report import Report
from services.reporter.domain.words import moment
from services.reporter.render.markdown import summary_text
from services.reporter.render.page import ENVIRONMENT
from services.reporter.render.palette import LIGHT
from services.reporter.render.svg import chart_svg, growth_svg

# Pictures have twice the pixels that they are shown in.
_ZOOM: Final = 2
_SUBJECT_LENGTH_MAX: Final = 200
_INLINER: Final = CSSInliner(load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart as PNG; `name` is its file's, and `name`@assay the Content-ID by which the HTML shows it."""

    name: str
    title: str
    content: bytes
    content_type: str = "image/png"


@dataclass(frozen=True, slots=True)
class Mail:
    """Subject, HTML, the same as plain text, and the pictures that go with the HTML."""

    subject: str
    html: str
    text: str
    pictures: tuple[Picture, ...]


def mail(report: Report, link: str = "") -> Mail:
    """The mail; `link` opens the whole report."""
    pictures = _pictures(report)
    page = ENVIRONMENT.get_template("mail.html").render(
        report=report, link=link, pictures=pictures, made_at=moment(report.made_at, ZoneInfo(report.zone))
    )
    return Mail(report.title[:_SUBJECT_LENGTH_MAX], _INLINER.inline(page), summary_text(report, link), pictures)


def _pictures(report: Report) -> tuple[Picture, ...]:
    growth = next(sheet for sheet in report.sheets if sheet.name == "growth")
    drawn = [("growth", growth.title, growth_svg(growth, LIGHT))] if growth.rows else []
    drawn += [(chart.name, chart.title, chart_svg(chart, LIGHT)) for chart in report.charts]
    return tuple(Picture(f"{name}.png", title, _png(picture)) for name, title, picture in drawn)


def _png(picture: str) -> bytes:
    return bytes(resvg_py.svg_to_bytes(svg_string=picture, background=LIGHT["page"], zoom=_ZOOM, font_family="DejaVu Sans"))
