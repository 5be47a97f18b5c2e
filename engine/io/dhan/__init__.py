"""Dhan behind the ports: REST with three outcomes, feed, order updates, instruments."""
