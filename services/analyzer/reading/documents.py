"""Reads XML, JSON and text that nobody vouches for: without entities, not too deep, and saying where it is wrong."""

import json
import re
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from kit.errors import AssayError, Kind

# Far deeper than any report; each level costs the parsers stack.
DEPTH_MAX = 64
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[{]|[\]}]")


def unreadable(line: int, reason: str) -> AssayError:
    """The refusal of a report that is not what it says it is; the line counts from 1."""
    return AssayError(Kind.INVALID_ARGUMENT, "REPORT_UNREADABLE", f"line {line}: {reason}", details={"line": str(line)})


def text_of(content: bytes) -> str:
    """UTF-8 text, with or without a byte-order mark. Raises AssayError for anything else."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unreadable(content.count(b"\n", 0, error.start) + 1, "it is not UTF-8") from None


def xml_of(content: bytes, root_names: frozenset[str]) -> Element:
    """The root of an XML document; it has to be one of those named. Nothing it refers to is fetched. Raises AssayError."""
    try:
        root: Element = ElementTree.fromstring(content, forbid_external=True)
    except DefusedXmlException:
        raise unreadable(1, "it declares entities or refers to what is outside of it, which is not read") from None
    except ParseError as error:
        raise unreadable(error.position[0], f"it is not XML ({error.msg})") from None
    except (LookupError, ValueError):
        raise unreadable(1, "its encoding is not known") from None
    if root.tag not in root_names:
        raise unreadable(1, f"it begins with <{root.tag[:40]}>, not with <{'> or <'.join(sorted(root_names))}>")
    _check_depth(root)
    return root


def _check_depth(root: Element) -> None:
    level, depth = list(root), 1
    while level:
        depth += 1
        if depth > DEPTH_MAX:
            raise unreadable(1, f"its elements are nested more than {DEPTH_MAX} deep")
        level = [child for element in level for child in element]


def json_of(content: bytes) -> dict[str, Any]:
    """A JSON object. Raises AssayError for anything else and for one that is nested too deeply."""
    text = text_of(content)
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub(b"", content)):
        depth += 1 if bracket.group() in b"[{" else -1
        if depth > DEPTH_MAX:
            raise unreadable(1, f"it is nested more than {DEPTH_MAX} deep")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise unreadable(error.lineno, f"it is not JSON ({error.msg})") from None
    except ValueError:
        raise unreadable(1, "it has a number of more digits than are read") from None
    if not isinstance(value, dict):
        raise unreadable(1, "it is not a JSON object")
    return value
