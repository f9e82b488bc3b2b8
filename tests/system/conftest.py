"""One suite for all of these tests; each test has projects of its own in it."""

from collections.abc import Iterator

import pytest

from tests.system.suite import Suite, running_suite


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """The suite as `assay up` runs it, on an empty directory."""
    with running_suite(tmp_path_factory.mktemp("suite") / "data") as running:
        yield running
