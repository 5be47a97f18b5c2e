"""How the chat speaks: what is read from its settings, and what is never shown of them."""

from __future__ import annotations

from datetime import datetime, time

import pytest

from engine.chat_tuning import ChatTuning, QuietHours
from engine.errors import ConfigError
from engine.escalation import Ladder
from engine.sessions import IST
from engine.settings import Settings
from tests.engine.test_settings import COMPLETE, faults

NTFY = "ntfys://asha:canary%40pass@ntfy.example/canary-topic?priority=max"


def test_unless_told_otherwise_it_goes_directly_protects_and_is_quiet_at_night():
    """The usual chat."""
    assert Settings.parse({}).chat == ChatTuning(None, protect=True, quiet=QuietHours(time(22), time(8)))


def test_what_is_set_counts():
    """A proxy, no protection, no quiet hours."""
    env = {
        "TELEGRAM_PROXY": "socks5h://192.0.2.1:1080",
        "TELEGRAM_PROTECT": "off",
        "TELEGRAM_QUIET_HOURS": "Off",
    }
    chat = Settings.parse(COMPLETE | env).chat
    assert chat.proxy is not None
    assert chat.proxy.reveal() == "socks5h://192.0.2.1:1080"
    assert (chat.protect, chat.quiet) == (False, None)


def test_the_password_of_the_proxy_is_a_secret_as_written_and_as_meant():
    """Neither the settings' print nor a fault shows it; the log's redaction knows both spellings."""
    settings = Settings.parse(COMPLETE | {"TELEGRAM_PROXY": "http://asha:canary%40proxy@192.0.2.1:3128"})
    assert {"canary%40proxy", "canary@proxy"} <= set(settings.secrets())
    assert "canary" not in repr(settings.chat)
    (fault,) = faults(COMPLETE | {"TELEGRAM_PROXY": "http://asha:canary@192.0.2.1"})
    assert "canary" not in fault
    assert "expected an address with its port" in fault


@pytest.mark.parametrize(
    "word", ["ftp://h:1", "http://h", "http://h:0x", "http://h:1/x", "h:3128", "http://h:1?a"]
)
def test_what_is_no_proxy_is_refused(word):
    """A scheme, a host and a port, and nothing behind it."""
    with pytest.raises(ConfigError):
        Settings.parse(COMPLETE | {"TELEGRAM_PROXY": word})


def test_the_sandbox_has_no_use_for_a_proxy_and_says_so():
    """Its Telegram is on this machine."""
    settings = Settings.parse({"TELEGRAM_PROXY": "http://192.0.2.1:3128"})
    assert settings.chat.proxy is None
    assert settings.notes == ("TELEGRAM_PROXY: ignored by the sandbox, which is a world of its own.",)


@pytest.mark.parametrize(
    ("word", "clock", "quiet"),
    [
        ("22:00-08:00", "21:59", False),
        ("22:00-08:00", "22:00", True),
        ("22:00 – 08:00", "03:00", True),
        ("22:00-08:00", "08:00", False),
        ("12:00-13:30", "12:45", True),
        ("12:00-13:30", "13:30", False),
        ("12:00-13:30", "00:10", False),
    ],
)
def test_quiet_hours_may_go_over_midnight(word, clock, quiet):
    """The start belongs to them, the end does not; the times are India's."""
    hours = Settings.parse({"TELEGRAM_QUIET_HOURS": word}).chat.quiet
    assert hours is not None
    now = datetime.fromisoformat(f"2026-02-03T{clock}:00").replace(tzinfo=IST)
    assert hours.at(now.timestamp()) is quiet


@pytest.mark.parametrize("word", ["22-8", "24:00-08:00", "22:00-22:00", "night", "22:00-08:60", "on"])
def test_what_is_no_span_of_hours_is_refused(word):
    """All day and never look the same, so they are neither."""
    (fault,) = faults({"TELEGRAM_QUIET_HOURS": word})
    assert "such as 22:00-08:00" in fault


def test_unless_told_otherwise_an_unseen_alert_only_repeats():
    """Nobody else and no other channel is told before the owner says so."""
    chat = Settings.parse(COMPLETE).chat
    assert chat.ladder == Ladder((60.0, 120.0, 120.0, 300.0, 600.0), None, None)
    assert (chat.second_user, chat.addresses()) == (0, ())


def test_how_an_alert_climbs_can_be_set():
    """Pauses, a second person and addresses, each after its minutes."""
    env = {
        "ALERT_REPEAT_MIN": "0.5, 2 4",
        "ALERT_SECOND_USER_ID": "777",
        "ALERT_SECOND_AFTER_MIN": "2",
        "ALERT_URLS": f"{NTFY} json://192.0.2.1/x",
    }
    chat = Settings.parse(COMPLETE | env).chat
    assert chat.ladder == Ladder((30.0, 120.0, 240.0), 120.0, 300.0)
    assert (chat.second_user, chat.addresses()) == (777, (NTFY, "json://192.0.2.1/x"))


def test_an_address_is_a_secret_and_so_are_its_parts():
    """Whole, as a password, as a topic; neither a print nor a fault shows one."""
    settings = Settings.parse(COMPLETE | {"ALERT_URLS": NTFY})
    assert {NTFY, "canary%40pass", "canary@pass", "canary-topic"} <= set(settings.secrets())
    assert "canary" not in repr(settings)
    (fault,) = faults(COMPLETE | {"ALERT_URLS": "canary-topic-without-a-scheme"})
    assert "canary" not in fault


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("ALERT_REPEAT_MIN", "soon"),
        ("ALERT_REPEAT_MIN", "1, 0"),
        ("ALERT_REPEAT_MIN", "1, nan"),
        ("ALERT_REPEAT_MIN", ","),
        ("ALERT_SECOND_USER_ID", "-100"),
        ("ALERT_SECOND_USER_ID", "7, 8"),
        ("ALERT_SECOND_AFTER_MIN", "0"),
        ("ALERT_URLS_AFTER_MIN", "241"),
    ],
)
def test_what_is_no_rung_is_refused(name, word):
    """With the setting's name and what is expected of it."""
    (fault,) = faults(COMPLETE | {name: word})
    assert fault.startswith(f"{name}: ")
    assert "expected" in fault


def test_the_sandbox_tells_nobody_else():
    """Its world ends at this machine."""
    settings = Settings.parse({"ALERT_URLS": NTFY, "ALERT_SECOND_USER_ID": "777"})
    assert (settings.chat.second_user, settings.chat.channels) == (0, None)
    assert settings.chat.ladder == Ladder()
    assert "ALERT_SECOND_USER_ID, ALERT_URLS: ignored by the sandbox" in settings.notes[0]
