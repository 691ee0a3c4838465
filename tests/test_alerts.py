"""Alerts against real peers on this machine: a web server, and a small SMTP server that speaks what `smtplib` asks."""

import base64
import json
import logging
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from scv_platform.alerts import Alert, AnyChannel, Channel, Surroundings, deliver
from scv_platform.config_files import ConfigError, read_yaml, validate
from scv_platform.settings import PlatformConfig

ALERT = Alert(
    "run_failed", "Morgentau & Co.: a run failed", ("dbt: Übersicht fehlt",), "2026-06-30T04:00:00+00:00", "1f2"
)


def channel(**fields: Any) -> AnyChannel:
    built: AnyChannel = TypeAdapter(Channel).validate_python(fields)
    return built


@dataclass
class WebPeer:
    """What a web server was sent, and what it answers next (200 when nothing is left)."""

    url: str
    answers: list[int] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)


@pytest.fixture
def web() -> Iterator[WebPeer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            peer.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(peer.answers.pop(0) if peer.answers else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        peer = WebPeer(f"http://127.0.0.1:{server.server_port}/hook/T0KEN")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield peer
        server.shutdown()


@dataclass
class MailPeer:
    """What an SMTP server was sent, and the answers that it gives to RCPT before it says yes."""

    port: int
    answers: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)


@pytest.fixture
def mail() -> Iterator[MailPeer]:
    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 ready")
            while line := self.rfile.readline().decode().strip():
                match line.split()[0].upper():
                    case "EHLO":
                        self.say("250-hello")
                        self.say("250 AUTH PLAIN")
                    case "AUTH":
                        peer.logins.append(base64.b64decode(line.split()[2]).decode())
                        self.say("235 ok")
                    case "RCPT":
                        self.say(peer.answers.pop(0) if peer.answers else "250 ok")
                    case "DATA":
                        self.say("354 go on")
                        lines = []
                        while (text := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                            lines.append(text)
                        peer.messages.append("\n".join(lines))
                        self.say("250 ok")
                    case "QUIT":
                        return self.say("221 bye")
                    case _:
                        self.say("250 ok")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        peer = MailPeer(server.server_address[1])
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield peer
        server.shutdown()


def send(tmp_path: Path, *channels: AnyChannel, sleeps: list[float] | None = None, **environment: str) -> list[str]:
    surroundings = Surroundings(environment, lambda text: tmp_path / text)
    return deliver(ALERT, channels, surroundings, sleep=(sleeps if sleeps is not None else []).append)


def test_a_webhook_gets_every_field_and_slack_the_text(web: WebPeer, tmp_path: Path) -> None:
    hooks = [channel(channel=kind, url_env="SCV_HOOK") for kind in ("webhook", "slack")]
    assert send(tmp_path, *hooks, SCV_HOOK=web.url) == []
    everything, text = web.bodies
    assert everything["kind"] == "run_failed"
    assert everything["run_id"] == "1f2"
    assert text == {"text": "Morgentau & Co.: a run failed\n- dbt: Übersicht fehlt\nRun 1f2"}


def test_a_file_gets_one_line_for_each_alert(tmp_path: Path) -> None:
    file = channel(channel="file", path="new/alerts.jsonl")
    assert send(tmp_path, file) == send(tmp_path, file) == []
    lines = (tmp_path / "new" / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["details"] for line in lines] == [["dbt: Übersicht fehlt"]] * 2


def test_the_log_gets_one_record(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="scv.alerts"):
        assert send(tmp_path, channel(channel="log")) == []
    assert [record.getMessage() for record in caplog.records] == [ALERT.text]


def email(mail: MailPeer, **fields: Any) -> AnyChannel:
    plain = {"encryption": "none", "sender": "scv@example.com", "to": ["a@example.com", "b@example.com"]}
    return channel(channel="email", host="127.0.0.1", port=mail.port, **plain, **fields)


def test_an_email_goes_to_all_after_the_login(mail: MailPeer, tmp_path: Path) -> None:
    login = {"user_env": "SCV_SMTP_USER", "password_env": "SCV_SMTP_PASSWORD"}
    assert send(tmp_path, email(mail, **login), SCV_SMTP_USER="scv", SCV_SMTP_PASSWORD="s3cret") == []
    (message,) = mail.messages
    assert "Subject: Morgentau & Co.: a run failed" in message
    assert "To: a@example.com, b@example.com" in message
    assert mail.logins == ["\0scv\0s3cret"]


def test_a_busy_channel_is_tried_again_and_the_pause_grows(web: WebPeer, mail: MailPeer, tmp_path: Path) -> None:
    sleeps: list[float] = []
    web.answers, mail.answers = [503, 429], ["451 later", "451 later"]
    hook = channel(channel="slack", url_env="SCV_HOOK")
    assert send(tmp_path, hook, email(mail), sleeps=sleeps, SCV_HOOK=web.url) == []
    assert (len(web.bodies), len(mail.messages)) == (3, 1)
    assert sleeps[:2] == [1.0, 2.0]


def test_a_channel_that_says_no_is_told_without_its_secret_and_the_others_go_on(web: WebPeer, tmp_path: Path) -> None:
    web.answers = [404]
    hook, file = channel(channel="slack", url_env="SCV_HOOK"), channel(channel="file", path="alerts.jsonl")
    (problem,) = send(tmp_path, hook, file, SCV_HOOK=web.url)
    assert problem.endswith("did not go out by slack: the address in SCV_HOOK answered 404")
    assert len(web.bodies) == 1, "a refusal is not tried again"
    assert (tmp_path / "alerts.jsonl").exists()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/T0KEN", "T0KEN", "file:///T0KEN", "ftp://T0KEN"])
def test_an_address_that_leads_nowhere_is_told_without_its_secret(url: str, tmp_path: Path) -> None:
    (problem,) = send(tmp_path, channel(channel="webhook", url_env="SCV_HOOK"), SCV_HOOK=url)
    assert "SCV_HOOK" in problem
    assert "T0KEN" not in problem


def test_a_secret_that_is_not_set_is_named(tmp_path: Path) -> None:
    (problem,) = send(tmp_path, channel(channel="webhook", url_env="SCV_HOOK"))
    assert problem.endswith("environment variable SCV_HOOK is not set")


def test_a_mail_server_that_is_away_or_refuses_is_told(mail: MailPeer, tmp_path: Path) -> None:
    mail.answers = ["550 no such user", "550 no such user"]
    away = channel(channel="email", host="127.0.0.1", port=1, encryption="none", sender="s@x", to=["a@x"])
    sleeps: list[float] = []
    nobody, nowhere = send(tmp_path, email(mail), away, sleeps=sleeps)
    assert nobody.endswith("refused every recipient")
    assert nowhere.endswith("127.0.0.1:1: ConnectionRefusedError")
    assert sleeps == [1.0, 2.0], "a refusal for good is not tried again"
    mail.answers = ["250 ok", "550 no such user"]
    (one,) = send(tmp_path, email(mail))
    assert one.endswith("refused 1 of 2 recipients")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{channel: slak, url_env: A}", "slak"),
        ("{channel: slack, url: http://x}", "unknown key 'alerts.0.url'; did you mean 'url_env'?"),
        ("{channel: slack, url_env: https://hooks.example.com/T0KEN}", "url_env"),
        ("{channel: email, host: h, sender: s, to: []}", "to"),
    ],
)
def test_a_mistake_in_the_configuration_names_the_key(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "platform.yml"
    path.write_text(f"company: A\nbase_currency: EUR\ndefault_country: DE\nalerts:\n  - {line}\n")
    with pytest.raises(ConfigError) as caught:
        validate(PlatformConfig, read_yaml(path))
    assert problem in str(caught.value)
    assert "platform.yml:5" in str(caught.value)
