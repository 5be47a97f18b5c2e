"""The .env file and the environment over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.expected import EXPECTED
from engine.io.env import load_settings
from tests.engine.test_settings import COMPLETE

EXAMPLE = Path(__file__).parents[3] / ".env.example"


def write(file: Path, text: str, mode: int = 0o600) -> Path:
    """A file with this text and these permissions."""
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def complete(**more: str) -> str:
    """A .env with all credentials."""
    return "".join(f"{name}={word}\n" for name, word in (COMPLETE | more).items())


def test_the_example_names_every_setting_and_starts_the_sandbox():
    """.env.example copied as it is changes nothing, and no setting is missing from it."""
    text = EXAMPLE.read_text(encoding="utf-8")
    names = {line.split("=")[0] for line in text.splitlines() if line and not line.startswith("#")}
    assert names == set(EXPECTED)
    assert load_settings(EXAMPLE, {}).sandbox


def test_no_file_is_no_words(tmp_path):
    """A newcomer has no .env."""
    assert load_settings(tmp_path / ".env", {}).sandbox


def test_the_sandbox_cares_for_no_credential_and_no_address(tmp_path):
    """--sandbox starts with half of the credentials, malformed ones and a wrong address."""
    file = write(tmp_path / ".env", "DHAN_CLIENT_ID=me\nDHAN_API_URL=nowhere\nLOG_LEVEL=DEBUG\n")
    with pytest.raises(ConfigError):
        load_settings(file, {})
    settings = load_settings(file, {}, sandbox=True)
    assert settings.sandbox
    assert settings.log_level == "DEBUG"


def test_the_environment_wins_unless_it_is_empty(tmp_path):
    """A value in the environment replaces the file's; an empty one does not erase it."""
    file = write(tmp_path / ".env", complete(DATA_DIR="from-file", LOG_LEVEL="DEBUG"))
    settings = load_settings(file, {"DATA_DIR": "from-env", "LOG_LEVEL": ""})
    assert settings.data_dir == Path("from-env")
    assert settings.log_level == "DEBUG"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_with_secrets_that_others_may_read_is_refused(tmp_path, mode):
    """Secrets lying open are a fault with the command that mends it."""
    file = write(tmp_path / ".env", complete(), mode)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {})
    assert caught.value.faults == (
        f"{file}: others on this host may read your secrets (mode {mode:03o}); run: chmod 600 {file}",
    )


def test_a_file_without_secrets_may_lie_open(tmp_path):
    """A checkout's default permissions do not stop a sandbox run."""
    assert load_settings(write(tmp_path / ".env", "LOG_LEVEL=DEBUG\n", 0o644), {}).sandbox


def test_the_files_faults_and_the_settings_faults_come_together(tmp_path):
    """A broken line, open permissions and a bad value are told in one go, without quoting the line."""
    file = write(tmp_path / ".env", complete(REDIS_PORT="x") + "what canary = is = 'this\n", 0o644)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {})
    first, second, third, *_ = caught.value.faults
    assert first == f"{file} line 7: cannot be read, expected NAME=value."
    assert second.endswith(f"run: chmod 600 {file}")
    assert third.startswith("REDIS_PORT: read 'x'")


def test_a_name_set_twice_is_noted(tmp_path):
    """Two lines for one name: the last counts, and the owner hears of it."""
    file = write(tmp_path / ".env", "LOG_LEVEL=INFO\nLOG_LEVEL=ERROR\n")
    settings = load_settings(file, {})
    assert settings.log_level == "ERROR"
    assert settings.notes == (f"{file} line 2: LOG_LEVEL is set twice; the last one counts.",)


def test_a_file_that_is_not_text_is_a_fault(tmp_path):
    """Bytes that are not UTF-8, or a directory, end in a sentence and not in a traceback."""
    file = tmp_path / ".env"
    file.write_bytes(b"LOG_LEVEL=\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        load_settings(file, {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path, {})


def test_the_files_marks_and_quotes_are_understood(tmp_path):
    """A byte order mark, CRLF, quotes, export and comments are what editors and shells leave behind."""
    file = write(tmp_path / ".env", '\ufeff# mine\r\nexport LOG_LEVEL="ERROR"  # quiet\r\n')
    assert load_settings(file, {}).log_level == "ERROR"


def test_a_credential_is_a_setting_by_the_name_of_its_file(tmp_path):
    """What systemd or a container hands over: the line's end is no part of it, other files are not read."""
    given = tmp_path / "credentials"
    given.mkdir()
    for name, word in COMPLETE.items():
        write(given / name, f"{word}\n", 0o440)
    write(given / "LOG_LEVEL", "ERROR")
    write(given / "DATA_DIR", "from-credential")
    write(given / "TELEGRAM_QUIET_HOURS", "\n")
    (given / "..data").mkdir()
    file = write(tmp_path / ".env", "LOG_LEVEL=DEBUG\nDATA_DIR=from-file\n")
    settings = load_settings(file, {"CREDENTIALS_DIRECTORY": str(given), "LOG_LEVEL": "WARNING"})
    assert not settings.sandbox
    assert settings.telegram_bot_token.reveal() == COMPLETE["TELEGRAM_BOT_TOKEN"]
    assert settings.log_level == "WARNING"
    assert settings.data_dir == Path("from-credential")


def test_credentials_that_cannot_be_read_are_faults(tmp_path):
    """A directory that is away, one in the place of a file, bytes: a sentence each, and nothing is quoted."""
    (tmp_path / "REDIS_URL").mkdir()
    (tmp_path / "DHAN_ACCESS_TOKEN").write_bytes(b"canary\xff")
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path / ".env", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert caught.value.faults[:2] == (
        f"{tmp_path}/DHAN_ACCESS_TOKEN: not UTF-8 text at byte 6.",
        f"{tmp_path}/REDIS_URL: cannot be read (Is a directory).",
    )
    with pytest.raises(ConfigError, match=r"CREDENTIALS_DIRECTORY: .*/gone cannot be read"):
        load_settings(tmp_path / ".env", {"CREDENTIALS_DIRECTORY": str(tmp_path / "gone")})
