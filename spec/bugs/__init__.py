"""Seeded bugs: actions with one mistake, and the property that each breaks."""
