"""Fixtures of the command's tests."""

import os
from collections.abc import Iterator

import pytest

from tests.cli.suite import Suite, started


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> None:
    for name in [name for name in os.environ if name.startswith("ASSAY_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """One suite for all tests that need one to be there."""
    with started(tmp_path_factory.mktemp("suite")) as running:
        yield running
