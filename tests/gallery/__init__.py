"""Each kind of message as a phone shows it: docs/gallery.md and its pictures."""
