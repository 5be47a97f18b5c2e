"""The chat's own memory across restarts: updates seen, where each question stands, what waits.

Everything is held in memory and written through to a small SQLite file, so that reading costs nothing
and a disk that stops taking writes makes the chat forgetful after a restart, never mute. None of it
decides about money: confirmations are settled in the engine's journal.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.messages import Wish

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

#: Telegram keeps undelivered updates for 24 h; a thousand of ours are far more than it redelivers.
SEEN_KEPT = 1_000
#: A question lives for a minute, a card for an exit: the last few hundred are plenty.
CARDS_KEPT = 500
#: The threads of living messages begin so (`bot.living`); they are kept as long as they live.
LIVING = "live:"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (identity TEXT PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS cards (
    nonce TEXT PRIMARY KEY, message_id INTEGER, answered INTEGER NOT NULL, keyboard TEXT NOT NULL,
    doubtful INTEGER NOT NULL, wish TEXT NOT NULL DEFAULT '', pinned INTEGER NOT NULL DEFAULT 0,
    position TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS notes (
    kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class CardPlace:
    """Where the message of one nonce stands.

    Attributes:
        message_id: Telegram's id of the message; None = not known to have been delivered yet.
        answered: a tap on its buttons was passed on; they are not offered again.
        keyboard: the buttons it carries, as JSON; empty when it never had any.
        doubtful: a sending of it went without receipt, so a copy may stand in the chat unknown to us.
        wish: what yes would do; None = nobody knows (no question, or one of an older version).
        pinned: this message is pinned, or Telegram will not pin it; it is not asked again.
        position: the one position it asks about; empty = several, none, or nobody knows.
    """

    message_id: int | None = None
    answered: bool = False
    keyboard: str = ""
    doubtful: bool = False
    wish: Wish | None = None
    pinned: bool = False
    position: str = ""


class ChatStore:
    """A write-through dictionary of a few small tables. Blocking, tiny, only for the loop's thread."""

    def __init__(self, path: Path) -> None:
        """Open or create the file and read it all; an unusable file is replaced by plain memory."""
        self.durable = True
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._cards: OrderedDict[str, CardPlace] = OrderedDict()
        try:
            self._db = _open(path)
            self._read()
        except (sqlite3.Error, OSError) as error:
            self._forgetful(error)
            self._db = _open(None)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def first_sight(self, identity: str) -> bool:
        """Remember an update; False when it was seen before, in this life or an earlier one."""
        if identity in self._seen:
            return False
        self._seen[identity] = None
        self._write("INSERT OR IGNORE INTO seen (identity) VALUES (?)", identity)
        while len(self._seen) > SEEN_KEPT:
            oldest, _ = self._seen.popitem(last=False)
            self._write("DELETE FROM seen WHERE identity = ?", oldest)
        return True

    def card(self, nonce: str) -> CardPlace | None:
        """Tell where the message of this nonce stands; None when no question or card has it."""
        return self._cards.get(nonce)

    def carries(self, message_id: int) -> bool:
        """Tell whether a message belongs to a nonce already."""
        return any(place.message_id == message_id for place in self._cards.values())

    def expect_card(self, nonce: str, keyboard: str, wish: Wish | None = None, position: str = "") -> None:
        """Remember a question that is about to be sent, so that a tap may even outrun the receipt."""
        self._put_card(nonce, CardPlace(keyboard=keyboard, wish=wish, position=position))

    def dress_card(self, nonce: str, keyboard: str) -> None:
        """Remember other buttons of a question, which may be pressed whatever was pressed before."""
        place = self._cards.get(nonce, CardPlace())
        self._put_card(nonce, replace(place, keyboard=keyboard, answered=False))

    def place_card(self, nonce: str, message_id: int) -> None:
        """Remember which message carries this nonce from now on."""
        known = self._cards.get(nonce, CardPlace())
        pinned = known.pinned and known.message_id == message_id
        self._put_card(nonce, replace(known, message_id=message_id, pinned=pinned))

    def doubt_card(self, nonce: str) -> None:
        """Remember that a message with this nonce may have arrived without our knowing which."""
        self._put_card(nonce, replace(self._cards.get(nonce, CardPlace()), doubtful=True))

    def answer_card(self, nonce: str) -> None:
        """Remember that a tap on this nonce was passed on."""
        self._put_card(nonce, replace(self._cards.get(nonce, CardPlace()), answered=True))

    def pin_card(self, nonce: str) -> None:
        """Remember that the message of this nonce is pinned, or cannot be."""
        self._put_card(nonce, replace(self._cards.get(nonce, CardPlace()), pinned=True))

    def forget_card(self, nonce: str) -> None:
        """Let go of a message: nothing will be said in it any more."""
        self._cards.pop(nonce, None)
        self._write("DELETE FROM cards WHERE nonce = ?", nonce)

    def living(self) -> tuple[str, ...]:
        """The threads of all living messages, oldest first."""
        return tuple(nonce for nonce in self._cards if nonce.startswith(LIVING))

    def keep(self, body: Mapping[str, Any]) -> int:
        """Store a message that must survive a restart; the answer is the row's number.

        0 when it could not be stored.
        """
        return self._write("INSERT INTO outbox (body) VALUES (?)", json.dumps(body, ensure_ascii=False))

    def forget(self, row: int) -> None:
        """Drop a stored message: it was delivered, or nobody needs it any more."""
        self._write("DELETE FROM outbox WHERE id = ?", row)

    def kept(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Go through the stored messages, oldest first."""
        for row, body in self._db.execute("SELECT id, body FROM outbox ORDER BY id").fetchall():
            yield row, json.loads(body)

    def note(self, kind: str, key: str, body: Mapping[str, Any]) -> None:
        """Keep something of this kind under its key, in the place of what was there."""
        text = json.dumps(body, ensure_ascii=False)
        self._write("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", kind, key, text)

    def unnote(self, kind: str, key: str) -> None:
        """Drop what is kept under this key."""
        self._write("DELETE FROM notes WHERE kind = ? AND key = ?", kind, key)

    def unnote_all(self, kind: str) -> None:
        """Drop all that is kept of this kind."""
        self._write("DELETE FROM notes WHERE kind = ?", kind)

    def notes(self, kind: str) -> list[dict[str, Any]]:
        """What is kept of this kind, in no order."""
        rows = self._db.execute("SELECT body FROM notes WHERE kind = ?", (kind,)).fetchall()
        return [json.loads(body) for (body,) in rows]

    def _read(self) -> None:
        for (identity,) in self._db.execute("SELECT identity FROM seen ORDER BY rowid"):
            self._seen[identity] = None
        rows = self._db.execute(
            "SELECT nonce, message_id, answered, keyboard, doubtful, wish, pinned, position"
            " FROM cards ORDER BY rowid"
        )
        for nonce, message_id, answered, keyboard, doubtful, wish, pinned, position in rows:
            what = Wish(wish) if wish in set(Wish) else None
            self._cards[nonce] = CardPlace(
                message_id, bool(answered), keyboard, bool(doubtful), what, bool(pinned), position
            )

    def _put_card(self, nonce: str, place: CardPlace) -> None:
        self._cards[nonce] = place
        row = (nonce, place.message_id, int(place.answered), place.keyboard, int(place.doubtful))
        self._write(
            "INSERT OR REPLACE INTO cards"
            " (nonce, message_id, answered, keyboard, doubtful, wish, pinned, position)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *row, place.wish or "", int(place.pinned), place.position,
        )  # fmt: skip
        while len(self._cards) > CARDS_KEPT:
            self.forget_card(min(self._cards, key=lambda each: each.startswith(LIVING)))  # the oldest

    def _write(self, statement: str, *values: str | int | None) -> int:
        # half a character of somebody's JSON has no encoding: kept as it will be told
        clean = [each.encode(errors="replace").decode() if isinstance(each, str) else each for each in values]
        try:
            return self._db.execute(statement, clean).lastrowid or 0
        except sqlite3.Error as error:
            self._forgetful(error)
            return 0

    def _forgetful(self, error: Exception) -> None:
        if self.durable:
            log.error("the chat's memory cannot be written and is lost on a restart: %s", error)
        self.durable = False


def _open(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    # A file that somebody else holds may keep the loop waiting for a moment, not for the usual 5 s.
    db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=0.2)
    db.execute("PRAGMA journal_mode = WAL")
    # NORMAL survives a killed process; only a power cut may lose the last rows, and none decides money.
    db.execute("PRAGMA synchronous = NORMAL")
    db.executescript(_SCHEMA)
    columns = {name for _, name, *_ in db.execute("PRAGMA table_info(cards)")}
    added = {"wish": "TEXT NOT NULL DEFAULT ''", "pinned": "INTEGER NOT NULL DEFAULT 0"}
    for name, kind in {**added, "position": "TEXT NOT NULL DEFAULT ''"}.items():
        if name not in columns:  # a file of an older version
            db.execute(f"ALTER TABLE cards ADD COLUMN {name} {kind}")
    return db
