"""`assay detect`: what it prints, and what it says to files that it cannot read."""

import codecs
import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cli.work.detect_row import seconds_of, value_of
from kit.errors import AssayError
from tests import unmeasured
from tests.cli.suite import ASSAY, assay

SHARED = Path(__file__).parents[3] / "shared"
HEADER = "timestamp,value"


def series(count: int = 200, *, spike_at: int = 150) -> list[str]:
    """Lines of a file: noise of a few per cent around 100 each five minutes, with one spike."""
    values = np.random.default_rng(1).normal(100, 3, count)
    values[spike_at] = 400
    return [
        HEADER,
        *(f"2026-05-{1 + row // 288:02}T{row // 12 % 24:02}:{row % 12 * 5:02}:00Z,{value:.3f}" for row, value in enumerate(values)),
    ]


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "series.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def detected(folder: Path, lines: list[str]) -> list[list[str]]:
    answer = assay("detect", written(folder, "\n".join(lines) + "\n"))
    assert (answer.exit_code, answer.stderr) == (0, "")
    return list(csv.reader(io.StringIO(answer.stdout)))


def test_a_file_comes_back_with_scores_and_the_anomaly_marked(tmp_path: Path) -> None:
    lines = series()
    printed = detected(tmp_path, lines)
    assert printed[0] == ["timestamp", "value", "score", "is_anomaly"]
    assert [",".join(row[:2]) for row in printed] == lines
    assert [number for number, row in enumerate(printed[1:]) if row[3] == "1"] == [150]
    assert {row[3] for row in printed[1:]} == {"0", "1"}
    assert float(printed[151][2]) == max(float(row[2]) for row in printed[1:])


@pytest.mark.parametrize("cut", [1, 2, 40, 151, 152, 199])
def test_a_row_is_told_the_same_whatever_comes_after_it(tmp_path: Path, cut: int) -> None:
    lines = series()
    assert detected(tmp_path, lines[:cut]) == detected(tmp_path, lines)[:cut]


def test_intervals_are_not_read_ahead_for(tmp_path: Path) -> None:
    lines = series()
    other = [*lines[:100], *(f"2027-01-{day:02},{day}" for day in range(1, 29))]
    assert detected(tmp_path, other)[:100] == detected(tmp_path, lines)[:100]


@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
        lambda text: text.encode("utf-32"),
        lambda text: text.replace("\n", "\n\n").encode(),
        lambda text: text.removesuffix("\n").encode(),
    ],
    ids=["UTF-8", "CRLF", "UTF-8 with a mark", "UTF-16", "UTF-16, the other way round", "UTF-32", "blank lines", "no last line end"],
)
def test_however_a_program_saved_it_the_answer_is_the_same(tmp_path: Path, encoded: Callable[[str], bytes]) -> None:
    text = "\n".join(series()) + "\n"
    answer = assay("detect", written(tmp_path, encoded(text)))
    assert answer == assay("detect", written(tmp_path, text))
    assert len(answer.stdout.splitlines()) == 201


def test_columns_may_be_more_and_in_any_order(tmp_path: Path) -> None:
    printed = detected(tmp_path, [' Value ,region,"Timestamp"', '5,"a,b",2026-05-01', "6,c,2026-05-02"])
    assert printed[0] == [" Value ", "region", "Timestamp", "score", "is_anomaly"]
    assert printed[1] == ["5", "a,b", "2026-05-01", "0", "0"]


