"""``python -m engine check realtime``: tries realtime out and says how long it took, or what is wrong."""

from __future__ import annotations

import logging

import pytest

from engine.__main__ import main
from engine.errors import BadInput, SourceError
from engine.io.realtime_check import check_lines, check_realtime
from engine.settings import Settings
from tests.support.supabase import house_on

# A wart of the client's, which reads the code of a close through the old names.
pytestmark = pytest.mark.filterwarnings(
    "ignore:ConnectionClosed.code is deprecated:DeprecationWarning",
    "ignore:ConnectionClosed.reason is deprecated:DeprecationWarning",
)


@pytest.fixture
async def house(database):
    """A Supabase of the test."""
    async with house_on(database) as made:
        yield made


def settings(house, key=""):
    """Settings that name it."""
    key = key or house.server.keys.secret
    return Settings.parse({"SUPABASE_URL": house.server.url, "SUPABASE_SECRET_KEY": key})


async def left(house):
    """How many rows are left behind."""
    return len(await house.database.rows("select 1 from engine_heartbeats"))


async def test_each_change_is_told_and_nothing_is_left_behind(house):
    """Live, insert, update, delete, each with its milliseconds."""
    took_ms = await check_realtime(settings(house))
    assert list(took_ms) == ["live", "insert", "update", "delete"]
    assert all(0 < ms < 5_000 for ms in took_ms.values())
    assert await left(house) == 0
    assert check_lines(took_ms).endswith("each change was told")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"silent": True}, "insert: not told within 0.5 s"),
        ({"never_live": True}, "live: not told within 0.5 s"),
        ({"refuse_join": 1}, "CHANNEL_ERROR"),
        ({"refuse_upgrade": 1, "upgrade_status": 503}, "HTTP 503"),
        ({"database_error": "Unable to connect"}, "Unable to connect"),
    ],
)
async def test_what_is_wrong_is_said_and_the_row_is_removed(house, fault, words):
    """A change that is not told, a channel or a handshake that is refused: an error with its reason."""
    for name, value in fault.items():
        setattr(house.server.faults.realtime, name, value)
    with pytest.raises(SourceError, match=words):
        await check_realtime(settings(house), 0.5)
    assert await left(house) == 0


async def test_a_wrong_key_is_never_quoted(house, caplog):
    """Refused by its status alone."""
    caplog.set_level(logging.DEBUG, logger="engine")
    with pytest.raises(SourceError) as raised:
        await check_realtime(settings(house, "sb_secret_canary_of_nobody"), 0.5)
    assert "canary" not in f"{raised.value} {caplog.text}"


async def test_without_a_project_it_says_what_to_set():
    """No address, no key: a sentence with the names of the settings."""
    with pytest.raises(BadInput, match="SUPABASE_URL and SUPABASE_SECRET_KEY are not set"):
        await check_realtime(Settings.parse({}))


def test_the_command_line_has_help_and_an_exit_status(capsys, monkeypatch, tmp_path):
    """``--help`` names the exit status; without a project it is 2."""
    monkeypatch.chdir(tmp_path)
    for name in ("SUPABASE_URL", "SUPABASE_SECRET_KEY", "SUPABASE_ANON_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as ended:
        main(["check", "realtime", "--help"])
    assert ended.value.code == 0
    assert "exit status" in capsys.readouterr().out
    assert main(["check", "realtime"]) == 2
    assert "are not set" in capsys.readouterr().err
