"""Fixtures of the command's tests."""

from collections.abc import Iterator

import pytest

from tests.cli.suite import Suite, started


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """One suite for all tests that need one to be there."""
    with started(tmp_path_factory.mktemp("suite")) as running:
        yield running
