"""How our access to the account stands: token, address, rights and the two clocks.

What is wrong is told when it begins and when it is over. Off duty (from the close to a quarter to
nine) nobody is woken: the morning tells what still matters then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.effects import Alert, QueryAccount, RenewToken
from engine.model import Urgency
from engine.sessions import at, ist, ist_date

if TYPE_CHECKING:
    from engine.effects import Effect
    from engine.messages import AccountState, TokenRenewal
    from engine.sessions import Calendar

__all__ = ["TOKEN_PLACE", "AccessWatch", "clock_words", "token_words"]

#: So long before its end the token is told of: an hour, and time to hear of it.
WARN_S = 3_900.0
#: From when on a session day the token is asked to last until the close, and troubles are loud.
DUTY_FROM = "08:45"
#: From when on a token that will not last the coming session is renewed.
RENEW_FROM = "08:00"
#: A renewal that failed is tried again after this; near its end a token is renewed even in an exit.
RENEW_AGAIN_S = 300.0
LAST_CALL_S = 600.0
#: No more than one question in this time, however many refusals ask for it.
ASK_AGAIN_S = 5.0
#: Two clocks this far apart are told; beyond the second, rules of the clock only tell.
SKEW_TOLD_S, SKEW_DOUBT_S = 2.0, 30.0

#: Where the only account's token file is.
TOKEN_PLACE = "token in DATA_DIR"  # noqa: S105 - a place, not a token


class _Trouble(NamedTuple):
    """One thing that is wrong: its kind, the words by which a worse stage differs, and what is told."""

    topic: str
    stage: str
    urgency: Urgency
    title: str
    text: str


class AccessWatch:
    """Remembers the last answer and what was told of it.

    Args:
        renews: whether a token of the kind that can be renewed is.
        token_place: the file that a new token is to be written into, as a person finds it.
    """

    def __init__(self, calendar: Calendar, *, renews: bool, token_place: str = TOKEN_PLACE) -> None:
        self._calendar = calendar
        self._remedy = f"Write a new one into the file {token_place}; no restart is needed."
        self._renews = renews
        self.state: AccountState | None = None
        self._told: dict[str, str] = {}
        self._asked_s = 0.0
        self._renewed_s = 0.0

    # ------------------------------------------------------------------------------- what stands

    def left_s(self, now_s: float) -> float | None:
        """How long the token lives on; negative = it has ended; None = unknown."""
        until_s = self.state.valid_until_s if self.state is not None else None
        return None if until_s is None else until_s - now_s

    @property
    def clock_doubt(self) -> str:
        """Why rules of the clock may only tell; empty = they may act."""
        skew_s = self.state.skew_s if self.state is not None else None
        if skew_s is None or abs(skew_s) <= SKEW_DOUBT_S:
            return ""
        return f"the clock of this machine is {clock_words(skew_s)}"

    def troubles(self, now_s: float) -> tuple[str, ...]:
        """What is wrong at this moment, a sentence each."""
        return tuple(f"{trouble.title}. {trouble.text}" for trouble in self._found(now_s))

    # -------------------------------------------------------------------------------- what to do

    def ask(self, now_s: float) -> list[Effect]:
        """Ask how things stand."""
        self._asked_s = now_s
        return [QueryAccount()]

    def doubt(self, now_s: float) -> list[Effect]:
        """Something was refused that only a token or the owner can mend: ask, but not each time."""
        return [] if abs(now_s - self._asked_s) < ASK_AGAIN_S else self.ask(now_s)

    def take(self, state: AccountState, now_s: float) -> list[Effect]:
        """Take over an answer and tell what has changed.

        One that failed teaches nothing but the token's own claims.
        """
        before, self.state = self.state, state
        if before is not None and before.number != state.number:
            self._renewed_s = 0.0
        return self._tell(now_s)

    def look(self, now_s: float, *, exits: bool) -> list[Effect]:
        """Tell what time alone has changed, and have a token renewed in time, but not amid ``exits``."""
        return self._tell(now_s) + self._renewal(now_s, exits=exits)

    def renewal(self, message: TokenRenewal, now_s: float) -> list[Effect]:
        """Tell of a renewal that failed; one that worked shows in the state."""
        if not message.failed:
            return self.ask(now_s)
        text = f"{message.failed}. {self._remedy}"
        alert = Alert(self._urgency(now_s), "token-renewal", "The token could not be renewed", text)
        return [alert, *self.ask(now_s)]

    def _renewal(self, now_s: float, *, exits: bool) -> list[Effect]:
        left_s, state = self.left_s(now_s), self.state
        if state is None or state.kind != "SELF" or state.refused or left_s is None or left_s <= 0:
            return []
        if not self._renews or now_s - self._renewed_s < RENEW_AGAIN_S or (exits and left_s > LAST_CALL_S):
            return []
        if left_s > WARN_S and not self._ends_in_session(now_s, RENEW_FROM, before_open=True):
            return []
        self._renewed_s = now_s
        return [RenewToken()]

    # ------------------------------------------------------------------------------ what is wrong

    def _tell(self, now_s: float) -> list[Effect]:
        found = {trouble.topic: trouble for trouble in self._found(now_s)}
        effects: list[Effect] = [
            Alert(trouble.urgency, f"{topic}:{trouble.stage}", trouble.title, trouble.text)
            for topic, trouble in found.items()
            if self._told.get(topic) != trouble.stage
        ]
        effects += [
            Alert(Urgency.NORMAL, f"{topic}-over", _OVER[topic], token_words(self.state, now_s))
            for topic in self._told
            if topic not in found
        ]
        self._told = {topic: trouble.stage for topic, trouble in found.items()}
        return effects

    def _found(self, now_s: float) -> list[_Trouble]:
        if self.state is None:
            return []
        urgency = self._urgency(now_s)
        found = [self._token(self.state, now_s, urgency), *_rights(self.state, urgency), _clock(self.state)]
        return [trouble for trouble in found if trouble is not None]

    def _token(self, state: AccountState, now_s: float, urgency: Urgency) -> _Trouble | None:
        """The worst there is to say of the token."""
        left_s, loud = self.left_s(now_s), "" if urgency is Urgency.HIGH else " off duty"
        if state.refused:
            text = f"{state.refused.rstrip('. ')}. No order can be sent and no book be read. {self._remedy}"
            return _Trouble("token", f"refused{loud}", urgency, "Dhan does not let us in", text)
        if left_s is None:
            return None
        words = f"{token_words(state, now_s)}."
        if left_s <= 0:
            text = f"{words} No order can be sent and no book be read. {self._remedy}"
            return _Trouble("token", f"ended{loud}", urgency, "The access token has ended", text)
        quiet = min(urgency, Urgency.MEDIUM)
        if left_s <= WARN_S:
            return _Trouble(
                "token", f"soon{loud}", quiet, "The access token ends soon", f"{words} {self._remedy}"
            )
        if self._ends_in_session(now_s, DUTY_FROM):
            text = f"{words} {self._remedy}"
            return _Trouble("token", "session", quiet, "The access token does not last the session", text)
        return None

    def _ends_in_session(self, now_s: float, since: str, *, before_open: bool = False) -> bool:
        """Whether it is time to ask that of today's session, and the token ends before its close."""
        today, left_s = ist_date(now_s), self.left_s(now_s)
        if left_s is None or not self._calendar.is_session(today):
            return False
        session = self._calendar.session(today)
        end_s = session.open_s if before_open else session.close_s
        return at(today, since) <= now_s < end_s and now_s + left_s < session.close_s

    def _urgency(self, now_s: float) -> Urgency:
        """Loud while a session is near or running, silent else."""
        today = ist_date(now_s)
        on_duty = self._calendar.is_session(today) and (
            at(today, DUTY_FROM) <= now_s < self._calendar.session(today).close_s
        )
        return Urgency.HIGH if on_duty else Urgency.NORMAL


