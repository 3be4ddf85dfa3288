"""Making a program that fails as small as it gets: whatever can be left out or be made smaller, is."""

from collections.abc import Callable, Iterator

from stateful.schedules.program import Fault, Op, Preemption, Program


def smallest(what: Program, fails: Callable[[Program], bool]) -> Program:
    """Return a program that `fails` and of which nothing can be left out or be made smaller; `what` fails."""
    changed = True
    while changed:
        changed = False
        for smaller in _smaller(what):
            if fails(smaller):
                what, changed = smaller, True
                break
    return what


def _smaller(what: Program) -> Iterator[Program]:
    """Yield programs that are a little smaller, the much smaller ones first."""
    for several in (len(what.preemptions) // 2, 1):
        for at in range(0, len(what.preemptions), max(several, 1)):
            yield what._replace(preemptions=what.preemptions[:at] + what.preemptions[at + max(several, 1) :])
    for at in range(len(what.ops)):
        yield what._replace(ops=what.ops[:at] + what.ops[at + 1 :])
    for at in range(len(what.faults)):
        yield what._replace(faults=what.faults[:at] + what.faults[at + 1 :])
    yield from _smaller_numbers(what)


def _smaller_numbers(what: Program) -> Iterator[Program]:
    for at, each in enumerate(what.preemptions):
        for step, alternative in ((each.step, 1), *((step, each.alternative) for step in range(each.step))):
            put = Preemption(step, alternative)
            others = {one.step for one in what.preemptions} - {each.step}
            if put < each and step not in others:
                changed = (*what.preemptions[:at], put, *what.preemptions[at + 1 :])
                yield what._replace(preemptions=tuple(sorted(changed)))
    for at, op in enumerate(what.ops):
        for number in range(op.number):
            yield what._replace(ops=(*what.ops[:at], Op(op.lane, op.does, number), *what.ops[at + 1 :]))
    for at, fault in enumerate(what.faults):
        for number in range(fault.number):
            yield what._replace(faults=(*what.faults[:at], Fault(fault.fails, number), *what.faults[at + 1 :]))
