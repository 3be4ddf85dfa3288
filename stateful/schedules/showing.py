"""A program as text: what it does, the lanes of its tasks, the verdict."""

from stateful.schedules.lanes import describe, draw, watched
from stateful.schedules.playing import Played
from stateful.schedules.program import Program


def story(what: Program) -> str:
    """Play a program and tell everything."""
    played, rows = watched(what)
    return "\n".join([*describe(what), "", draw(rows), "", verdict(played)])


def verdict(played: Played) -> str:
    """Say in one line what came of it."""
    if played.error is None:
        return "verdict  clean"
    sentence = str(played.error).partition("; after ")[0]
    kind = "" if played.found in sentence else f"{played.found}: "
    return f"verdict  BROKEN {kind}{sentence}"
