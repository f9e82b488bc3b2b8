"""One suite for all of these tests; each test has projects of its own in it."""

from collections.abc import Iterator

import pytest

from tests.system.suite import Suite, running_suite


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """The suite as `assay up` runs it, on an empty directory. Its rules are looked at rarely: the projects of all tests add up."""
    with running_suite(tmp_path_factory.mktemp("suite") / "data", {"ASSAY_ALERTER_EVALUATE_EVERY_S": "60"}) as running:
        yield running
