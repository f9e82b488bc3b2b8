"""Settings of notification, for the alerter's settings to include."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr

from kit.settings import ProcessSettings


class NotificationSettings(ProcessSettings):
    """What notification can be told."""

    # Fernet keys, separated by commas: the first encrypts what receivers must keep secret, all decrypt it.
    secrets_key: SecretStr | None = Field(default=None, validation_alias="ASSAY_SECRETS_KEY")
    # Where a key is kept, and made at the first start, if the one above is not set.
    secrets_key_file: Path | None = Field(default=None, validation_alias="ASSAY_SECRETS_KEY_FILE")
    # Where people reach the dashboard, such as https://assay.example.com, for links in messages. Empty: messages have none.
    public_url: str = Field(default="", validation_alias="ASSAY_PUBLIC_URL")
    # Networks inside of ours that messages may be sent to, such as 10.1.2.0/24,127.0.0.1.
    allowed_targets: str = ""
    slack_url: str = "https://slack.com/api"
    pager_duty_url: str = "https://events.pagerduty.com"
    deliveries_kept_days: int = Field(default=30, ge=1)

    @property
    def deliveries_kept(self) -> timedelta:
        """How long deliveries are listed after they ended."""
        return timedelta(days=self.deliveries_kept_days)
