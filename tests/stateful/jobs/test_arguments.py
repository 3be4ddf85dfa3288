"""Amounts on the command line, by the commands that take them."""

import pytest

from stateful.command import main


@pytest.mark.parametrize("command", [["metamorphic", "--programs"], ["inputs", "--count"]])
@pytest.mark.parametrize("amount", ["0", "-1", "1.5", "many"])
def test_no_amount_is_a_wrong_call(command: list[str], amount: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main([*command, amount])
    assert refused.value.code == 2
    assert f"argument {command[1]}: " in capsys.readouterr().err
