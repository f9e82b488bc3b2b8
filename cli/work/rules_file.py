"""Rules as YAML: the contract's Rule, with durations such as `5m` and enums in small letters without their prefix."""

import re
from collections.abc import Iterable
from difflib import unified_diff
from typing import Any

import yaml
from assay.alerter.v1.rule_service_pb2 import Rule
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from kit.errors import AssayError, Kind

FILE_BYTES_MAX = 4 * 1024 * 1024  # a thousand rules with long descriptions
RULES_KEY = "rules"
# Names that read better in a file than in the contract.
_SHORT = {"for_duration": "for", "keep_firing_duration": "keep_firing"}
_LONG = {short: name for name, short in _SHORT.items()}
# What the alerter itself says of a rule.
_OUTPUTS = frozenset({"create_time", "update_time", "updated_by", "version"})
_UNITS_S = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(?P<d>\d{1,6})d)?(?:(?P<h>\d{1,6})h)?(?:(?P<m>\d{1,6})m)?(?:(?P<s>\d{1,9})s)?")


def parse(text: str) -> list[Rule]:
    """The rules of a file. Raises AssayError RULES_FILE_INVALID with where and what is wrong."""
    if len(text.encode()) > FILE_BYTES_MAX:
        raise _wrong(RULES_KEY, f"the file is larger than {FILE_BYTES_MAX} bytes")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _wrong("file", str(error)) from error
    if not isinstance(content, dict) or set(content) != {RULES_KEY} or not isinstance(content[RULES_KEY], list):
        raise _wrong("file", "a file of rules is one list, under the name `rules`")
    rules = [_rule(each, f"{RULES_KEY}[{number}]") for number, each in enumerate(content[RULES_KEY])]
    ids = [rule.rule_id for rule in rules]
    twice = sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1})
    if twice:
        raise _wrong(RULES_KEY, f"there are several rules with the id {twice[0]!r}")
    return rules


def export(rules: Iterable[Rule]) -> str:
    """The file of these rules; parsing it gives them again, without what the alerter itself says of them."""
    return yaml.safe_dump({RULES_KEY: [_plain(rule) for rule in rules]}, sort_keys=False, allow_unicode=True, width=120)


def difference(before: Rule | None, after: Rule | None) -> str:
    """What changes, as lines that begin with - and +; empty if nothing does. None: there is no such rule."""
    old, new = ([] if rule is None else export([rule]).splitlines() for rule in (before, after))
    lines = unified_diff(old, new, lineterm="", n=1)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def _rule(value: object, where: str) -> Rule:
    try:
        return json_format.ParseDict(_json(Rule.DESCRIPTOR, value, where), Rule())
    except json_format.ParseError as error:
        raise _wrong(where, str(error)) from error


def _json(descriptor: Any, value: object, where: str) -> dict[str, Any]:
    """A message's fields in protobuf's JSON form; protobuf has two classes of descriptors, alike in all but type."""
    if not isinstance(value, dict):
        raise _wrong(where, "is to be names and their values")
    made: dict[str, Any] = {}
    for name, given in value.items():
        field = descriptor.fields_by_name.get(_LONG.get(name, name))
        if field is None or (descriptor is Rule.DESCRIPTOR and field.name in _OUTPUTS):
            raise _wrong(f"{where}.{name}", "is no name that there is")
        made[field.name] = _field(field, given, f"{where}.{name}")
    return made


def _field(field: Any, value: object, where: str) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return value
    if field.is_repeated:
        if not isinstance(value, list):
            raise _wrong(where, "is to be a list")
        return [_value(field, each, f"{where}[{number}]") for number, each in enumerate(value)]
    return _value(field, value, where)


def _value(field: Any, value: object, where: str) -> Any:
    if field.enum_type is not None:
        name = f"{_prefix(field.enum_type)}{value}".upper()
        if name not in field.enum_type.values_by_name:
            known = ", ".join(each.name.removeprefix(_prefix(field.enum_type)).lower() for each in field.enum_type.values[1:])
            raise _wrong(where, f"must be one of {known}")
        return name
    if field.message_type is None:
        return value
    if field.message_type.full_name == Duration.DESCRIPTOR.full_name:
        return f"{_seconds(value, where)}s"
    return _json(field.message_type, value if value is not None else {}, where)


def _seconds(value: object, where: str) -> int:
    match = _DURATION.fullmatch(str(value))
    if match is None or not match.group():
        raise _wrong(where, "is to be a duration such as 90s, 5m, 1h30m or 3d")
    return sum(int(match[unit] or 0) * length for unit, length in _UNITS_S.items())


def _plain(message: Message) -> dict[str, Any]:
    """A message's set fields as they stand in a file."""
    made: dict[str, Any] = {}
    for field, value in message.ListFields():
        if isinstance(message, Rule) and field.name in _OUTPUTS:
            continue
        name = _SHORT.get(field.name, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            made[name] = dict(sorted(value.items()))
        elif field.is_repeated:
            made[name] = [_plain_value(field, each) for each in value]
        else:
            made[name] = _plain_value(field, value)
    return made


def _plain_value(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        return str(field.enum_type.values_by_number[value].name).removeprefix(_prefix(field.enum_type)).lower()
    if isinstance(value, Duration):
        return _duration(value.seconds)
    return _plain(value) if isinstance(value, Message) else value


def _duration(seconds: int) -> str:
    parts = []
    for unit, length in _UNITS_S.items():
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _prefix(enum: Any) -> str:
    return str(enum.values_by_number[0].name).removesuffix("UNSPECIFIED")


def _wrong(where: str, what: str) -> AssayError:
    return AssayError(Kind.INVALID_ARGUMENT, "RULES_FILE_INVALID", f"{where}: {what}")
