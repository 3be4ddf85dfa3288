"""Amounts on the command line, by the commands that take them."""

import pytest

from stateful.command import main
from tests.refused import wrong_call


@pytest.mark.parametrize("command", [["metamorphic", "--programs"], ["inputs", "--count"]])
@pytest.mark.parametrize("amount", ["0", "-1", "1.5", "many"])
def test_no_amount_is_a_wrong_call(command: list[str], amount: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"argument {command[1]}: " in wrong_call(capsys, main, [*command, amount])
