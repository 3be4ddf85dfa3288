"""Programs drawn by chance alone, where nothing is to be shrunk by Hypothesis and speed matters."""

import random

from stateful.schedules.joint import USERS
from stateful.schedules.program import PAGES, SIZES, Does, Fails, Fault, Op, Program


def drawn(chance: random.Random) -> Program:
    """Return a program of a pass, a few operations of one or two users, and perhaps a fault."""
    lanes = chance.choice((1, 1, 2))
    ops = [
        Op(chance.randint(1, lanes), chance.choice(USERS), chance.randrange(PAGES)) for _ in range(chance.randint(1, 3))
    ]
    faults = [Fault(chance.choice(list(Fails)), chance.randrange(3)) for _ in range(chance.choice((0, 0, 1, 2)))]
    blocks, batch, threads = chance.choice(SIZES)
    return Program((Op(0, Does.WRITEBACK), *ops), tuple(faults), (), blocks, batch, threads)
