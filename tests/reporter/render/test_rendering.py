"""Every form shows the same numbers, whatever names contain, and the same bytes for the same data."""

import csv
import email.message
import io
import os
import re
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from kit.errors import AssayError
from services.reporter.domain.build import build
from services.reporter.domain.report import Chart, ChartSeries, Report, to_json
from services.reporter.render import pdf as pdf_form
from services.reporter.render.mail import mail
from services.reporter.render.markdown import markdown, summary_text
from services.reporter.render.page import html, print_html
from services.reporter.render.palette import LIGHT
from services.reporter.render.svg import chart_svg, growth_svg
from services.reporter.render.tables import tables, tables_zip
from tests.reporter.samples import changed, everything, fleet, key, period_data, steady

GOLDEN = Path(__file__).parent / "golden"
WRITES_GOLDEN = bool(os.environ.get("ASSAY_WRITE_GOLDEN"))
HOSTILE = '<script>alert(1)</script>|`*"=cmd()'


@pytest.fixture(scope="module")
def report() -> Report:
    return build(everything())


class Texts(HTMLParser):
    """The words of a page, and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(self.words)


def test_the_same_data_give_the_same_bytes_as_ever(report: Report) -> None:
    """After a change that is meant to be seen: ASSAY_WRITE_GOLDEN=1, and look at what git says."""
    forms = {
        "report.json": to_json(report),
        "report.html": html(report).encode(),
        "report.md": markdown(report).encode(),
        "mail.html": mail(report, "https://assay.example/reports/1").html.encode(),
        **{name: text.encode() for name, text in tables(report).items() if name in ("changes.csv", "incidents.csv")},
    }
    if WRITES_GOLDEN:
        GOLDEN.mkdir(exist_ok=True)
        for name, content in forms.items():
            (GOLDEN / name).write_bytes(content)
    for name, content in forms.items():
        assert content == (GOLDEN / name).read_bytes(), name
    assert tables_zip(report) == tables_zip(build(everything()))


def test_all_forms_show_the_same_numbers(report: Report) -> None:
    page, text = Texts(html(report)).text, markdown(report)
    plain = re.sub(r"\\(.)", r"\1", text)
    sheets = {sheet.name: sheet for sheet in report.sheets}
    files = {name: list(csv.reader(io.StringIO(content))) for name, content in tables(report).items()}
    for sheet in (report.changes, sheets["models"], sheets["providers"], sheets["best_and_worst"]):
        rows = files[f"{sheet.name}.csv"]
        assert len(rows) == len(sheet.rows) + 1
        for row, line in zip(sheet.rows, rows[1:], strict=True):
            for cell in row:
                assert cell.text in page and cell.text in plain
                assert cell.value is None or any(_is(each, cell.value) for each in line)
    for each in report.recommendations:
        for told in (each.title, *([each.saving.text] if each.saving else []), *(estimate.text for _, estimate in each.effects)):
            assert told in page and told in plain
    sent = mail(report)
    words = Texts(sent.html).text
    assert all(line in words for line in report.summary)
    assert all(cell.text in words for row in report.changes.rows for cell in row[:4])


def _is(text: str, value: float) -> bool:
    try:
        return float(text) == pytest.approx(value)
    except ValueError:
        return False


def test_a_page_needs_nothing_from_anywhere(report: Report) -> None:
    for page in (html(report), print_html(report)):
        parsed = Texts(page)
        assert "script" not in parsed.tags and not parsed.addresses
        assert "url(" not in page and "@import" not in page
    assert "prefers-color-scheme: dark" in html(report) and "prefers-color-scheme" not in print_html(report)
    assert "var(--data-1)" in html(report) and 'fill="var(' not in print_html(report)


def test_names_are_never_markup() -> None:
    data = period_data(
        {
            key(HOSTILE, HOSTILE, HOSTILE, HOSTILE): changed({}, {"price": 9e-6}),
            **fleet(),
        }
    )
    report = build(replace(data, project="acme"))
    for page in (html(report), mail(report, "https://assay.example/?a=1&b=2").html):
        assert "<script" not in page and "alert(1)" in page
    assert "\\<script\\>" in markdown(report) and "\\|" in markdown(report)
    formula = period_data({key("=1+1", "@cmd", "-task"): steady()})
    lines = tables(build(formula))["providers.csv"].splitlines()
    assert lines[1].startswith("'=1+1,'-task,")


def test_a_mail_has_its_styles_in_its_elements_and_pictures_by_name(report: Report) -> None:
    sent = mail(report, "https://assay.example/reports/1")
    assert "<style" not in sent.html and 'class="card" style=' in sent.html
    assert [picture.name for picture in sent.pictures] == ["growth.png", "spend.png", "success.png", "latency.png"]
    assert all(picture.content.startswith(b"\x89PNG") and f"cid:{picture.name}@assay" in sent.html for picture in sent.pictures)
    assert len(sent.html) + sum(len(picture.content) for picture in sent.pictures) < 1_000_000
    assert "https://assay.example/reports/1" in sent.text
    message = email.message.EmailMessage()
    message.set_content(sent.text)
    message.add_alternative(sent.html, subtype="html")
    assert message.is_multipart()


def test_empty_reports_have_all_forms() -> None:
    nothing = build(period_data({}, first_call_at=None))
    for page in (html(nothing), markdown(nothing), mail(nothing).html, summary_text(nothing)):
        assert "Nothing has been recorded in this project yet" in page
    assert mail(nothing).pictures == ()
    quiet = build(period_data(fleet()))
    assert "no change would surely pay" in html(quiet) and "no change would surely pay" in markdown(quiet)


def test_the_tables_come_as_one_archive(report: Report) -> None:
    with zipfile.ZipFile(io.BytesIO(tables_zip(report))) as archive:
        assert archive.namelist() == list(tables(report))
        assert archive.read("models.csv").decode() == tables(report)["models.csv"]


def test_a_pdf_is_refused_with_a_reason_without_its_program(report: Report) -> None:
    if pdf_form.is_available():
        assert pdf_form.pdf(report).startswith(b"%PDF")
    else:
        with pytest.raises(AssayError) as refused:
            pdf_form.pdf(report)
        assert refused.value.reason == "PDF_UNAVAILABLE"


@pytest.mark.parametrize(
    ("form", "unit", "values"),
    [
        ("bars", "USD", (0.0, 0.0, None)),
        ("bars", "USD", (0.004, 0.0021, 0.003)),
        ("lines", "ratio", (None, 0.5, 1.0)),
        ("lines", "ratio", (0.9, None, 0.95)),
        ("lines", "ratio", (0.998, 0.9991, None)),
        ("lines", "ratio", (None, None, None)),
        ("lines", "s", (1.0, 1.01, 1.02)),
        ("lines", "s", (0.0, 0.0, 0.0)),
        ("lines", "count", (10.0, 3_000.0, 20.0)),
    ],
)
def test_charts_are_drawn_of_anything(form: str, unit: str, values: tuple[float | None, ...]) -> None:
    many = tuple(ChartSeries(f"a name that is far too long to stand in a legend {number}", values) for number in range(6))
    drawn = chart_svg(Chart("x", "A & B", form, unit, ("Mon", "Tue", "Wed"), many), LIGHT)
    assert drawn.startswith("<svg") and drawn.endswith("</svg>") and "A &amp; B" in drawn
    assert "nan" not in drawn and "inf" not in drawn and "too long to stand in a legend 0" not in drawn


def test_a_name_that_no_xml_can_hold_is_drawn_all_the_same() -> None:
    drawn = chart_svg(Chart("x", "A\x01B", "bars", "USD", ("Mon",), (ChartSeries("open\x1bai\ufffe", (1.0,)),)), LIGHT)
    ET.fromstring(drawn)
    assert "open\ufffdai\ufffd" in drawn


def test_growth_is_drawn_to_both_sides(report: Report) -> None:
    sheet = next(each for each in report.sheets if each.name == "growth")
    rows = (sheet.rows[0], (sheet.rows[1][0], replace(sheet.rows[1][1], value=-5.0), sheet.rows[1][2]), sheet.rows[-1])
    assert LIGHT["good"] in growth_svg(replace(sheet, rows=rows), LIGHT)
    assert "<rect" not in growth_svg(replace(sheet, rows=()), LIGHT)
