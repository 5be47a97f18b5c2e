"""How the chat speaks: what is read from its settings, and what is never shown of them."""

from __future__ import annotations

from datetime import datetime, time

import pytest

from engine.chat_tuning import ChatTuning, QuietHours
from engine.errors import ConfigError
from engine.sessions import IST
from engine.settings import Settings
from tests.engine.test_settings import COMPLETE, faults


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
