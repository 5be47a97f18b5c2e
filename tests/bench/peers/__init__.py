"""Other monitors beside ours, on the same prices and rules; installed on demand and never required."""
