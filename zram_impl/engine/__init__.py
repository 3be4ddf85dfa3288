"""Engines carry write requests to a backing device: `protocol`, `sync` (reference), `threads`, `ring`."""