@pytest.mark.parametrize("value", ["", "NaN", "null", "inf", "-Infinity", "1e999"])
def test_a_missing_value_has_no_score_and_changes_nothing(tmp_path: Path, value: str) -> None:
    lines = series()
    with_gap = [*lines[:100], f"2026-05-01T08:12:00Z,{value}", *lines[100:]]
    printed = detected(tmp_path, with_gap)
    assert printed.pop(100)[2:] == ["0", "0"]
    assert printed == detected(tmp_path, lines)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        ["2026-05-01,1"],
        ["2026-05-01,1e308", "2026-05-02,-1e308", "2026-05-03,1e-320"],
        ["2026-05-01,5"] * 300,
        [f"2026-05-{day:02},5" for day in range(31, 0, -1)],
        ["0001-01-01,1", "9999-12-31,2", "2026-05-01,3"],
    ],
    ids=["the header alone", "one row", "huge", "one time", "backwards", "all ages"],
)
def test_an_odd_series_has_a_result(tmp_path: Path, rows: list[str]) -> None:
    printed = detected(tmp_path, [HEADER, *rows])
    assert len(printed) == 1 + len(rows)
    assert all(row[3] == "0" for row in printed[1:])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty: begin it with the line timestamp,value"),
        ("time,value\n1,2\n", "no column timestamp"),
        ("timestamp;value\n1;2\n", "no column timestamp"),
        ("timestamp,amount\n1,2\n", "no column value"),
        ("2026-05-01,5\n", "no column timestamp"),
        ("timestamp,value,value\n1,2,3\n", "more than one column value"),
        ("timestamp,value,score\n1,2,3\n", "a column score already"),
        ("timestamp,value\nyesterday,2\n", "line 2: timestamp: 'yesterday' is no time"),
        ("timestamp,value\n,2\n", "line 2: timestamp: '' is no time"),
        ("timestamp,value\n1746093600000,2\n", "divide milliseconds by 1,000"),
        ("timestamp,value\n1,2\n2,much\n", "line 3: value: 'much' is no number"),
        ("timestamp,value\n1,2\n2,3,4\n", "line 3: row: it has 3 fields and the header 2"),
        ("timestamp,value\n1\n", "line 2: row: it has 1 fields"),
        ("timestamp,value\n1," + "9" * 100 + "x" * 100 + "\n", "999…' is no number"),
        (b"timestamp,value\n2026-05-01,5\n2026-05-02,\xe9\n", "it is not UTF-8"),
        (b"\x80\x81\x82", "it is not UTF-8"),
        ("timestamp,value\n1," + "9" * 200_000 + "\n", "it is not CSV"),
    ],
)
def test_what_cannot_be_read_is_one_line_that_says_what_to_do(tmp_path: Path, text: str | bytes, told: str) -> None:
    answer = assay("detect", written(tmp_path, text))
    assert answer.exit_code == 2
    assert len(answer.stderr.splitlines()) == 1
    assert "series.csv" in answer.stderr
    assert told in answer.stderr


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_a_file_that_is_none_is_told(tmp_path: Path, name: str) -> None:
    answer = assay("detect", tmp_path / name)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert len(answer.stderr.splitlines()) == 1
    assert "cannot be read" in answer.stderr


def test_standard_input_is_read_and_json_is_printed(tmp_path: Path) -> None:
    text = "\n".join(series()) + "\n"
    done = subprocess.run([*ASSAY, "detect", "-", "--json"], input=text, capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [list(row) for row in rows] == [["timestamp", "value", "score", "is_anomaly"]] * 200
    assert [number for number, row in enumerate(rows) if row["is_anomaly"]] == [150]
    printed = detected(tmp_path, series())
    assert [row["score"] for row in rows] == pytest.approx([float(row[2]) for row in printed[1:]], rel=1e-5)


def test_a_reader_that_leaves_early_is_no_trouble(tmp_path: Path) -> None:
    file = written(tmp_path, "\n".join(series(6_000)))
    command = f"{' '.join(ASSAY)} detect {file} | head -n 2"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("timestamp,value,score,is_anomaly\n")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02", 86_400.0),
        (" 1970-01-01T00:00:01Z ", 1.0),
        ("1970-01-01 00:00:01", 1.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1746093600", 1_746_093_600.0),
        ("1.5e3", 1_500.0),
        ("-.5", -0.5),
    ],
)
def test_a_time_is_iso_8601_or_seconds(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


def test_a_value_is_a_number() -> None:
    assert value_of(" -1.5e3 ") == -1_500.0
    with pytest.raises(AssayError):
        value_of("12,5")


def test_the_labelled_series_are_scored_as_promised() -> None:
    scorer, data = SHARED / "bench" / "score_detector.py", SHARED / "data" / "anomaly"
    if not scorer.exists():
        pytest.skip("there are no labelled series beside the project")
    command = [sys.executable, scorer, data, "--", *ASSAY, "detect"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=unmeasured.environment())
    figures = json.loads(done.stdout)
    assert figures["nab_best"] >= 60
    assert figures["nab_fixed"] >= 55
    assert figures["average_precision"] >= 0.55
    assert figures["f1"] >= 0.53
    assert figures["false_episodes_per_10k"] <= 5
