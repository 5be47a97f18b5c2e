"""Endpoints of Dhan that the sandbox does not have: lists are empty, and a wish is refused in clear words.

Super and forever orders and conditional alerts are Dhan's own automation; nothing here executes them, and
an order that seems taken but never works would be worse than a refusal.
"""

from __future__ import annotations

from typing import Any

from sandbox.dhan_rest import Call, Route
from sandbox.limits import Group
from sandbox.refusals import order_error

_LISTS = ("/super/orders", "/forever/orders", "/forever/all", "/alerts/orders")
_WISHES = (
    ("POST", "/super/orders"),
    ("PUT", "/super/orders/{order_id}"),
    ("DELETE", "/super/orders/{order_id}/{leg}"),
    ("POST", "/forever/orders"),
    ("PUT", "/forever/orders/{order_id}"),
    ("DELETE", "/forever/orders/{order_id}"),
    ("POST", "/alerts/orders"),
    ("POST", "/alerts/multi/orders"),
    ("PUT", "/alerts/orders/{alert_id}"),
    ("DELETE", "/alerts/orders/{alert_id}"),
)


def _nothing(_call: Call) -> Any:
    return []


def _refuse(call: Call) -> Any:
    kind = call.request.path.split("/")[2]
    raise order_error(f"The sandbox has no {kind} orders")


ROUTES = (
    *(Route("GET", path, Group.OTHER, _nothing) for path in _LISTS),
    *(Route(verb, path, Group.ORDER, _refuse, changes=True) for verb, path in _WISHES),
)
