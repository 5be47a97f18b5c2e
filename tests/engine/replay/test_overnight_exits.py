"""An exit of a calendar spread that the close interrupts, and whose near leg expires with the day."""

from __future__ import annotations

from tests.engine.replay.days import Day, only, replay, trade

NEAR, FAR = "2025-09-02", "2025-09-30"
MORNING = f"{NEAR}T09:15:00+05:30"
CALENDAR = [
    trade(1, "SELL", "25000CE", 75, 40, at=MORNING, expiry_date=NEAR),
    trade(1, "BUY", "25000CE", 75, 100, at=MORNING, expiry_date=FAR),
]
BESIDE = [trade(2, "BUY", "25100CE", 75, 50, at=MORNING, expiry_date=FAR)]
RULES = (
    "[default]\nstop_loss = 'off'\nprofit_target = 'off'\ntime_exit_dte = 'off'\nexpiry_exit_at = '15:10'\n"
)


def two_days(*far):
    """The near leg is bought back at 15:28, the far one falls too fast; then the next morning's mids."""
    evening, morning = Day(date=NEAR, expiry=NEAR), Day(date="2025-09-03")
    for at, near, later in (("15:08", 30, 100), ("15:28", 30, 100), ("15:29", 30, 30)):
        evening.quote(f"{at}:00", "25000CE", near - 0.5, near + 0.5)
        evening.quote(f"{at}:00", "25000CE", later - 0.5, later + 0.5, expiry=FAR)
        evening.quote(f"{at}:00", "25100CE", 50, 51, expiry=FAR)
    for minute, price in enumerate(far):
        at = f"{9 + (20 * minute + 20) // 60:02}:{(20 * minute + 20) % 60:02}:00"
        morning.quote(at, "25000CE", price - 0.5, price + 0.5, expiry=FAR)
        morning.quote(at, "25100CE", 50, 51, expiry=FAR)
    return [evening, morning]


def test_a_position_beside_it_changes_nothing(tmp_path):
    """Alone or beside another one an exit goes on alike, to the second and the paisa."""
    days = two_days(90, 60, 55, 55)
    alone = only(replay(tmp_path, days, CALENDAR, RULES))
    assert replay(tmp_path, days, [*CALENDAR, *BESIDE], RULES)["positions"][0] == alone


def test_an_urgent_order_of_the_next_day_steps_on(tmp_path):
    """Within twenty minutes it has gone past its cap to the band, 40 % off the last price of 89.50."""
    position = only(replay(tmp_path, two_days(90, 60, 60), CALENDAR, RULES))
    sold = position["orders"][1]
    assert (sold["limit"], sold["average"]) == (53.7, 59.5)
    assert position["status"] == "closed"


def test_what_is_left_is_valued_until_the_end(tmp_path):
    """Its only bid is that of nobody: the final P&L goes by the last morning's mark, not the evening's."""
    days = two_days(90)
    position = only(replay(tmp_path, days, CALENDAR, RULES))
    assert position["status"] == "partially_closed"
    assert position["final_pnl_gross"] == (40 - 30.5) * 75 + (90 - 100) * 75


def test_a_near_leg_that_nobody_sells_expires_and_the_far_one_is_sold(tmp_path):
    """After 15:08 nobody offers the near call: it expires short, told; the long is sold the next morning.

    What expired counts at its last mark.
    """
    evening, morning = Day(date=NEAR, expiry=NEAR), Day(date="2025-09-03")
    for at in ("15:08", "15:12", "15:28", "15:29"):
        evening.quote(f"{at}:00", "25000CE", 29.5, 30.5 if at == "15:08" else "")
        evening.quote(f"{at}:00", "25000CE", 99.5, 100.5, expiry=FAR)
    for at in ("09:20", "09:40", "09:50"):
        morning.quote(f"{at}:00", "25000CE", 89.5, 90.5, expiry=FAR)
    position = only(replay(tmp_path, [evening, morning], CALENDAR, RULES))
    assert position["status"] == "closed"
    assert [order["filled"] for order in position["orders"]] == [0, 75]
    assert position["final_pnl_gross"] == (40 - 30) * 75 + (89.5 - 100) * 75
    (told,) = [event for event in position["events"] if "expired on 2025-09-02 before" in event["reason"]]
    assert told["urgency"] == "HIGH"
