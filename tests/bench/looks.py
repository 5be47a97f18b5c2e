"""What people ask a house for in a session, done as the chat does it, page and all; nothing is sent."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

from bot.accounts_view import all_status_pages
from bot.captions import illustrated
from bot.feed_view import Rate, feed_pages
from bot.health_view import health_pages
from bot.orders_view import orders_pages
from bot.position_card import positions_pages
from bot.status import status_pages
from bot.summary import summary_page, summed
from bot.views import picker_page
from engine.charts import Scope, Wanted
from engine.drill import drill_now
from engine.feed_page import feed_now
from engine.health_page import health_now
from engine.io.wiring import Traffic
from engine.material import house_of
from engine.orders_page import desk_now
from engine.picture import outline

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any

    from engine.io.wiring import Wiring

_NO_TRAFFIC = Traffic(0, 0, 0)


def looks() -> Mapping[str, Callable[[Wiring], Coroutine[Any, Any, None]]]:
    """Each by the name of its command; ``view`` is the picture of all positions alone."""
    return {
        "view": _view,
        "status": _status,
        "accounts": _accounts,
        "positions": _positions,
        "exit": _picker,
        "summary": _summary,
        "orders": _orders,
        "health": _health,
        "feed": _feed,
        "drill": _drill,
        "pnl": _pnl,
        "full collection": _collect,
    }


async def _view(one: Wiring) -> None:
    await one.glance()


async def _status(one: Wiring) -> None:
    await asyncio.to_thread(status_pages, await one.glance())


async def _accounts(one: Wiring) -> None:
    await asyncio.to_thread(all_status_pages, {"one": await one.glance()})


async def _positions(one: Wiring) -> None:
    await asyncio.to_thread(positions_pages, await one.glance())


async def _picker(one: Wiring) -> None:
    await asyncio.to_thread(picker_page, {"one": await one.glance()})


async def _summary(one: Wiring) -> None:
    view = await one.glance()
    sums = await asyncio.to_thread(summed, {"one": view})
    house_of("one", view, sums["one"].shown)
    summary_page(sums, view.at_s)


async def _orders(one: Wiring) -> None:
    if (desk := one.see(desk_now)) is not None:
        orders_pages(desk, one.clock.now_s())


async def _health(one: Wiring) -> None:
    health_pages((*(one.see(health_now) or ()), await one.disk()), one.clock.now_s())


async def _feed(one: Wiring) -> None:
    if (feed := one.see(feed_now)) is not None:
        feed_pages(feed, Rate(_NO_TRAFFIC, one.traffic() or _NO_TRAFFIC, 1.0))


async def _drill(one: Wiring) -> None:
    one.see(outline)
    one.see(drill_now)


async def _pnl(one: Wiring) -> None:
    """The day, the week and the month, each drawn on a thread as it is for a message."""
    for scope in (Scope.DAY, Scope.WEEK, Scope.MONTH):
        for chart in one.see(Wanted(scope)) or ():
            page = illustrated(chart, "", "")
            if page.draw is not None:
                await asyncio.to_thread(page.draw)


async def _collect(_one: Wiring) -> None:
    gc.collect()
