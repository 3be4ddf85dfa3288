"""`python -m stateful replay TOKEN`: play what a token stands for again, and show it."""

from collections.abc import Callable

from stateful.schedules.lanes import describe, draw, watched
from stateful.schedules.playing import play_twice
from stateful.schedules.policies import NondeterminismError
from stateful.schedules.token import decode, encode


def replay(token: str, say: Callable[[str], None]) -> bool:
    """Play a token twice, print lanes and verdict; return whether all was well.

    Raises:
        BadTokenError: It is not a token.
    """
    what = decode(token)
    say(f"token    {encode(what)}")
    for line in describe(what):
        say(line)
    _played, rows = watched(what)
    say("")
    say(draw(rows))
    say("")
    try:
        played = play_twice(what)
    except NondeterminismError as error:
        say(f"verdict  NondeterminismError: {error}")
        return False
    say(f"played   twice, the same {len(played.schedule)} choices at {played.points} points")
    if played.error is None:
        say("verdict  clean")
        return True
    sentence = str(played.error).partition("; after ")[0]
    kind = "" if played.found in sentence else f"{played.found}: "
    say(f"verdict  BROKEN {kind}{sentence}")
    return False
