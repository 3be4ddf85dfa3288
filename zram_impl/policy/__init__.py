"""Keeping a device within a budget of memory: policies that decide, and the keeper that does what they decided."""
