"""The pictures and the table of docs/rules.md: every rule on a recorded day, drawn from the replay."""
