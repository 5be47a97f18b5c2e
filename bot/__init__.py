"""The Telegram bot, in the same event loop as the monitor."""
