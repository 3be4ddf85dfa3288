"""Amounts on the command line."""

from spec.processes.options import count, duration

__all__ = ["count", "duration"]
