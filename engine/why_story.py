"""Looks at a position, told as a trader would tell them: what each rule did, and how far it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.money import rupees, signed_rupees
from engine.sessions import ist, ist_date
from engine.why import RuleState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.why import LegSeen, RuleSeen, Said, Sighting

__all__ = ["story", "why_not"]


def story(sightings: Sequence[Sighting], last: int | None = None) -> list[str]:
    """What happened, one line a moment, oldest first.

    Args:
        sightings: in the order in which they were made.
        last: only so many of the newest lines; None = all.
    """
    lines: list[str] = []
    run = False  # the last line only says how near it was
    for before, now in zip((None, *sightings), sightings, strict=False):
        words = _moment(before, now)
        if run and not words:
            lines.pop()  # near, and nothing changed: of a run of these the newest is told
        run = not words
        new_day = before is None or ist_date(before.at_s) != ist_date(now.at_s)
        lines.append(f"{_day(now) if new_day else ''}{_clock(now.at_s)} {'; '.join(words) or _nearest(now)}")
    return lines if last is None else lines[max(len(lines) - last, 0) :]


def why_not(seen: Sighting, now_s: float | None) -> list[str]:
    """How far each rule was from firing at the latest look, one line each.

    ``now_s`` None: the monitor's time is not known, so neither is how long ago that was.
    """
    pnl = "unknown" if seen.marked_paise is None else signed_rupees(seen.marked_paise)
    ago = "" if now_s is None else f" ({_span(max(now_s - seen.at_s, 0))} ago)"
    lines = [f"As it stood at {_day(seen)}{_clock(seen.at_s)}{ago}: P&L {pnl}"]
    if seen.guarded_paise != seen.marked_paise:
        stops = (
            "unknown: no stop can fire" if seen.guarded_paise is None else signed_rupees(seen.guarded_paise)
        )
        lines.append(f"  as stops count it: {stops}")
    lines += [f"  {leg.name}: {_leg(leg)}" for leg in seen.legs if leg.doubt]
    if seen.silent:
        lines.append(f"  an exit, a question or an answer silences the rules from {seen.silent} on")
    return lines + [f"  {rule.rule}: {_distance(rule, seen.at_s)}" for rule in seen.rules]


def _moment(before: Sighting | None, now: Sighting) -> list[str]:
    """What was new; nothing = it only was near."""
    old = {} if before is None else {rule.rule: rule for rule in before.rules}
    words = [text for rule in now.rules if (text := _change(old.get(rule.rule), rule, now))]
    words += [_said(said) for said in now.said]
    doubts = {} if before is None else {leg.name: leg.doubt for leg in before.legs}
    words += [
        f"{leg.name}: {_leg(leg)}" for leg in now.legs if leg.doubt and doubts.get(leg.name, "") != leg.doubt
    ]
    was = "" if before is None else before.silent
    if now.silent != was:
        words.append(f"rules from {now.silent} on are silent" if now.silent else "all rules may speak again")
    return words


def _change(old: RuleSeen | None, rule: RuleSeen, now: Sighting) -> str:
    """What became of one rule since the last look; nothing = nothing."""
    was = RuleState.QUIET if old is None or old.state is None else RuleState(old.state)
    if rule.state is None or was == rule.state or any(said.rule == rule.rule for said in now.said):
        return ""
    match RuleState(rule.state):
        case RuleState.MET:
            wait = (
                ""
                if rule.confirms_s is None
                else f", waiting {rule.confirms_s - now.at_s:g} s for confirmation"
            )
            return f"{rule.rule} met at {_at(rule)}{wait}"
        case RuleState.CONFIRMED:
            return f"{rule.rule} confirmed at {_at(rule)}, waiting for a higher rule that is met"
        case RuleState.FIRED:
            return f"{rule.rule} fired too"
        case RuleState.QUIET:
            return f"{rule.rule} {_gone(was, rule)}"


def _gone(was: RuleState, rule: RuleSeen) -> str:
    if was is RuleState.FIRED:
        return "may fire again"
    if rule.pnl_paise is None and rule.threshold_paise is not None:
        return "cannot be judged any more: no price"
    if rule.pnl_paise is None:
        return "is not met any more"
    pnl = signed_rupees(rule.pnl_paise)
    if rule.silent:
        return f"fell to {pnl}, where it is silent"
    falls = rule.peak_paise is not None or (rule.threshold_paise or 0) < 0
    return f"{'recovered' if falls else 'fell back'} to {pnl}"


def _said(said: Said) -> str:
    also = f" (and {', '.join(said.also)})" if said.also else ""
    gate = f" → {said.gate}" if said.gate else ""
    return f"{said.rule}{also} {said.action}: {said.reason}{gate}"


def _at(rule: RuleSeen) -> str:
    if rule.pnl_paise is None:
        return rule.text
    if rule.threshold_paise is None:
        return signed_rupees(rule.pnl_paise)
    return f"{signed_rupees(rule.pnl_paise)} (threshold {signed_rupees(rule.threshold_paise)})"


def _nearest(now: Sighting) -> str:
    """The rule that is nearest, and how near."""
    rule = max(now.rules, key=lambda rule: rule.progress or 0.0)
    pnl = rule.known_paise
    shown = "unknown" if pnl is None else signed_rupees(pnl)
    if rule.progress is None or rule.threshold_paise is None:
        return f"P&L {shown}"
    start = "" if rule.peak_paise is None else " from the peak down"
    way = "beyond" if rule.progress >= 1 else f"{rule.progress:.0%} of the way{start} to"
    return f"P&L {shown}: {way} {rule.rule} {signed_rupees(rule.threshold_paise)}"


def _distance(rule: RuleSeen, at_s: float) -> str:
    """How far from firing; why it cannot."""
    if rule.state is None:
        return f"does not guard it: {rule.text}"
    if rule.due_s is not None:
        left = rule.due_s - at_s
        return f"due {ist(rule.due_s):%d %b %H:%M}" + (
            f", in {_span(left)}" if left > 0 else ", and it has come"
        )
    if rule.threshold_paise is None:
        return f"{rule.state}: {rule.text}"
    threshold = f"{signed_rupees(rule.threshold_paise)} ({rule.text})"
    if rule.state != RuleState.QUIET:
        return f"{rule.state} at {threshold}"
    if rule.pnl_paise is None:
        return f"{threshold}; not judged: no believable price"
    if rule.silent and rule.floor_paise is not None:
        return f"{threshold}; silent at a P&L of {signed_rupees(rule.floor_paise)} or less"
    away = abs(rule.pnl_paise - rule.threshold_paise)
    start = "" if rule.peak_paise is None else " from the peak"
    share = "" if rule.progress is None or rule.progress <= 0 else f", {rule.progress:.0%} of the way{start}"
    return f"{threshold}; {rupees(away)} away{share}"


def _leg(leg: LegSeen) -> str:
    age = "" if leg.age_s is None else f" {_span(leg.age_s)} old"
    book = "" if leg.age_s is None else f" {_price(leg.bid_paise)}/{_price(leg.ask_paise)},{age}"
    return f"{leg.doubt}{f' ({book.strip()})' if book else ''}"


def _price(paise: int) -> str:
    return rupees(paise).removeprefix("₹") if paise else "none"


def _clock(at_s: float) -> str:
    return f"{ist(at_s):%H:%M:%S}"


def _day(seen: Sighting) -> str:
    return f"{ist(seen.at_s):%a %d %b} "


def _span(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"
