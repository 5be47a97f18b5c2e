"""Sentences about settings that stop nothing: unknown names, and what does nothing in this run."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from engine.expected import CHAT_OUTSIDE, DEFAULT_URLS, EXPECTED

__all__ = ["idle", "misspelt"]

_REDIS = ("REDIS_HOST", "REDIS_PORT", "REDIS_URL", "REDIS_COMPRESS", "FEED_SOURCE", "LEASE_IN")
_OUR_PREFIXES = ("DHAN_", "TELEGRAM_", "SUPABASE_", "ALERT_")


def misspelt(env: Mapping[str, str], toml: str) -> list[str]:
    """Sentences about names that look like ours but are not; a name that the accounts use is ours."""
    notes = []
    for name in sorted(env):
        if name in EXPECTED or not env[name].strip() or f'"{name}"' in toml:
            continue
        near = difflib.get_close_matches(name.upper(), EXPECTED, n=1, cutoff=0.6)
        ours = name.upper().startswith(_OUR_PREFIXES)
        if near and (ours or difflib.SequenceMatcher(None, name.upper(), near[0]).ratio() >= 0.85):
            notes.append(f"{name} is not a setting; did you mean {near[0]}?")
        elif ours:
            notes.append(f"{name} is not a setting; it is ignored.")
    return notes


def idle(env: Mapping[str, str], *, sandbox: bool) -> list[str]:
    """Sentences about settings that do nothing in this run."""
    notes = []
    if env.get("REDIS_URL", "").strip() and env.get("REDIS_HOST", "").strip():
        notes.append("REDIS_HOST and REDIS_PORT are ignored: REDIS_URL is set.")
    if sandbox:
        names = (*DEFAULT_URLS, *_REDIS, *CHAT_OUTSIDE)
        ignored = [name for name in names if env.get(name, "").strip()]
        if ignored:
            notes.append(f"{', '.join(ignored)}: ignored by the sandbox, which is a world of its own.")
    return notes
