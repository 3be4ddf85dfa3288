"""The machines, bound to pytest: how many runs of how many steps is the business of the Hypothesis profile."""

import itertools

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from spec.model.actions import ACTIONS
from stateful.lockstep.machine import MACHINES, WritebackMachine
from stateful.lockstep.run_machine import Until, run_machine


@pytest.mark.timeout(600)  # a finding is shrunk for up to five minutes, and must not be lost to a time limit
@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_the_device_does_what_the_specification_does(machine: type[WritebackMachine]) -> None:
    run_state_machine_as_test(machine, settings=settings(deadline=None, suppress_health_check=list(HealthCheck)))


def test_the_machines_take_every_action_there_is() -> None:
    left = {action.name for action in ACTIONS}
    for number, machine in itertools.product(range(2), MACHINES):
        if left:
            left -= run_machine(machine, Until(examples=25), number=number).taken
    assert left == set()