_OVER = {
    "token": "The access token is good",
    "address": "Dhan takes orders from here",
    "data-plan": "Prices are subscribed to",
    "derivatives": "Derivatives are active again",
    "token-file": "The token's file can be used",
    "clock": "The clocks agree again",
}


def token_words(state: AccountState | None, now_s: float) -> str:
    """Say until when the token lives; empty when nothing is known of it."""
    if state is None or state.valid_until_s is None:
        return ""
    until = ist(state.valid_until_s)
    day = "" if until.date() == ist_date(now_s) else f"{until:%d %b} "
    return f"Token {'until' if state.valid_until_s > now_s else 'ended at'} {day}{until:%H:%M}"


def clock_words(skew_s: float) -> str:
    """Say how far apart the clocks are."""
    return f"{abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} Dhan's"


def _rights(state: AccountState, urgency: Urgency) -> list[_Trouble | None]:
    """What the account may not do; what is not told is no trouble."""
    loud = "" if urgency is Urgency.HIGH else "off duty"
    address = _Trouble(
        "address", loud, urgency, "Dhan takes no orders from this address",
        "The host's address is not the one registered at Dhan (My Profile > Access DhanHQ APIs > IP). "
        "No exit can be sent from here.",
    )  # fmt: skip
    plan = _Trouble(
        "data-plan", loud, urgency, "Prices are not subscribed to",
        "The account has no active data plan at Dhan: no prices come, so that no stop can act.",
    )  # fmt: skip
    segment = _Trouble(
        "derivatives", loud, urgency, "Derivatives are not active",
        "Dhan does not name derivatives among the account's segments: orders in them would be refused.",
    )  # fmt: skip
    file = _Trouble("token-file", state.note, Urgency.MEDIUM, "The token's file cannot be used", state.note)
    return [
        address if state.orders_allowed is False else None,
        plan if state.data_plan is False else None,
        segment if state.derivatives is False else None,
        file if state.note else None,
    ]


def _clock(state: AccountState) -> _Trouble | None:
    """Two clocks that disagree; each that is told says which of the two limits is passed."""
    if state.skew_s is None or abs(state.skew_s) <= SKEW_TOLD_S:
        return None
    far = abs(state.skew_s) > SKEW_DOUBT_S
    text = f"The clock of this machine is {clock_words(state.skew_s)}. Set it by NTP." + (
        " Until then rules of the clock only tell." if far else ""
    )
    urgency = Urgency.HIGH if far else Urgency.MEDIUM
    return _Trouble("clock", "far" if far else "apart", urgency, "The clocks disagree", text)
