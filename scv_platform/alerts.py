"""Alerts: what a person should hear about, and the channels that carry it.

Data flow: a run, a check or a stale asset -> `Alert` -> every channel of `alerts:` in platform.yml.
Invariant: an alert names assets, checks, runs and kinds of problems, never a value of a row. Secrets (addresses of
webhooks, passwords) stand in the environment only; the file names the variable, and no message quotes its value.
A channel that fails stops nothing: it is tried again, then told to the caller, while the other channels go on.
"""

import json
import logging
import smtplib
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import Field

from scv_platform.config_files import StrictModel

ATTEMPTS = 3
"""How often a channel is tried."""
SECONDS_BETWEEN_ATTEMPTS = 1.0
"""The pause after the first attempt; it doubles after each."""
TIMEOUT_SECONDS = 10.0
"""How long one attempt may take."""

_log = logging.getLogger("scv.alerts")

VariableName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
"""The name of an environment variable that holds a secret."""


AlertKind = Literal["run_failed", "check_failed", "stale"]


@dataclass(frozen=True)
class Alert:
    """One thing that a person should hear about."""

    kind: AlertKind
    title: str
    details: tuple[str, ...]
    at: str
    """When it was found, UTC, ISO 8601."""
    run_id: str | None = None

    @property
    def text(self) -> str:
        """The alert as plain text: the title, then a line for each detail."""
        run = [f"Run {self.run_id}"] if self.run_id else []
        return "\n".join([self.title, *(f"- {detail}" for detail in self.details), *run])


class Undelivered(Exception):
    """A channel did not take an alert; the text is safe to show."""


class Passing(Undelivered):
    """It may take it at the next attempt."""


class LogChannel(StrictModel):
    """To the log of the process."""

    channel: Literal["log"]

    def deliver(self, alert: Alert, secrets: "Secrets") -> None:
        """Log one record."""
        _log.error(alert.text)


class FileChannel(StrictModel):
    """To a file, one JSON object a line."""

    channel: Literal["file"]
    path: str

    def deliver(self, alert: Alert, secrets: "Secrets") -> None:
        """Append one line."""
        path = secrets.expand(self.path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(asdict(alert), ensure_ascii=False)}\n")
        except OSError as error:
            raise Undelivered(f"{path}: {error.strerror}") from None


class WebhookChannel(StrictModel):
    """To an address that takes the alert as JSON."""

    channel: Literal["webhook"]
    url_env: VariableName

    def deliver(self, alert: Alert, secrets: "Secrets") -> None:
        """Post the alert with all its fields."""
        _post(secrets.value(self.url_env), {**asdict(alert), "text": alert.text}, self.url_env)


class SlackChannel(StrictModel):
    """To an incoming webhook of Slack, or of what speaks like it."""

    channel: Literal["slack"]
    url_env: VariableName

    def deliver(self, alert: Alert, secrets: "Secrets") -> None:
        """Post the text."""
        _post(secrets.value(self.url_env), {"text": alert.text}, self.url_env)


class EmailChannel(StrictModel):
    """By e-mail over SMTP."""

    channel: Literal["email"]
    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    encryption: Literal["starttls", "tls", "none"] = "starttls"
    sender: str
    to: Annotated[list[str], Field(min_length=1)]
    user_env: VariableName | None = None
    password_env: VariableName | None = None

    def deliver(self, alert: Alert, secrets: "Secrets") -> None:
        """Send one message to all."""
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = alert.title, self.sender, ", ".join(self.to)
        message.set_content(alert.text)
        connect = smtplib.SMTP_SSL if self.encryption == "tls" else smtplib.SMTP
        user = secrets.value(self.user_env) if self.user_env else None
        password = secrets.value(self.password_env) if self.password_env else ""
        try:
            with connect(self.host, self.port, timeout=TIMEOUT_SECONDS) as server:
                if self.encryption == "starttls":
                    server.starttls()
                if user is not None:
                    server.login(user, password)
                refused = server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            for_good = all(code >= 500 for code, _ in error.recipients.values())
            raise (Undelivered if for_good else Passing)(f"{self.host}:{self.port} refused every recipient") from None
        except smtplib.SMTPResponseException as error:
            # 4xx is "not now" in SMTP, 5xx is "no". What the server says may quote the user or the address.
            kind = Passing if 400 <= error.smtp_code < 500 else Undelivered
            raise kind(f"{self.host}:{self.port} answered {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise Passing(f"{self.host}:{self.port}: {type(error).__name__}") from None
        if refused:
            raise Undelivered(f"{self.host}:{self.port} refused {len(refused)} of {len(self.to)} recipients")


AnyChannel = LogChannel | FileChannel | WebhookChannel | SlackChannel | EmailChannel

Channel = Annotated[AnyChannel, Field(discriminator="channel")]
"""One entry of `alerts:` in platform.yml."""


class Secrets(Protocol):
    """What a channel asks of the settings."""

    def value(self, name: str) -> str:
        """The value of an environment variable; `Undelivered` when it is not set."""
        ...

    def expand(self, text: str) -> Path:
        """A path of the configuration, on this machine."""
        ...


@dataclass(frozen=True)
class Surroundings:
    """The environment, and where paths of the configuration lie."""

    environment: Mapping[str, str]
    expand: Callable[[str], Path]

    def value(self, name: str) -> str:
        """The value of an environment variable; `Undelivered` when it is not set."""
        if not self.environment.get(name):
            raise Undelivered(f"environment variable {name} is not set")
        return self.environment[name]


def deliver(
    alert: Alert,
    channels: Sequence[AnyChannel],
    secrets: Secrets,
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Send the alert through every channel; a line for each channel that did not take it."""
    problems = []
    for channel in channels:
        try:
            _with_retries(partial(channel.deliver, alert, secrets), sleep)
        except Undelivered as error:
            problem = f"the alert {alert.title!r} did not go out by {channel.channel}: {error}"
            _log.warning(problem)
            problems.append(problem)
    return problems


def _with_retries(send: Callable[[], None], sleep: Callable[[float], None]) -> None:
    for attempt in range(ATTEMPTS - 1):
        try:
            return send()
        except Passing:
            sleep(SECONDS_BETWEEN_ATTEMPTS * 2**attempt)
    send()


def _post(url: str, payload: Mapping[str, object], name: str) -> None:
    body = json.dumps(payload, ensure_ascii=False).encode()
    try:
        request = urllib.request.Request(url, body, {"Content-Type": "application/json; charset=utf-8"})
        if request.type not in {"http", "https"}:
            raise Undelivered(f"the value of {name} is not an address of the web")
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
            return
    except urllib.error.HTTPError as error:
        kind = Passing if error.code == 429 or error.code >= 500 else Undelivered
        raise kind(f"the address in {name} answered {error.code}") from None
    except ValueError:
        raise Undelivered(f"the value of {name} is not an address of the web") from None
    except OSError as error:
        raise Passing(f"the address in {name} did not answer: {type(error).__name__}") from None
