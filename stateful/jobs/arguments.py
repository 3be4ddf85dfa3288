"""Amounts on the command line."""

from argparse import ArgumentTypeError


def count(text: str) -> int:
    """Read a whole number from 1 on."""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise ArgumentTypeError(f"must be a whole number from 1 on, got {text!r}")
    return int(text)


def duration(text: str) -> float:
    """Read a time to run for, in whatever unit, above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ArgumentTypeError(f"must be a time above 0, got {text!r}")
    return number
