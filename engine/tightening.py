"""/set: a rule of one position is tightened from the chat; shown first, confirmed once, in force at once.

What loosens takes an owner and two keys (`engine.two_keys`), within what the host allows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.effects import Answer, Ask, Audit, Card, Say
from engine.errors import BadInput
from engine.gate import Decision, Status, decide
from engine.messages import Wish
from engine.model import Mode, Urgency
from engine.money import signed_rupees
from engine.rules.base import in_words
from engine.rules.overrides import Loosens, Override
from engine.rules.spoken import spoken
from engine.rules_page import how_far
from engine.two_keys import Change

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.effects import Effect
    from engine.gate import Confirmation, Questions
    from engine.helm import Helm
    from engine.messages import Command, Tap
    from engine.model import Position, Verdict
    from engine.two_keys import TwoKeys
    from engine.view import ThresholdView
    from engine.watch.trial import Trial

__all__ = ["Tightening"]

#: Words with which somebody wants to be rid of an override, or of a rule.
_AWAY = frozenset({"clear", "off", "none", "default", "reset", "remove", "delete"})
_TWO_KEYS = "Loosening needs two keys, and a value: an owner writes it and types a code."


class Tightening:
    """The questions of /set and what becomes of them.

    Args:
        helm: whose positions are talked about.
        questions: the register that counts one answer each.
        keys: what loosening takes.
    """

    def __init__(self, helm: Helm, questions: Questions, keys: TwoKeys) -> None:
        self._helm = helm
        self._questions = questions
        self._keys = keys

    def ask(self, command: Command, now_s: float) -> list[Effect]:
        """Show what would change and ask, or say why not; of each position with that strategy id."""
        rule = command.rule.casefold().replace("-", "_")
        wanted = [p for p in self._helm.holdings.positions.values() if p.strategy_id == command.strategy_id]
        if not wanted:
            text = f"No open position {command.strategy_id}. /status lists what is watched."
            return [Say(command.by, text)]
        if command.value.casefold() in _AWAY:
            return [Say(command.by, _no_way_back(rule))]
        override = Override(rule, spoken(command.value), command.by.name)
        return [effect for position in wanted for effect in self._ask(position, override, command, now_s)]

    def _ask(self, position: Position, override: Override, command: Command, now_s: float) -> list[Effect]:
        try:
            trial = self._helm.watch.trial(position.id, override, now_s)
        except Loosens as why:
            if command.owner:
                return self._loosen(position, override, command, now_s)
            return [Say(command.by, f"Nothing was changed: {_refusal(why)}")]
        except BadInput as why:
            return [Say(command.by, f"Nothing was changed: {_refusal(why)}")]
        rule = in_words(override.rule)
        if not trial.changes:
            return [Say(command.by, f"Nothing to change. {rule} stands already: {_waits(trial.before)}.")]
        title = f"{position.strategy_id} {position.symbol} {position.strategy}"
        asked, record = self._questions.issue(
            Wish.SET, (position.id,), fingerprint((position,)), None, title, now_s,
            forced=True, override=override,
        )  # fmt: skip
        acts = trial.fires is not None and self._decision(trial.fires, now_s) is Decision.ACT
        ask = Ask(
            asked.nonce, Wish.SET, f"Tighten {rule.lower()} of {title}?",
            self._preview(position, trial, now_s), asked.expires_s, Urgency.NORMAL,
            "Tighten, exit now" if acts else "Tighten", "Leave as it is", position.id, drastic=acts,
        )  # fmt: skip
        return [record, ask]

    def _loosen(self, position: Position, override: Override, command: Command, now_s: float) -> list[Effect]:
        """Show what would be looser, with its code; what the host does not allow is said."""
        most_pct, watch = self._helm.config.asking.loosen_pct, self._helm.watch
        try:
            looser = watch.loosened(position.id, override, most_pct)
            trial = watch.trial(position.id, looser, now_s)
        except BadInput as why:
            return [Say(command.by, f"Nothing was changed: {_refusal(why)}")]
        title = f"Loosen {in_words(override.rule).lower()} of {position.strategy_id} {position.symbol}"
        lines = ("Loosening needs two keys.", *self._preview(position, trial, now_s))
        legs = fingerprint((position,))

        def apply(at_s: float) -> tuple[tuple[str, ...], list[Effect]]:
            held = self._helm.holdings.positions.get(position.id)
            if why := self._helm.tenure.why(at_s):
                raise BadInput(f"Not now: {why}")
            if held is None or fingerprint((held,)) != legs:
                raise BadInput("The position has changed since you were asked")
            if watch.loosened(held.id, override, most_pct) != looser:
                raise BadInput("The source of the rule has changed since you were asked")
            after = watch.trial(held.id, looser, at_s).after
            data = {"position": held.id, "by": looser.by, "rule": looser.rule, "text": looser.text}
            words = (
                f"Now: {_waits(after)}",
                "It counts until the position is closed or its source changes.",
            )
            audit = Audit("override", {**data, "loosens": True, "over": looser.over})
            return words, [audit, *self._helm.holdings.lives.override(held, looser, at_s)]

        return self._keys.ask(Change(Wish.SET, title, lines, apply, position.id), command.by, now_s)

    def _preview(self, position: Position, trial: Trial, now_s: float) -> tuple[str, ...]:
        """The rule as it is and as it would be, how far that is, and what would happen at once."""
        lines = [f"Now: {_waits(trial.before)}", f"New: {_waits(trial.after)}"]
        if trial.fires is not None:
            lines += ["", f"It is met already: {trial.fires.reason}. {self._at_once(trial.fires, now_s)}"]
        else:
            pnl = "P&L unknown" if trial.pnl_paise is None else f"P&L {signed_rupees(trial.pnl_paise)}"
            ways = [word for one in trial.after for word in how_far(one, position.symbol)]
            lines.append(" · ".join([pnl, *ways]))
        if self._helm.watch.silence(position.id) is not None:
            lines.append("An exit, a question or an answer of yours holds its rules back just now.")
        return tuple(lines)

    def _at_once(self, verdict: Verdict, now_s: float) -> str:
        match self._decision(verdict, now_s):
            case Decision.ACT:
                where = " on paper" if self._helm.mode is Mode.SIMULATE else ""
                return f"The exit starts{where} as soon as you say yes."
            case Decision.ASK:
                return "You will be asked about the exit next."
            case Decision.TELL:
                return f"You will be told.{self._helm.why_only_told(verdict, now_s)}"

    def _decision(self, verdict: Verdict, now_s: float) -> Decision:
        return decide(self._helm.mode, verdict, halted=self._helm.halted, degraded=self._helm.degraded(now_s))

    def confirm(self, asked: Confirmation, tap: Tap, now_s: float) -> list[Effect]:
        """Yes: lay it over the rules now, unless the position or its rules are others meanwhile."""
        assert asked.override is not None  # noqa: S101 - `ask` has put it there
        override = replace(asked.override, by=tap.by.name)
        position = self._helm.holdings.positions.get(asked.positions[0])
        why = "The position has changed since you were asked. Ask again with /set."
        if position is None or fingerprint((position,)) != asked.legs:
            return self._void(asked, tap, why)
        try:
            trial = self._helm.watch.trial(position.id, override, now_s)
        except BadInput as error:
            return self._void(asked, tap, _refusal(error))
        rule = in_words(override.rule)
        lines = (
            f"{rule}: {_waits(trial.after)}",
            f"Before: {_waits(trial.before)}",
            "It counts from now on, until the position is closed.",
        )
        data = {"position": position.id, "by": tap.by.name, "rule": override.rule, "text": override.text}
        return [
            self._questions.settle(asked, Status.CONFIRMED),
            Audit("override", data),
            *self._helm.holdings.lives.override(position, override, now_s),
            Answer(tap.callback_id, f"{rule} is tighter now."),
            Card(asked.nonce, f"Tightened: {asked.title}", lines, final=True, done=True),
        ]

    def _void(self, asked: Confirmation, tap: Tap, why: str) -> list[Effect]:
        """What was asked is not what yes would mean now."""
        return [
            Answer(tap.callback_id, why, alarm=True),
            self._questions.settle(asked, Status.WITHDRAWN),
            Card(asked.nonce, f"Not done: {asked.title}", (why,), final=True),
        ]


def fingerprint(positions: Iterable[Position]) -> tuple[tuple[int, int], ...]:
    """The legs that a question is about: yes means exactly these."""
    return tuple(sorted((int(leg.key), leg.quantity) for p in positions for leg in p.legs))


def _waits(thresholds: Iterable[ThresholdView]) -> str:
    """What a rule waits for, of levels each."""
    words = [
        one.text if one.threshold_paise is None else f"{signed_rupees(one.threshold_paise)} ({one.text})"
        for one in thresholds
    ]
    return "; ".join(words) or "does not stand guard"


def _refusal(why: BadInput) -> str:
    return f"{why}. {why.remedy}" if isinstance(why, Loosens) else f"{why}."


def _no_way_back(rule: str) -> str:
    return (
        f"Nothing was changed: taking {rule} back or switching it off loosens it. {_TWO_KEYS} What was set "
        "here ends when the position is closed; other sources are changed in the rules file or in "
        "strategy_exit_levels. /stop holds all rules back meanwhile."
    )
