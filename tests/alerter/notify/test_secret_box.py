"""Encryption of secrets, and the file of the key."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from kit.errors import AssayError
from kit.secret_keys import load_keys
from services.alerter.secret_box import KEYS_MAX, SecretBox

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    sealed = SecretBox([OLD]).seal({"password": "pa55word", "keys": ["a", "b"]})
    both = SecretBox([NEW, OLD])
    assert b"pa55word" not in sealed
    assert both.open(sealed) == {"password": "pa55word", "keys": ["a", "b"]}
    assert not both.is_current(sealed) and both.is_current(both.seal({"x": "y"}))
    assert len(both.link_keys[0]) == 32 and both.link_keys[0] != both.link_keys[1]
    assert OLD.encode() not in both.link_keys


def test_without_its_key_a_secret_is_unreadable_and_says_so() -> None:
    sealed = SecretBox([OLD]).seal({"x": "y"})
    with pytest.raises(AssayError) as refused:
        SecretBox([NEW]).open(sealed)
    assert refused.value.reason == "SECRETS_UNREADABLE"


def test_without_any_key_only_nothing_can_be_kept() -> None:
    box = SecretBox([])
    assert box.open(box.seal({})) == {} and box.link_keys == ()
    with pytest.raises(AssayError) as refused:
        box.seal({"x": "y"})
    assert refused.value.reason == "SECRETS_KEY_MISSING"


@pytest.mark.parametrize("keys", [["short"], ["!" * 44], [OLD] * (KEYS_MAX + 1)])
def test_what_is_no_key_is_refused_without_being_told(keys: list[str]) -> None:
    with pytest.raises(AssayError) as refused:
        SecretBox(keys)
    assert refused.value.reason == "SECRETS_KEY_INVALID" and keys[0] not in refused.value.message


def test_the_setting_goes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "secrets.key"
    assert load_keys(f" {NEW}, {OLD} ,", file) == [NEW, OLD]
    assert not file.exists() and load_keys("", None) == []


def test_all_who_start_at_once_find_one_key_that_nobody_else_may_read(tmp_path: Path) -> None:
    file = tmp_path / "secrets.key"
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: tuple(load_keys("", file)), range(8)))
    assert len(set(found)) == 1 and SecretBox(found[0])
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]
