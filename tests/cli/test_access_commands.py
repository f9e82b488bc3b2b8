"""Logins, keys and projects, on a running suite."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from cli.work.connection import ADMIN_KEY_FILE
from tests.cli.suite import Suite, assay, eventually


@contextmanager
def logged_in(link: str) -> Iterator[httpx.Client]:
    """A browser that followed the link."""
    parts = urlsplit(link)
    (token,) = parse_qs(parts.query)["token"]
    with httpx.Client(base_url=f"{parts.scheme}://{parts.netloc}", trust_env=False) as client:
        answer = client.post("/api/v1/session", json={"token": token})
        assert answer.status_code == 204, answer.text
        yield client


def test_the_printed_link_logs_a_browser_in_once(suite: Suite) -> None:
    with logged_in(suite.link) as browser:
        assert browser.get("/api/v1/session").json()["roles"] == ["INSTALLATION_ADMIN"]
    with pytest.raises(AssertionError, match="TOKEN_INVALID"), logged_in(suite.link):
        pass


def test_a_fresh_link_can_be_had_at_any_time(suite: Suite) -> None:
    with logged_in(suite.assay("login", "--json").json["url"]) as browser:
        assert browser.get("/api/v1/session").status_code == 200
    with logged_in(suite.assay("login").stdout.strip()) as browser:
        assert browser.get("/api/v1/session").status_code == 200


def test_the_admin_key_is_for_its_owner_alone_and_no_secret_is_told(suite: Suite) -> None:
    assert (suite.data_dir / ADMIN_KEY_FILE).stat().st_mode & 0o777 == 0o600
    run = suite.run_file()
    assert set(run["processes"]) == {"gateway", "collector", "writer", "analyzer", "alerter", "reporter", "postgres", "nats"}
    assert run["url"] == run["processes"]["gateway"]["url"] == suite.link.partition("/login")[0]
    for secret in json.loads((suite.data_dir / "secrets.json").read_text()).values():
        assert secret not in json.dumps(run)


def test_a_key_does_what_its_role_allows_until_it_is_revoked(suite: Suite) -> None:
    made = suite.assay("keys", "create", "--role", "read", "--name", "a reader", "--expires", "90d", "--json").json
    assert (made["project"], made["roles"], made["display_name"]) == ("default", ["READ"], "a reader")
    assert made["expire_time"] is not None
    elsewhere = ("--url", suite.run_file()["processes"]["collector"]["url"], "--key", made["key"])
    assert assay("ledger", "--json", *elsewhere).exit_code == 0
    refused = assay("keys", "list", *elsewhere)
    assert (refused.exit_code, refused.stderr) == (1, "this needs a key with the role ADMIN\n")

    assert made["key_id"] in suite.assay("keys", "list").stdout
    assert made["key"] not in suite.assay("keys", "list", "--json").stdout
    assert suite.assay("keys", "revoke", made["key_id"], "--json").json["revoke_time"] is not None
    eventually(lambda: "revoked" in assay("ledger", *elsewhere).stderr)
    actions = [event["action"] for event in suite.assay("audit", "--json").json["events"]]
    assert {"key.create", "key.revoke"} <= set(actions)


def test_a_key_alone_is_on_standard_output(suite: Suite) -> None:
    made = suite.assay("keys", "create", "--role", "record", "--role", "read")
    assert re.fullmatch(r"assay_\w{12}_[\w-]{43}\n", made.stdout)
    assert "once" in made.stderr


def test_the_installations_keys_are_apart_from_the_projects(suite: Suite) -> None:
    made = suite.assay("keys", "create", "--role", "installation-admin", "--json").json
    assert made["project"] is None
    assert made["key_id"] in suite.assay("keys", "list", "--installation").stdout
    assert made["key_id"] not in suite.assay("keys", "list").stdout
    assert "bootstrap key" in suite.assay("audit", "--installation").stdout
    assert suite.assay("keys", "revoke", made["key_id"], "--installation").stdout == f"{made['key_id']} is revoked\n"


def test_a_lifetime_that_the_collector_refuses_is_one_line(suite: Suite) -> None:
    answer = suite.assay("keys", "create", "--role", "read", "--expires", "999999w")
    assert (answer.exit_code, answer.stderr) == (1, "lifetime: use 1 s to ten years\n")


def test_projects_are_made_listed_and_changed(suite: Suite) -> None:
    made = suite.assay("projects", "create", "berlin", "--time-zone", "Europe/Berlin", "--series-limit", 5, "--json").json
    assert (made["time_zone"], made["series_limit"]) == ("Europe/Berlin", 5)
    assert suite.assay("projects", "update", "berlin", "--series-limit", 7, "--json").json["series_limit"] == 7
    assert "Europe/Berlin" in suite.assay("projects", "update", "berlin").stdout
    assert {"berlin", "default"} <= {each["project"] for each in suite.assay("projects", "list", "--json").json["projects"]}
    assert "berlin" in suite.assay("projects", "list").stdout
    again = suite.assay("projects", "create", "berlin")
    assert (again.exit_code, len(again.stderr.splitlines())) == (1, 1)
