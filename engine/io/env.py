"""Reads the settings' words: the ``.env`` file first, credentials over it, the environment over both."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream

from engine.chat_tuning import ChatTuning
from engine.errors import ConfigError
from engine.expected import CHAT_OUTSIDE, CREDENTIALS, DEFAULT_URLS, SECRETS
from engine.settings import Settings, chat_access
from engine.words import Secret

#: Where, in the data directory, a monitor on its sandbox keeps everything.
SANDBOX_DIR = "sandbox"
#: What a credential is called that is a setting.
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


def load_settings(
    file: Path = Path(".env"),
    environ: Mapping[str, str] = os.environ,
    *,
    sandbox: bool = False,
    chat: bool = True,
) -> Settings:
    """The settings of this host.

    A value in the environment wins over the files; an empty one there does not. Where it names a
    ``CREDENTIALS_DIRECTORY`` (systemd's LoadCredential=, a container's secrets), each file in there is a
    setting by its name. A ``.env`` that holds a secret and that others on the host may read is refused.

    Args:
        file: the ``.env`` file; it need not be there.
        environ: the environment.
        sandbox: leave out credentials and outside addresses, right or wrong: they are not used.
        chat: somebody is talked to; False = what Telegram needs may be missing.

    Raises:
        ConfigError: with every fault of the file and of the settings.
    """
    merged, notes, faults = _merged(file, environ)
    if sandbox:
        outside = (*CREDENTIALS, *DEFAULT_URLS, *CHAT_OUTSIDE, "ACCOUNTS_FILE")
        merged = {name: word for name, word in merged.items() if name not in outside}
    toml, more = _accounts_toml(merged.get("ACCOUNTS_FILE", "").strip())
    faults += more
    try:
        settings = Settings.parse(merged, notes, toml, chat=chat)
    except ConfigError as error:
        raise ConfigError((*faults, *error.faults)) from None
    if faults:
        raise ConfigError(faults)
    return settings


def load_chat_access(
    file: Path = Path(".env"), environ: Mapping[str, str] = os.environ
) -> tuple[Secret, str, ChatTuning]:
    """The bot's token, address and way, as `engine.settings.chat_access`; all other settings may be missing.

    Raises:
        ConfigError: with every fault of the file and of these settings.
    """
    merged, _, faults = _merged(file, environ)
    if faults:
        raise ConfigError(faults)
    return chat_access(merged)


def _merged(file: Path, environ: Mapping[str, str]) -> tuple[dict[str, str], list[str], list[str]]:
    """(words, notes, faults) of the file, credentials over it, the environment over both."""
    words, notes, faults = _read(file)
    if any(words.get(name) for name in SECRETS):
        faults += _readable_by_others(file)
    given, more = _credentials(environ.get("CREDENTIALS_DIRECTORY", ""))
    faults += more
    return words | given | {name: value for name, value in environ.items() if value.strip()}, notes, faults


def _credentials(directory: str) -> tuple[dict[str, str], list[str]]:
    """(words, faults) of the files in there that are called as a setting may be; no directory is no words."""
    words: dict[str, str] = {}
    faults: list[str] = []
    if not directory:
        return words, faults
    try:
        files = sorted(file for file in Path(directory).iterdir() if _NAME.fullmatch(file.name))
    except OSError as error:
        return words, [f"CREDENTIALS_DIRECTORY: {directory} cannot be read ({error.strerror})."]
    for file in files:
        try:
            if word := file.read_text(encoding="utf-8-sig").strip():
                words[file.name] = word
        except OSError as error:
            faults.append(f"{file}: cannot be read ({error.strerror}).")
        except UnicodeDecodeError as error:
            faults.append(f"{file}: not UTF-8 text at byte {error.start}.")
    return words, faults


def _accounts_toml(name: str) -> tuple[str | None, list[str]]:
    """The text of the ACCOUNTS_FILE, or what hinders to read it; it may hold a proxy's password."""
    if not name:
        return None, []
    try:
        text = Path(name).read_text(encoding="utf-8-sig")
    except OSError as error:
        return None, [f"ACCOUNTS_FILE: {name} cannot be read ({error.strerror})."]
    except UnicodeDecodeError as error:
        return None, [f"ACCOUNTS_FILE: {name} is not UTF-8 text at byte {error.start}."]
    return text, _readable_by_others(Path(name)) if "proxy" in text else []


def make_data_dir(directory: Path) -> None:
    """Make the directory that holds everything of this monitor, for its owner's eyes alone.

    Raises:
        ConfigError: it cannot be made, or is no directory.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            [f"DATA_DIR: read {str(directory)!r}, which cannot be made ({error.strerror})."]
        ) from error


def _read(file: Path) -> tuple[dict[str, str], list[str], list[str]]:
    """(words, notes, faults) of the file; no file is no words."""
    words: dict[str, str] = {}
    notes: list[str] = []
    faults: list[str] = []
    try:
        text = file.open(encoding="utf-8-sig")
    except FileNotFoundError:
        return words, notes, faults
    except OSError as error:
        return words, notes, [f"{file}: cannot be read ({error.strerror})."]
    with text:
        try:
            bindings = list(parse_stream(text))
        except UnicodeDecodeError as error:
            return words, notes, [f"{file}: not UTF-8 text at byte {error.start}; save it as UTF-8."]
    for binding in bindings:
        # The line itself is never quoted: it may be half a secret.
        if binding.error:
            faults.append(f"{file} line {binding.original.line}: cannot be read, expected NAME=value.")
        elif binding.key is not None:
            if binding.key in words:
                notes.append(
                    f"{file} line {binding.original.line}: {binding.key} is set twice; the last one counts."
                )
            words[binding.key] = binding.value or ""
    return words, notes, faults


def _readable_by_others(file: Path) -> list[str]:
    mode = stat.S_IMODE(file.stat().st_mode)
    if not mode & 0o077:
        return []
    return [f"{file}: others on this host may read your secrets (mode {mode:03o}); run: chmod 600 {file}"]
