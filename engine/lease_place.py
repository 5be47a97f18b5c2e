"""Where the lease of an account lies, and how long it lives, when the owner has not said so.

The owner of an account must be written down where every monitor that could trade it looks: the database
of the rows if there is one, else a Redis that other machines share, else a file of this machine. A Redis of
this machine alone knows no more than that file, and orders would need it for nothing.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from engine.words import LeasePlace

__all__ = ["is_shared", "place_note", "usual_place", "usual_ttl_s"]

#: It outlives a slow disk, and lets another monitor in soon.
SHORT_TTL_S = 30.0
#: It outlives a restart of that server or its network, or a stop would wait for them.
REDIS_TTL_S = 300.0
#: In a database over the internet it outlives an outage, or an exit would stop in its midst.
SUPABASE_TTL_S = 3_600.0


def is_shared(redis_url: str) -> bool:
    """Whether monitors on other machines can reach a Redis by its address (``redis://host``, ``unix://path``)."""
    parts = urlsplit(redis_url)
    own = {"localhost", "127.0.0.1", "::1", None}
    return parts.scheme != "unix" and parts.hostname not in own


def usual_place(*, database: bool, redis: bool) -> LeasePlace:
    """The place that the most monitors share.

    ``database`` = Supabase is the trade store, by a key that sees all; ``redis`` = one that is shared.
    """
    return LeasePlace.REDIS if redis and not database else LeasePlace.STORE


def usual_ttl_s(place: LeasePlace, *, database: bool) -> float:
    """How long a lease lives there unless it is renewed."""
    if place is LeasePlace.REDIS:
        return REDIS_TTL_S
    return SUPABASE_TTL_S if database else SHORT_TTL_S


def place_note(place: LeasePlace, *, database: bool) -> str:
    """What was chosen, and how to choose otherwise."""
    if place is LeasePlace.REDIS:
        return (
            "The lease of the account is in Redis: orders need it. LEASE_IN=store keeps it beside the rows."
        )
    if database:
        return "The lease of the account is in Supabase (LEASE_IN)."
    return "The lease of the account is in DATA_DIR: monitors on other machines do not see it (LEASE_IN)."
