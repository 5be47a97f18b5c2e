"""What freqtrade loads; nothing of ours imports it."""
