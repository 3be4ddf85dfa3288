"""Amounts on the command line."""

from argparse import ArgumentTypeError


def count(text: str) -> int:
    """Read a whole number from 1 on."""
    try:
        number = int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a whole number") from None
    if number < 1:
        raise ArgumentTypeError(f"{number} is below 1")
    return number


def duration(text: str) -> float:
    """Read a time to run for, in whatever unit, above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ArgumentTypeError(f"{text!r} is no time to run for")
    return number
