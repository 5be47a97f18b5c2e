"""Which alert says that which trouble is over."""

from __future__ import annotations

import pytest

from engine.recoveries import ends, tells_an_end


@pytest.mark.parametrize(
    ("over", "trouble"),
    [
        ("prices-back", "prices-silent"),
        ("lease-ours", "lease:failed"),
        ("bearings-found", "reconcile:ROWS"),
        ("agree:default/3359", "mismatch:default/3359:a leg is short"),
        ("after all:260203001", "stuck:260203001"),
        ("account HUF up", "account HUF down"),
        ("chat/polled twice/over", "chat/polled twice"),
        ("token-over", "token:ended"),
        ("killed-over", "killed-unknown"),
        ("feed-back", "feed"),
        ("feed-has-room", "feed-full"),
        ("order-updates-back", "order-updates"),
        ("trade-store-back", "trade-store"),
        ("store-writer-back", "store-writer"),
    ],
)
def test_a_recovery_ends_its_own_trouble(over, trouble):
    """Each pair the house and its chat speak of."""
    assert ends(over, trouble)
    assert tells_an_end(over)
    assert not tells_an_end(trouble)


@pytest.mark.parametrize(
    ("over", "trouble"),
    [
        ("agree:default/3359", "mismatch:default/33591:a leg is short"),
        ("after all:260203001", "stuck:260203002"),
        ("account HUF up", "account HUFF down"),
        ("token-over", "token-renewal"),
        ("prices-back", "prices-late"),
        ("killed-over", "killed-never"),
        ("feed-back", "feed-full"),
        ("trade-store-back", "store-writer"),
        ("stuck:1", "stuck:1"),
    ],
)
def test_and_nobody_elses(over, trouble):
    """A name that begins alike is another one."""
    assert not ends(over, trouble)
