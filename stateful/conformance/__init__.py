"""Replays what a real kernel was recorded to answer, and compares."""
