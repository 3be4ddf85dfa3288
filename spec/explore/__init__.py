"""Breadth-first search through every reachable state."""
