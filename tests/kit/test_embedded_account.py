"""The choice of PostgreSQL's account, whatever accounts the system has. Making one is not tried out on this system."""

import os
import pwd
import shutil
from pathlib import Path

import pytest

from kit.embedded import account
from kit.embedded.account import server_account
from kit.errors import AssayError

ASSAY = pwd.struct_passwd(("assay", "x", 901, 902, "", "/nonexistent", "/bin/false"))
POSTGRES = pwd.struct_passwd(("postgres", "x", 903, 904, "", "/nonexistent", "/bin/false"))
ROOT = pwd.struct_passwd(("root", "x", 0, 0, "", "/root", "/bin/sh"))


def accounts(monkeypatch: pytest.MonkeyPatch, *entries: pwd.struct_passwd) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwall", lambda: [ROOT, *entries])


def test_an_ordinary_user_stays_who_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert server_account(tmp_path, [tmp_path]) is None


@pytest.mark.parametrize(("entries", "uid"), [((POSTGRES,), 903), ((POSTGRES, ASSAY), 901)])
def test_root_takes_the_account_made_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, entries: tuple[pwd.struct_passwd, ...], uid: int
) -> None:
    accounts(monkeypatch, *entries)
    chosen = server_account(tmp_path / "absent", [])
    assert chosen is not None
    assert (chosen.uid, chosen.reach_all) == (uid, False)


def test_without_an_account_root_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    accounts(monkeypatch)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(AssayError, match="run Assay as an ordinary user") as caught:
        server_account(tmp_path / "absent", [])
    assert caught.value.reason == "NO_SERVER_ACCOUNT"


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "passes"),
    [
        (0o701, 0, 0, True),
        (0o710, 0, 0, False),
        (0o710, 0, 902, True),
        (0o701, 0, 902, False),  # the group's bits count for its members, not everybody's
        (0o700, 901, 0, True),
        (0o077, 901, 902, False),
    ],
)
def test_who_may_pass_through_a_directory(mode: int, uid: int, gid: int, passes: bool) -> None:
    status = os.stat_result((0o040000 | mode, 0, 0, 1, uid, gid, 0, 0, 0, 0))
    assert account._may_pass(status, ASSAY) is passes
