"""The house rules that no linter knows: sizes, banned words, and what ARCHITECTURE.md says of tables and subjects."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = ("client/assay_client", "kit", "services", "gateway", "cli", "bench", "simulation")
FILE_LINES_MAX = 350
FUNCTION_LINES_MAX = 60
# Each wants its end, not a mark.
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
# The project speaks of itself, and runs anywhere.
PATHS_OF_A_MACHINE = re.compile(r"/(?:home|Users|root|work)/\w")
INDEX_HOSTS = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|registry\.yarnpkg")
TEXT_SUFFIXES = {".py", ".pyi", ".ts", ".tsx", ".mjs", ".css", ".html", ".md", ".toml", ".txt", ".lock", ".json", ".yaml", ".proto", ""}


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not in a git checkout: it is not known which files belong to it")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.suffix in TEXT_SUFFIXES and path.is_file()]


def test_no_file_is_longer_than_one_reads_in_a_sitting() -> None:
    long = {
        str(path.relative_to(ROOT)): count for path in python_files(*CODE) if (count := len(path.read_text().splitlines())) > FILE_LINES_MAX
    }
    assert not long


def test_every_function_fits_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in python_files(*CODE)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert not long


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in python_files(*CODE)
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


def test_nothing_is_left_marked_for_later_or_tied_to_a_machine() -> None:
    found = []
    for path in tracked_files():
        if path == Path(__file__).resolve() or path.is_relative_to(ROOT / "gen"):
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if MARKS.search(line) or PATHS_OF_A_MACHINE.search(line) or INDEX_HOSTS.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number} {line.strip()[:100]}")
    assert not found


@pytest.mark.parametrize("name", ["requirements.lock", "deploy/requirements.lock", "tests/integrations.lock"])
def test_a_lock_file_has_a_hash_for_everything_and_names_no_index(name: str) -> None:
    lock = (ROOT / name).read_text()
    packages = re.split(r"\n(?=\S)", lock.strip())
    assert len(packages) > 50
    assert all("--hash=sha256:" in package for package in packages)
    assert "index-url" not in lock and "find-links" not in lock


def architecture_table(heading: str) -> dict[str, str]:
    """The rows of the table below a heading of ARCHITECTURE.md: first column to second, without back-ticks."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    section = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip().strip("`"): row[1].strip().strip("`") for row in rows}


def test_architecture_names_every_table_and_the_module_that_writes_it() -> None:
    from services.alerter import notification_tables as _notification  # noqa: F401 - adds its tables to the metadata
    from services.alerter import tables as alerter
    from services.analyzer import quality_tables as _quality  # noqa: F401 - as above
    from services.analyzer import tables as analyzer
    from services.collector import tables as collector
    from services.collector.access import tables as _access  # noqa: F401 - as above
    from services.reporter import tables as reporter

    described = architecture_table("Tables")
    assert set(described) == {name for service in (collector, analyzer, alerter, reporter) for name in service.metadata.tables}
    for table, module in described.items():
        folder = ROOT / module.replace(".", "/")
        sources = [folder.with_suffix(".py")] if folder.with_suffix(".py").exists() else sorted(folder.glob("*.py"))
        name = table.split(".")[1]
        written = any(re.search(rf"\b{name}(_table)?\b", source.read_text()) for source in sources)
        assert written, f"{module} does not speak of {table}"


def test_architecture_names_every_subject_of_the_bus() -> None:
    from services.alerter import streams as alerter
    from services.analyzer import streams as analyzer
    from services.collector import streams as collector
    from services.reporter import streams as reporter

    published = (
        *(collector.CALLS_SUBJECT, collector.EVIDENCE_SUBJECT, collector.WINDOWS_SUBJECT),
        *(collector.CONTENT_SUBJECT, collector.EVIDENCE_STORED_SUBJECT, collector.ERASED_SUBJECT, analyzer.SCORES_SUBJECT),
        *(analyzer.ANOMALIES_SUBJECT, analyzer.RANKINGS_SUBJECT, alerter.ALERTS_SUBJECT, reporter.REPORTS_SUBJECT),
    )
    assert set(architecture_table("Subjects")) == {f"{subject}.<project>" for subject in published}


def test_the_operator_is_told_of_every_setting_of_the_collector() -> None:
    from services.collector.settings import FrontSettings, WriterSettings

    told = (ROOT / "docs/operating.md").read_text()
    names = {
        str(field.validation_alias or f"ASSAY_COLLECTOR_{name}".upper())
        for settings in (FrontSettings, WriterSettings)
        for name, field in settings.model_fields.items()
    }
    assert [name for name in sorted(names) if f"`{name}`" not in told] == []
