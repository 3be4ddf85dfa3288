"""`python -m stateful replay TOKEN`: play what a token stands for again, and show it."""

from collections.abc import Callable

from stateful.schedules.playing import play_twice
from stateful.schedules.policies import NondeterminismError
from stateful.schedules.showing import story, verdict
from stateful.schedules.token import decode, encode


def replay(token: str, say: Callable[[str], None]) -> bool:
    """Play a token twice, print lanes and verdict; return whether all was well.

    Raises:
        BadTokenError: It is not a token.
    """
    what = decode(token)
    say(f"token    {encode(what)}")
    say(story(what).rpartition("\n")[0])
    try:
        played = play_twice(what)
    except NondeterminismError as error:
        say(f"verdict  NondeterminismError: {error}")
        return False
    say(f"played   twice, the same {len(played.schedule)} choices at {played.points} points")
    say(verdict(played))
    return played.error is None
