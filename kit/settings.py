"""Settings of a process: read once from the environment, checked, and never changed."""

import sys
from typing import Annotated, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from kit.listen import INSECURE_LISTEN_SETTING

EXIT_SETTINGS = 2

# Both hold credentials, so they show as ********** wherever they are printed.
DatabaseUrl = Annotated[SecretStr, Field(validation_alias="ASSAY_DATABASE_URL")]
NatsUrl = Annotated[SecretStr, Field(validation_alias="ASSAY_NATS_URL")]


class ProcessSettings(BaseSettings):
    """What every process can be told. A process adds its own fields and its prefix, such as ASSAY_COLLECTOR_.

    Names in the environment that no field has are left alone: Kubernetes puts ASSAY_COLLECTOR_PORT and the like
    there for a service called assay-collector. For the same reason, call no field `port`.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    log_level: Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", validation_alias="ASSAY_LOG_LEVEL")
    log_format: Literal["text", "json"] = Field(default="text", validation_alias="ASSAY_LOG_FORMAT")
    insecure_listen: bool = Field(default=False, validation_alias=INSECURE_LISTEN_SETTING)
    ops_listen: str = "127.0.0.1:0"


Settings = TypeVar("Settings", bound=BaseSettings)


def load(cls: type[Settings]) -> Settings:
    """Reads the environment. A wrong or missing value ends the process with exit code 2 and one line that names it."""
    try:
        return cls()
    except ValidationError as error:
        problems = "; ".join(f"{_variable(cls, each['loc'])}: {each['msg']}" for each in error.errors())
        print(f"wrong setting: {problems}", file=sys.stderr)
        raise SystemExit(EXIT_SETTINGS) from None


def _variable(cls: type[BaseSettings], location: tuple[int | str, ...]) -> str:
    """The environment variable of a field; pydantic locates a field by its alias where it has one."""
    name = str(location[0]) if location else ""
    field: FieldInfo | None = cls.model_fields.get(name)
    if field is None:
        return name
    return str(field.validation_alias or f"{cls.model_config.get('env_prefix', '')}{name}".upper())
