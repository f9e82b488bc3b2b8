"""Where numbers are sent to: a file of targets, read once and checked whole."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from kit.errors import AssayError, Kind
from kit.listen import join, require_safe_target
from services.collector.domain.remote_write import Histograms
from services.collector.store.exports import TargetKind
from services.collector.store.metrics import DIMENSIONS

TARGETS_MAX = 16
FILE_BYTES_MAX = 64 * 1024
_PORTS = {"http": 80, "https": 443}

Dimension = Literal["provider", "model", "task_type", "prompt_name", "prompt_version"]


class Target(BaseModel):
    """One target. `authorization` is the header as it is sent; `projects` empty means all, `by` which terms become labels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")
    kind: Literal["remote_write", "influxdb"]
    url: str = Field(max_length=2_048)
    authorization: SecretStr = SecretStr("")
    authorization_file: Path | None = None
    projects: tuple[str, ...] = Field(default=(), max_length=1_000)
    # Of remote write alone: how often counters are sent, by which terms, and their histograms as what.
    every_s: int = Field(default=60, ge=10, le=3_600)
    by: tuple[Dimension, ...] = DIMENSIONS  # type: ignore[assignment]  # a test holds both lists together
    histograms: Histograms = Histograms.CLASSIC

    @field_validator("url")
    @classmethod
    def _reachable(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
            raise ValueError("must be an address like https://host/api/v1/write, without a user or password in it")
        return value

    @model_validator(mode="after")
    def _one_authorization(self) -> Self:
        if self.authorization.get_secret_value() and self.authorization_file is not None:
            raise ValueError("authorization and authorization_file exclude each other")
        return self

    @property
    def sends(self) -> TargetKind:
        """What it is sent."""
        return TargetKind.COUNTERS if self.kind == "remote_write" else TargetKind.WINDOWS

    @property
    def address(self) -> str:
        """The URL as it is shown, without what may be secret in its query."""
        return self.url.partition("?")[0]

    def wants(self, project: str) -> bool:
        """Whether the project is sent to it."""
        return not self.projects or project in self.projects

    def header(self) -> str:
        """The authorization, read anew each time where it is in a file, so that it can be renewed. Raises OSError."""
        if self.authorization_file is not None:
            return self.authorization_file.read_text().strip()
        return self.authorization.get_secret_value()


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    targets: Annotated[tuple[Target, ...], Field(max_length=TARGETS_MAX)]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if len({target.name for target in self.targets}) < len(self.targets):
            raise ValueError("two targets have the same name")
        return self


def read_targets(path: Path | None, *, allow_insecure: bool) -> tuple[Target, ...]:
    """The targets of a file, none where there is no file.

    Raises EXPORT_TARGETS_INVALID, and CONNECT_INSECURE for a target beyond this machine without TLS, unless that is allowed.
    """
    if path is None:
        return ()
    try:
        targets = _File.model_validate(yaml.safe_load(_content(path))).targets
    except ValidationError as error:
        # Not pydantic's own text, which would show what was given, secrets included.
        problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False))
        raise _invalid(path, problems) from None
    except yaml.YAMLError:
        raise _invalid(path, "it is not YAML") from None
    except (OSError, ValueError) as error:
        raise _invalid(path, str(error)) from error
    for target in targets:
        parts = urlsplit(target.url)
        if parts.scheme == "http":
            require_safe_target(join(parts.hostname or "", parts.port or _PORTS["http"]), allow_insecure=allow_insecure)
    return targets


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise ValueError(f"there are more than {FILE_BYTES_MAX:,} bytes")
    return content


def _invalid(path: Path, why: str) -> AssayError:
    return AssayError(Kind.INVALID_ARGUMENT, "EXPORT_TARGETS_INVALID", f"the targets in {path} cannot be used: {why}")
