"""Settings of a process: read once from the environment, checked, and never changed."""

import sys
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from kit.listen import INSECURE_CONNECT_SETTING, INSECURE_LISTEN_SETTING
from kit.tls import ClientFiles, ServerFiles

EXIT_SETTINGS = 2

# These hold credentials, so they show as ********** wherever they are printed.
DatabaseUrl = Annotated[SecretStr, Field(validation_alias="ASSAY_DATABASE_URL")]
NatsUrl = Annotated[SecretStr, Field(validation_alias="ASSAY_NATS_URL")]
# What services show when they ask each other in their own name: a key of the installation that may read.
ServiceKey = Annotated[SecretStr, Field(validation_alias="ASSAY_SERVICE_KEY")]
# Set to nothing means not set, as where a deployment writes every variable.
_File = Annotated[Path | None, BeforeValidator(lambda given: given or None)]


class TlsSettings(BaseSettings):
    """Files in PEM form, and what is allowed without them. They are read again when they change on disk."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    tls_certificate: _File = Field(default=None, validation_alias="ASSAY_TLS_CERTIFICATE")
    tls_key: _File = Field(default=None, validation_alias="ASSAY_TLS_KEY")
    # Set: gRPC is served only to those who show a certificate that one of these authorities has signed. The other one does so for HTTP.
    tls_client_ca: _File = Field(default=None, validation_alias="ASSAY_TLS_CLIENT_CA")
    tls_http_client_ca: _File = Field(default=None, validation_alias="ASSAY_TLS_HTTP_CLIENT_CA")

    # Set: other processes of Assay are reached by TLS, and must show a certificate of one of these authorities.
    tls_ca: _File = Field(default=None, validation_alias="ASSAY_TLS_CA")
    tls_server_name: str = Field(default="", validation_alias="ASSAY_TLS_SERVER_NAME")
    # Shown to whom we connect to, database and bus included.
    tls_client_certificate: _File = Field(default=None, validation_alias="ASSAY_TLS_CLIENT_CERTIFICATE")
    tls_client_key: _File = Field(default=None, validation_alias="ASSAY_TLS_CLIENT_KEY")
    # The same for database and bus, which mostly have authorities of their own.
    database_tls_ca: _File = Field(default=None, validation_alias="ASSAY_DATABASE_TLS_CA")
    nats_tls_ca: _File = Field(default=None, validation_alias="ASSAY_NATS_TLS_CA")

    insecure_listen: bool = Field(default=False, validation_alias=INSECURE_LISTEN_SETTING)
    insecure_connect: bool = Field(default=False, validation_alias=INSECURE_CONNECT_SETTING)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("ASSAY_TLS_CERTIFICATE and ASSAY_TLS_KEY go together")
        if (self.tls_client_certificate is None) != (self.tls_client_key is None):
            raise ValueError("ASSAY_TLS_CLIENT_CERTIFICATE and ASSAY_TLS_CLIENT_KEY go together")
        if self.tls_certificate is None and (self.tls_client_ca or self.tls_http_client_ca):
            raise ValueError("asking clients for certificates takes one of our own: set ASSAY_TLS_CERTIFICATE and ASSAY_TLS_KEY, too")
        return self

    @property
    def grpc_tls(self) -> ServerFiles | None:
        """What gRPC is served with, None for plain connections."""
        return self._served(self.tls_client_ca)

    @property
    def http_tls(self) -> ServerFiles | None:
        """What HTTP is served with, None for plain connections."""
        return self._served(self.tls_http_client_ca)

    @property
    def client_tls(self) -> ClientFiles | None:
        """How other processes of Assay are reached, None for plain connections."""
        return self._reached(self.tls_ca, self.tls_server_name)

    @property
    def database_tls(self) -> ClientFiles | None:
        """How PostgreSQL is reached, None for as its URL says."""
        return self._reached(self.database_tls_ca)

    @property
    def nats_tls(self) -> ClientFiles | None:
        """How NATS is reached, None for as its URL and the server say."""
        return self._reached(self.nats_tls_ca)

    def _served(self, client_ca: Path | None) -> ServerFiles | None:
        if self.tls_certificate is None or self.tls_key is None:
            return None
        return ServerFiles(self.tls_certificate, self.tls_key, client_ca)

    def _reached(self, ca: Path | None, server_name: str = "") -> ClientFiles | None:
        return None if ca is None else ClientFiles(ca, self.tls_client_certificate, self.tls_client_key, server_name)


class ProcessSettings(TlsSettings):
    """What every process can be told. A process adds its own fields and its prefix, such as ASSAY_COLLECTOR_.

    Names in the environment that no field has are left alone: Kubernetes puts ASSAY_COLLECTOR_PORT and the like
    there for a service called assay-collector. For the same reason, call no field `port`.
    """

    log_level: Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", validation_alias="ASSAY_LOG_LEVEL")
    log_format: Literal["text", "json"] = Field(default="text", validation_alias="ASSAY_LOG_FORMAT")
    ops_listen: str = "127.0.0.1:0"


Settings = TypeVar("Settings", bound=BaseSettings)


def load(cls: type[Settings]) -> Settings:
    """Reads the environment. A wrong or missing value ends the process with exit code 2 and one line that names it."""
    try:
        return cls()
    except ValidationError as error:
        problems = "; ".join(": ".join(filter(None, (_variable(cls, each["loc"]), each["msg"]))) for each in error.errors())
        print(f"wrong setting: {problems}", file=sys.stderr)
        raise SystemExit(EXIT_SETTINGS) from None


def _variable(cls: type[BaseSettings], location: tuple[int | str, ...]) -> str:
    """The environment variable of a field; pydantic locates a field by its alias where it has one."""
    name = str(location[0]) if location else ""
    field: FieldInfo | None = cls.model_fields.get(name)
    if field is None:
        return name
    return str(field.validation_alias or f"{cls.model_config.get('env_prefix', '')}{name}".upper())
