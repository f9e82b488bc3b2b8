"""The settings in the environment: names that nobody reads, and values that nobody takes."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from cli.work.doctor.finding import Finding, ok, trouble, warning
from gateway.settings import GatewaySettings
from services.alerter.settings import AlerterSettings
from services.analyzer.settings import AnalyzerSettings
from services.collector.settings import FrontSettings, WriterSettings
from services.reporter.settings import ReporterSettings

PREFIX = "ASSAY_"
PROCESSES: tuple[type[BaseSettings], ...] = (
    FrontSettings,
    WriterSettings,
    AnalyzerSettings,
    AlerterSettings,
    ReporterSettings,
    GatewaySettings,
)
# Read by the command and by the client library, which have no class of settings of this kind; the library checks its own.
OF_THE_CLIENT = "ASSAY_CLIENT_"
OTHERS = frozenset(
    {
        *("ASSAY_DATA_DIR", "ASSAY_URL", "ASSAY_KEY", "ASSAY_PROJECT"),
        *(f"ASSAY_{process}_URL" for process in ("ANALYZER", "ALERTER", "REPORTER", "GATEWAY")),
    }
)
# Kubernetes puts these there for services whose names begin with assay.
_OF_KUBERNETES = re.compile(r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)$")
# What `assay up` gives its processes itself need not be in the environment.
_GIVEN_BY_US = frozenset({"ASSAY_DATABASE_URL", "ASSAY_NATS_URL", "ASSAY_SERVICE_KEY"})


def known_names() -> frozenset[str]:
    """Every environment variable that a process or the command reads."""
    return OTHERS | {name for cls in PROCESSES for name, _ in _variables(cls)}


def look_at_settings(environment: Mapping[str, str], *, is_embedded: bool) -> list[Finding]:
    """What is wrong with the variables that begin with ASSAY_. `is_embedded`: a suite of `assay up`, which sets what is missing."""
    given = sorted(name for name in environment if name.startswith(PREFIX))
    known = known_names()
    findings = [_unknown(name, known) for name in given if not (name in known or _is_of_others(name))]
    faults = {fault for cls in PROCESSES for fault in _faults(cls, is_embedded=is_embedded)}
    findings += [
        trouble("settings", f"{name}: {why}", "correct it: a process that reads it ends at its start") for name, why in sorted(faults)
    ]
    return findings or [ok("settings", f"{len(given)} in the environment, all of them known and valid")]


def _variables(cls: type[BaseSettings]) -> Iterator[tuple[str, str]]:
    """Each field's environment variable, and its name."""
    for name, field in cls.model_fields.items():
        yield str(field.validation_alias or f"{cls.model_config.get('env_prefix', '')}{name}".upper()), name


def _is_of_others(name: str) -> bool:
    return name.startswith(OF_THE_CLIENT) or _OF_KUBERNETES.search(name) is not None


def _unknown(name: str, known: frozenset[str]) -> Finding:
    near = get_close_matches(name, known, 1)
    advice = f"did you mean {near[0]}?" if near else "remove it, or see docs/operating.md for the settings that there are"
    return warning("settings", f"{name} is set, and nothing reads it", advice)


def _faults(cls: type[BaseSettings], *, is_embedded: bool) -> Iterator[tuple[str, str]]:
    """Variables and what is wrong with their values."""
    try:
        cls()
    except ValidationError as error:
        variables = {name: variable for variable, name in _variables(cls)}
        for each in error.errors():
            name = str(each["loc"][0]) if each["loc"] else "settings"
            variable = variables.get(name, name)
            if not (is_embedded and each["type"] == "missing" and variable in _GIVEN_BY_US):
                yield variable, each["msg"]
