"""The documentation holds together: every page is in the navigation, every link leads somewhere, the reference is whole."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from docs import pages, reference, reference_http
from gateway.app import api
from gateway.settings import GatewaySettings

ROOT = Path(__file__).resolve().parents[2]
# Pages that hosts of code show, and the site does not.
OUTSIDE = [PurePosixPath("README.md"), PurePosixPath("client/README.md")]


@pytest.fixture(scope="module")
def references() -> dict[str, str]:
    return pages.references(ROOT, api(GatewaySettings()).openapi())


def navigated(entry: Any) -> Iterator[str]:
    """The pages below an entry of the navigation."""
    if isinstance(entry, str):
        yield entry
    else:
        for below in entry.values() if isinstance(entry, dict) else entry:
            yield from navigated(below)


def test_every_page_is_in_the_navigation_once_and_no_other(references: dict[str, str]) -> None:
    listed = list(navigated(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    written = {str(pages.file_place(source)) for source in pages.sources(ROOT)}
    assert sorted(listed) == sorted(written | {"decisions/index.md"} | {f"reference/{name}" for name in references})


@pytest.mark.parametrize("source", [*OUTSIDE, *pages.sources(ROOT)], ids=str)
def test_every_relative_link_leads_to_a_file(source: PurePosixPath) -> None:
    targets = [link.partition("#")[0] for link in pages.links((ROOT / source).read_text())]
    assert [target for target in targets if not (ROOT / source.parent / target).exists()] == []


def test_the_reference_has_every_rpc_and_type_and_its_links_lead_to_them(references: dict[str, str]) -> None:
    anchors = {(name, anchor) for name, text in references.items() for anchor in re.findall(r"\{ #(\S+) \}$", text, re.MULTILINE)}
    links = {
        (there or name, anchor) for name, text in references.items() for there, anchor in re.findall(r"\]\(([\w.-]*)#([\w.]+)\)", text)
    }
    assert links <= anchors
    for file in reference.descriptors(ROOT / "proto").file:
        page = reference.page_name(file.package)
        assert {(page, f"{service.name}.{rpc.name}") for service in file.service for rpc in service.method} <= anchors
        assert {(page, message.name) for message in file.message_type} | {(page, enum.name) for enum in file.enum_type} <= anchors


def test_the_reference_says_what_the_comments_say(references: dict[str, str]) -> None:
    telemetry, collector, http = (references[name] for name in ("telemetry-v1.md", "collector-v1.md", "http.md"))
    assert "| 12 | `outcome` | [CallOutcome](#CallOutcome) | How it ended. |" in telemetry
    assert "| 17 | `labels` | map of string to string | Anything else worth keeping" in telemetry
    assert "| 2 | `call_id` | string, one of `subject` | The call that gave the answer, 1 to 64 bytes. |" in telemetry
    assert "| 15 | `cost_usd_nanos` | optional int64 |" in telemetry
    assert "stream of [StreamCallsRequest](#StreamCallsRequest) → stream of [StreamCallsResponse](#StreamCallsResponse)" in collector
    assert "| 3 | `calls` | repeated [Call](telemetry-v1.md#Call) | At most 5,000 calls, and 8 MB in all. |" in collector
    assert "### GET /api/v1/metrics" in http
    assert "| `group_by` | query | list of string | Any of provider, model, task_type, prompt_name, prompt_version. |" in http


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}, "date-time or null"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Call"}}, "list of [Call](http-types.md#Call)"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "map of integer"),
        ({"enum": ["a", "b"], "type": "string"}, "`a`, `b`"),
        ({"const": 1}, "`1`"),
        ({}, "anything"),
    ],
)
def test_a_type_of_http_is_told_in_a_few_words(schema: dict[str, Any], words: str) -> None:
    operation = {"tags": ["t"], "operationId": "o", "responses": {"200": {"content": {"application/json": {"schema": schema}}}}}
    document = {"paths": {"/p": {"get": operation}}, "components": {"schemas": {}}}
    assert f"Answer, 200: `application/json`: {words}\n" in reference_http.pages(document)["http.md"]


@pytest.mark.parametrize(
    ("source", "link", "there"),
    [
        ("docs/client.md", "../proto/assay/telemetry/v1/call.proto", "reference/telemetry-v1.md"),
        ("docs/own-client.md", "../proto/assay", "reference/index.md"),
        ("docs/events.md", "../proto/assay/events/v1", "reference/events-v1.md"),
        ("docs/own-client.md", "examples/go", "examples/go/README.md"),
        ("docs/examples/go/README.md", "main.go", "../../source/docs/examples/go/main.go.md"),
        ("docs/operating.md", "security.md#quotas", "security.md#quotas"),
        ("docs/index.md", "../README.md", "index.md"),
        ("docs/decisions/0009-quality.md", "../quality.md", "../quality.md"),
        ("CONTRIBUTING.md", "docs/decisions", "decisions/index.md"),
        ("docs/client.md", "https://example.com/a.md", "https://example.com/a.md"),
    ],
)
def test_links_lead_to_the_same_thing_on_the_site(source: str, link: str, there: str) -> None:
    text, _ = pages.relinked(f"See [it]({link}).\n", PurePosixPath(source), ROOT)
    assert text == f"See [it]({there}).\n"


def test_a_link_to_a_folder_without_a_page_is_words_alone_and_code_is_left_alone() -> None:
    text = "[deploy/](../deploy) and\n\n```python\ncalls[0](a.md)\n```\n"
    assert pages.relinked(text, PurePosixPath("docs/index.md"), ROOT) == ("deploy/ and\n\n```python\ncalls[0](a.md)\n```\n", set())
    assert pages.links(text) == ["../deploy"]


def test_what_is_linked_and_no_page_becomes_one_and_pictures_are_copied() -> None:
    made = dict(pages.written(ROOT))
    assert str(made[PurePosixPath("source/gateway/settings.py.md")]).startswith("# gateway/settings.py\n\n````python\n")
    assert made[PurePosixPath("images/overview-light.png")] == ROOT / "docs/images/overview-light.png"
    assert "(0001-columns-on-the-bus.md)" in str(made[PurePosixPath("decisions/index.md")])


def test_text_of_comments_is_no_markup() -> None:
    assert reference.escaped("below <b> but `a <b> c`") == "below &lt;b> but `a <b> c`"
    assert reference.cell("a | b\nc") == "a \\| b c"


def test_what_builds_the_site_is_locked_by_hashes_and_names_no_index() -> None:
    lock = (ROOT / "docs/requirements.lock").read_text()
    assert all("--hash=sha256:" in package for package in re.split(r"\n(?=\S)", lock.strip()))
    assert "index-url" not in lock and "find-links" not in lock
    assert not yaml.safe_load((ROOT / "mkdocs.yml").read_text())["theme"]["font"]
