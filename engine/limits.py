"""Day limits at work: looks at every account on the beat, and ends its day when a limit is reached.

A limit ends all positions of its account at once, those with something short first; each exit then
runs by itself, and `engine.exits` lets no long of them go while a short of another is open, for a
while. A limit speaks once a day. Nothing here is touched by a tick.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from engine.account import Account
from engine.day import Day, DayTotal
from engine.effects import Alert, Audit, GoOn, Record
from engine.gate import Decision, Status, decide
from engine.gathering import GATHERED_AT_ONCE, Gathering
from engine.intents import IntentState, verdict_to_json
from engine.model import Mode, Urgency
from engine.money import signed_rupees
from engine.rules.day_limits import DAY_LOSS, DayLimits
from engine.sessions import ist_date
from engine.view import AccountView

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from engine.effects import Effect
    from engine.helm import Helm
    from engine.model import Position, PositionId, Verdict
    from engine.watch import Standing

__all__ = ["Limits"]

#: A day that cannot be judged for this long is told of.
BLIND_AFTER_S = 60.0

#: What came of a limit that was reached. HELD: told only, because of /stop or trouble; it speaks again
#: when that is over.
ACTED, ASKED, ANSWERED, TOLD, HELD = "acted", "asked", "answered", "told", "held"


class Limits:
    """The days of all accounts, of those without a limit too.

    Args:
        helm: whose positions, mode and exits these are.
    """

    def __init__(self, helm: Helm) -> None:
        self._helm = helm
        self._accounts: dict[str, Account] = {}
        self._saved: dict[str, Day] = {}
        self._blind_s: dict[str, float] = {}
        self._told_blind: dict[str, Urgency] = {}
        self._gathering = Gathering(helm.watch.standing)

    def restore(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what the journal knows of each account's day."""
        for name, row in rows.items():
            self._saved[name] = Day.from_json(row)
            self._accounts[name] = Account(name, self._saved[name], self._helm.watch.lasting())

    # ---------------------------------------------------------------------------------- judging

    def judge(self, now_s: float, *, at_once: bool = False) -> list[Effect]:
        """Look at every account that has a limit, in session; act on the limits that are reached.

        Many positions are looked at a few at a time (`go_on`), unless ``at_once``: a recording's prices are
        those of one instant.
        """
        by_account = self._judged(now_s)
        names = [position.id for positions in by_account.values() for position in positions]
        if at_once or len(names) <= GATHERED_AT_ONCE:
            return self._judge_all(by_account, {}, now_s)
        if self._gathering.under_way:
            return []
        self._gathering.begin(names)
        return [GoOn()]

    def anew(self, now_s: float) -> list[Effect]:
        """Positions have changed under a look at many: what was seen is dropped, and all are judged."""
        self._gathering.take()
        return self.judge(now_s)

    @property
    def unfinished(self) -> bool:
        """Whether `go_on` has something to do."""
        return self._gathering.under_way

    def go_on(self, now_s: float) -> list[Effect]:
        """The next few of many; when all were seen the limits are judged, by a piece of its own."""
        if not self._gathering.under_way:
            return []
        if self._gathering.go_on(self._helm.holdings.positions, now_s):
            return [GoOn()]
        return self._judge_all(self._judged(now_s), self._gathering.take(), now_s)

    def _judged(self, now_s: float) -> dict[str, list[Position]]:
        """The positions of every account whose limits are judged now; none out of session."""
        holdings = self._helm.holdings
        if not self._helm.watch.rulebook.has_limits or not holdings.intake.whole:
            return {}  # so it is mostly, and to sort a thousand positions takes half a millisecond
        if not self._helm.calendar.is_open(now_s):
            return {}
        by_account: dict[str, list[Position]] = {name: [] for name in self._accounts}
        for position in holdings.positions.values():
            by_account.setdefault(position.account, []).append(position)
        return {name: positions for name, positions in by_account.items() if self._of(name)}

    def _judge_all(
        self, by_account: Mapping[str, Sequence[Position]], seen: Mapping[PositionId, Standing], now_s: float
    ) -> list[Effect]:
        """Judge these; ``seen``: how those stand that were looked at just now."""
        effects: list[Effect] = []
        for name, positions in by_account.items():
            standings = [self._standing(p, seen.get(p.id), now_s) for p in positions]
            effects += self._judge(self._account(name), self._of(name), positions, standings, now_s)
        return effects

    def _standing(self, position: Position, seen: Standing | None, now_s: float) -> Standing:
        """How it was seen to stand, if it had the same legs then; else how it stands."""
        if seen is not None and seen.legs == tuple((leg.key, leg.quantity) for leg in position.legs):
            return seen
        return self._helm.watch.standing(position.id, now_s)

    def follow(self, standings: Iterable[Standing], now_s: float) -> None:
        """Take in how positions stand, in session: the day of accounts without a limit is kept as well."""
        for name, each in self._by_account(standings).items():
            if not self._of(name):
                self._look(self._account(name), each, now_s, judged=False)

    def kept(self, today: str) -> DayTotal | None:
        """What the day came to at the last look; None = no account has begun it."""
        accounts = [account for account in self._accounts.values() if account.day.date == today]
        return _total([(account, account.marked_paise) for account in accounts])

    def live(self, now_s: float) -> DayTotal | None:
        """What the day comes to by the prices of this moment, without touching anything; else as `kept`."""
        today, watch = ist_date(now_s).isoformat(), self._helm.watch
        pnls: dict[str, dict[PositionId, int | None]] = {name: {} for name in self._accounts}
        for name, position in self._helm.holdings.positions.items():
            pnls.setdefault(position.account, {})[name] = watch.marked_paise(name, now_s)
        accounts = [account for account in self._accounts.values() if account.day.date == today]
        return _total([(account, account.made_paise(pnls[account.name])) for account in accounts])

    def _account(self, name: str) -> Account:
        return self._accounts.setdefault(name, Account(name, Day(), self._helm.watch.lasting()))

    def _by_account(self, standings: Iterable[Standing]) -> dict[str, list[Standing]]:
        """Sorted by account; of one that is known and holds nothing, nothing."""
        found: dict[str, list[Standing]] = {name: [] for name in self._accounts}
        for standing in standings:
            account = self._helm.holdings.positions[standing.position].account
            found.setdefault(account, []).append(standing)
        return found

    def _look(
        self, account: Account, standings: Sequence[Standing], now_s: float, *, judged: bool = True
    ) -> None:
        calendar, today = self._helm.calendar, ist_date(now_s)
        begun = account.day.date == today.isoformat()
        yesterday = "" if begun else calendar.previous_session(today).isoformat()
        account.look(standings, now_s, today.isoformat(), yesterday, judged=judged)

    def _judge(
        self,
        account: Account,
        limits: DayLimits,
        positions: Sequence[Position],
        standings: Sequence[Standing],
        now_s: float,
    ) -> list[Effect]:
        self._look(account, standings, now_s)
        effects = self._reconsider(account, now_s)
        effects += self._tell_new(account, positions)
        effects += self._tell_blind(account, limits, standings, now_s)
        verdict = account.judge(limits, self._helm.watch.rulebook.confirm_s, now_s)
        return effects + (self._fire(account, positions, verdict, now_s) if verdict else [])

    def next_due_s(self) -> float:
        """When time alone may bring a limit about; inf = only prices can."""
        return min((a.due_s for a in self._accounts.values() if self._of(a.name)), default=inf)

    def ended(self, position: Position, pnl_paise: int | None) -> list[Effect]:
        """A position is verified flat, with this gross P&L over its life (None = unknown)."""
        self._gathering.forget(position.id)
        account = self._accounts.get(position.account)
        if account is None:
            return []
        account.end(position.id, pnl_paise)
        return self._save(account)

    def remember(self) -> list[Effect]:
        """What has changed since it was last kept."""
        return [effect for account in self._accounts.values() for effect in self._save(account)]

    def views(self, now_s: float) -> tuple[AccountView, ...]:
        """Every account with a limit, as people look at it; a day that is over is not shown."""
        today = ist_date(now_s).isoformat()
        return tuple(
            AccountView(
                name=name,
                day_paise=account.guarded_paise,
                blind=account.blind,
                loss_paise=limits.loss_paise,
                profit_paise=limits.profit_paise,
                trailing_paise=_trailing_level(account, limits),
                fired=account.day.fired,
            )
            for name, account in sorted(self._accounts.items())
            if (limits := self._of(name)) and account.day.date == today
        )

    def _of(self, account: str) -> DayLimits:
        return self._helm.watch.rulebook.limits_for(account)

    # ----------------------------------------------------------------------------------- acting

    def _fire(
        self, account: Account, positions: Sequence[Position], verdict: Verdict, now_s: float
    ) -> list[Effect]:
        """A limit is reached: end everything, ask once for all, or tell."""
        helm = self._helm
        wanted = sorted((p for p in positions if not self._left_out(p.id)), key=_only_long)
        effects: list[Effect] = [Audit("day limit", {"account": account.name, **verdict_to_json(verdict)})]
        shares = {p.id: helm.watch.standing(p.id, now_s).open_share for p in wanted}
        own = {name: replace(verdict, fraction=share) for name, share in shares.items()}
        for name, each in own.items():
            helm.watch.witness(name, each, now_s)
            effects.append(Audit("verdict", {"position": name, **verdict_to_json(each)}))
        decision = decide(helm.mode, verdict, halted=helm.halted, degraded=helm.degraded(now_s))
        for position in wanted:
            helm.watch.why.decided(position.id, verdict.rule, helm.gate_words(decision, verdict, now_s))
        outcome, nonce, note = TOLD, "", helm.why_only_told(verdict, now_s)
        if decision is Decision.ACT:
            outcome, note = ACTED, _closing(wanted)
            for position in wanted:
                effects += helm.starts.exit(position, own[position.id], verdict.rule, None, now_s, quiet=True)
        elif decision is Decision.ASK:
            free = tuple(p for p in wanted if not helm.starts.exiting(p.id))
            outcome, note = (ASKED if free else ACTED), _closing(())
            if free:
                asked, question = helm.dialogue.exits.ask(free, verdict, now_s)
                nonce = asked.nonce
                effects += question
        elif self._hampered(now_s):
            outcome = HELD
        note += self._held(positions)
        account.spoken(verdict.rule, outcome, nonce, [p.id for p in positions])
        effects += self._save(account)
        if not nonce:  # a question is loud enough
            topic = f"{verdict.rule}:{account.name}:{account.day.date}:{outcome}"
            title = f"Day limit of account {account.name}"
            effects.append(Alert(verdict.urgency, topic, title, f"{verdict.reason}.{note}"))
        return effects

    def _reconsider(self, account: Account, now_s: float) -> list[Effect]:
        """Let a limit speak again: told only while hampered, its question void, or a loss nobody answered."""
        day, helm = account.day, self._helm
        if day.outcome == HELD and not self._hampered(now_s):
            account.rearm()
        elif day.outcome == ASKED:
            account.question = account.question or helm.dialogue.questions.get(day.nonce)
            asked = account.question
            if asked is not None and asked.status is Status.PENDING:
                return []
            void = asked is not None and asked.status is Status.WITHDRAWN
            if void or (day.fired == DAY_LOSS and (asked is None or asked.status is Status.EXPIRED)):
                account.rearm()
            else:
                account.spoken(day.fired, ANSWERED, "", day.known)
        return self._save(account)

    def _hampered(self, now_s: float) -> bool:
        """It may only tell for now: /stop, a trouble, or a mode that somebody has lowered and may raise."""
        helm = self._helm
        lowered = helm.mode is Mode.ALERT_ONLY and helm.config.mode is not Mode.ALERT_ONLY
        return lowered or helm.halted or bool(helm.degraded(now_s))

    def _left_out(self, position: PositionId) -> bool:
        """An exit is stuck already, or its automation is held."""
        last = self._helm.desk.last_of(position)
        stuck = last is not None and last.state is IntentState.STUCK
        return stuck or bool(self._helm.held_out(position)[0])

    def _held(self, positions: Sequence[Position]) -> str:
        held = [p.id for p in positions if self._helm.held_out(p.id)[0]]
        return f" Left out, their automation is held: {', '.join(held)}." if held else ""

    # ---------------------------------------------------------------------------------- telling

    def _tell_new(self, account: Account, positions: Sequence[Position]) -> list[Effect]:
        """Tell of positions that came after the day was ended."""
        if not account.day.fired:
            return []
        new = [p for p in positions if p.id not in account.day.known]
        if new:
            account.knows([p.id for p in new])
        return [
            Alert(
                Urgency.MEDIUM,
                f"day-new:{p.id}:{account.day.date}",
                "A new position after the day limit",
                f"{p.strategy_id} {p.symbol} {p.strategy}: {account.day.fired} of account {account.name} has "
                "spoken today and does not speak again; only the position's own rules guard it.",
                p.id,
            )
            for p in new
        ] + (self._save(account) if new else [])

    def _tell_blind(
        self, account: Account, limits: DayLimits, standings: Sequence[Standing], now_s: float
    ) -> list[Effect]:
        """Tell that the day cannot be judged: after a minute, at once if its loss looks too large."""
        if account.guarded_paise is not None or account.day.fired:
            self._blind_s.pop(account.name, None)
            self._told_blind.pop(account.name, None)
            return []
        since_s = self._blind_s.setdefault(account.name, now_s)
        last = account.last_paise(standing.position for standing in standings)
        grave = limits.loss_paise is not None and last <= -limits.loss_paise
        if not grave and now_s < since_s + BLIND_AFTER_S:
            return []
        urgency = Urgency.HIGH if grave else Urgency.MEDIUM
        if self._told_blind.get(account.name, -1) >= urgency:
            return []
        self._told_blind[account.name] = urgency
        text = (
            f"Without a price: {', '.join(account.blind)}. By the last believable prices the day stands at "
            f"{signed_rupees(last)}. The day limits of account {account.name} cannot act until it is priced."
        )
        topic = f"day-blind:{account.name}:{urgency.name}"
        return [Alert(urgency, topic, "A day limit cannot be judged", text)]

    def _save(self, account: Account) -> list[Effect]:
        if self._saved.get(account.name) == account.day:
            return []
        self._saved[account.name] = account.day
        return [Record("day", account.name, account.day.to_json())]


def _total(made: Sequence[tuple[Account, int | None]]) -> DayTotal | None:
    """All accounts together; None = there is none."""
    if not made:
        return None
    known = [paise for _, paise in made if paise is not None]
    closed = sum(sum(account.day.closed.values()) for account, _ in made)
    blind = tuple(name for account, paise in made if paise is None for name in account.blind)
    return DayTotal(sum(known) if len(known) == len(made) else None, closed, blind)


def _only_long(position: Position) -> bool:
    return all(leg.quantity > 0 for leg in position.legs)


def _closing(positions: Sequence[Position]) -> str:
    if not positions:
        return " Nothing is left to close."
    return f" Being closed: {', '.join(f'{p.strategy_id} {p.symbol} {p.strategy}' for p in positions)}."


def _trailing_level(account: Account, limits: DayLimits) -> int | None:
    peak = account.day.peak_paise
    return None if peak is None or limits.trailing is None else peak - limits.trailing.give_back_paise
