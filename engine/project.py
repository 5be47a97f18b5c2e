"""The owner's Supabase project as the settings have it: which key is used, and what it may see."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine.words import Secret

__all__ = ["Project", "project_notes", "project_of"]

_BLIND = (
    "row level security hides every row from it unless you have made policies, and nothing is written. "
    "Set SUPABASE_SECRET_KEY (Supabase dashboard > Project Settings > API Keys)."
)


class Project(NamedTuple):
    """A project and the key to it; ``sees_all`` False = rows may be hidden from it, without an error."""

    url: str
    key: Secret
    sees_all: bool


def project_of(url: str | None, secret: Secret | None, anon: Secret | None) -> Project | None:
    """The project, by the secret key if there is one; None = address or key are missing."""
    key = secret or anon
    if url is None or key is None:
        return None
    return Project(url, key, _role(key) == "service_role")


def project_notes(
    url: str | None, secret: Secret | None, anon: Secret | None, *, used: bool, sandbox: bool
) -> list[str]:
    """Sentences for the owner about settings of the project that are idle, or that see too little."""
    project = project_of(url, secret, anon)
    if project is None:
        if url is not None:
            return ["SUPABASE_URL alone does nothing: set SUPABASE_SECRET_KEY too."]
        return ["A Supabase key alone does nothing: set SUPABASE_URL too."] if secret or anon else []
    if not used:
        why = "the sandbox has its own trades" if sandbox else "TRADES_SOURCE is not supabase"
        return [f"SUPABASE_URL and its key are not used: {why}."]
    if not project.sees_all:
        name = "SUPABASE_SECRET_KEY holds an anon key" if secret else "SUPABASE_ANON_KEY is used"
        return [f"{name}: {_BLIND}"]
    return ["SUPABASE_ANON_KEY is ignored: SUPABASE_SECRET_KEY is set."] if secret and anon else []


def _role(key: Secret) -> str:
    """As whom the database sees us: by the new key's name, or by what a legacy key says of itself."""
    word = key.reveal()
    if not word.startswith("eyJ"):
        return "service_role" if word.startswith("sb_secret_") else "anon"
    try:
        payload = word.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["role"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return "anon"
