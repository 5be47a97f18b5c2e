"""The record of a running day: what came in, what was decided and sent, as values and as bytes. Pure."""
