"""Quotas, as the command sets and shows them."""

from tests.cli.suite import Suite

LIMITS = ("calls_per_s_limit", "calls_burst_limit", "open_streams_limit")


def test_a_projects_limits_are_set_shown_and_taken_back(suite: Suite) -> None:
    made = suite.assay("projects", "create", "quota", "--calls-per-s", 500, "--calls-burst", 5_000, "--json").json
    assert [made[limit] for limit in LIMITS] == [500, 5_000, 0]
    changed = suite.assay("projects", "update", "quota", "--calls-per-s", 0, "--open-streams", 20, "--json").json
    assert [changed[limit] for limit in LIMITS] == [0, 5_000, 20]
    assert "calls_burst_limit" in suite.assay("projects", "list").stdout


def test_a_key_is_made_with_limits_of_its_own(suite: Suite) -> None:
    made = suite.assay("keys", "create", "--role", "record", "--calls-per-s", 50, "--json").json
    assert [made[limit] for limit in LIMITS] == [50, 0, 0]
    (listed,) = [each for each in suite.assay("keys", "list", "--json").json["keys"] if each["key_id"] == made["key_id"]]
    assert listed["calls_per_s_limit"] == 50


def test_a_limit_out_of_range_is_one_line(suite: Suite) -> None:
    refused = suite.assay("projects", "update", "default", "--open-streams", 301)
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "open_streams_limit" in refused.stderr
