"""The generated code is what the protos give, and the protos keep their rules."""

import filecmp
import os
import subprocess
import sys
from pathlib import Path

import pytest

from npm import npm

ROOT = Path(__file__).resolve().parents[2]


def test_the_generated_code_is_up_to_date(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([sys.executable, ROOT / "proto/generate.py", tmp_path], env=environment, check=True, capture_output=True)
    fresh = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.py*")}
    kept = {path.relative_to(ROOT / "gen") for path in (ROOT / "gen").rglob("*.py*") if "__pycache__" not in path.parts}
    assert kept == fresh, "run `make gen`"
    _, different, errors = filecmp.cmpfiles(tmp_path, ROOT / "gen", map(str, fresh), shallow=False)
    assert not different and not errors, "run `make gen`"


def test_the_dashboards_types_are_up_to_date(tmp_path: Path) -> None:
    document, types = tmp_path / "openapi.json", tmp_path / "types.ts"
    with document.open("w") as file:
        subprocess.run([sys.executable, "-m", "gateway", "openapi"], cwd=ROOT, check=True, stdout=file)
    dashboard = ROOT / "gateway/dashboard"
    assert npm(dashboard, "exec", "--", "openapi-typescript", str(document), "--output", str(types)) == 0
    assert types.read_text() == (dashboard / "src/api/types.ts").read_text(), "run `npm run types` in gateway/dashboard"


def test_the_protos_keep_bufs_standard_and_comment_rules() -> None:
    assert npm(ROOT / "proto", "exec", "--", "buf", "lint", "..") == 0


def test_no_proto_breaks_those_who_use_it() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not in a git checkout: there is nothing to compare with")
    tags = subprocess.run(["git", "describe", "--tags", "--abbrev=0"], cwd=ROOT, capture_output=True, text=True, check=False)
    against = f"../.git#ref={tags.stdout.strip() or 'HEAD'}"
    assert npm(ROOT / "proto", "exec", "--", "buf", "breaking", "..", "--against", against) == 0
