"""What the environment says. No other file reads it."""

from typing import Annotated, Any

from cryptography.fernet import Fernet
from pydantic import DirectoryPath, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from connectors.addresses import networks


class WrongSettingsError(Exception):
    """The environment lacks something, or something in it is wrong. Says what, and never its value."""

    def __init__(self, error: ValidationError) -> None:
        lines = [
            f"  {str(found['loc'][0]).upper()}: {found['msg'].removeprefix('Value error, ')}"
            for found in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        super().__init__("These settings, from the environment, are missing or wrong:\n" + "\n".join(lines))


class StoreSettings(BaseSettings):
    """What every command needs: where things are kept, and the key to what is sealed there."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_file=".env", env_ignore_empty=True)

    database_url: str = "sqlite:///cicflow.sqlite"
    """`sqlite:///file` or `postgresql://user:password@host/name`."""
    cicflow_key: Annotated[list[SecretStr], NoDecode, Field(min_length=1)]
    """Fernet keys, separated by commas: the first seals, all of them open."""
    cicflow_public_url: str | None = None
    """Where the internet reaches this bot; Auth0 sends its events there."""
    cicflow_proxy: str | None = None
    """A proxy for calls to other services."""
    cicflow_http_allow: Annotated[list[str], NoDecode] = []
    """Private networks that the HTTP connector may call, separated by commas, such as 10.1.0.0/16."""
    cicflow_log_level: str = "INFO"
    slack_bot_token: SecretStr | None = None
    """The app's token, with which flows act in Slack, too."""
    slack_api_url: str = "https://slack.com/api/"

    @field_validator("cicflow_http_allow", mode="before")
    @classmethod
    def _split_networks(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("cicflow_http_allow")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        try:
            networks(value)
        except ValueError as error:
            raise ValueError("not networks; they look like 10.1.0.0/16") from error
        return value

    @field_validator("cicflow_key", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("cicflow_key")
    @classmethod
    def _are_keys(cls, value: list[SecretStr]) -> list[SecretStr]:
        for key in value:
            try:
                Fernet(key.get_secret_value())
            except ValueError as error:
                raise ValueError("not a key; `python -m bot key` makes one") from error
        return value

    @property
    def keys(self) -> list[str]:
        """The keys, opened."""
        return [key.get_secret_value() for key in self.cicflow_key]


class Settings(StoreSettings):
    """What `serve` needs besides: Slack, and an address to listen at."""

    slack_bot_token: SecretStr
    slack_signing_secret: Annotated[SecretStr, Field(min_length=8)]
    slack_app_token: SecretStr | None = None
    """With it, Slack is spoken to in Socket Mode, and needs no public address."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    cicflow_templates: DirectoryPath | None = None
    """A folder with templates of one's own: they are on the shelf beside ours, and go before ours of the same name."""
    cicflow_works: bool = True
    """Carries out flows. A process without this only listens, and leaves them to the others of the same database."""
    cicflow_keep_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """Days after which runs that have ended are forgotten, with all that belongs to them."""
    cicflow_first_pause: Annotated[float, Field(gt=0, le=60)] = 1.0
    """Seconds before something that failed in passing is tried again for the first time; doubled each time."""


def read_settings() -> Settings:
    """Read all settings. Raises WrongSettingsError."""
    try:
        return Settings()
    except ValidationError as error:
        raise WrongSettingsError(error) from error


def read_store_settings() -> StoreSettings:
    """Read the settings of commands that do not talk to Slack. Raises WrongSettingsError."""
    try:
        return StoreSettings()
    except ValidationError as error:
        raise WrongSettingsError(error) from error
