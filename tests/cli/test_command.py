"""The command line as a whole: a bad argument is answered with the usage of the command that it is for."""

import pytest

from zram_impl.cli.command import main


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["demo", "--bogus"], "unrecognized arguments: --bogus"),
        (["demo", "--batch", "0"], "argument --batch: '0' is not a number from 1"),
        (["bench", "more"], "unrecognized arguments: more"),
        (["bench", "--json"], "argument --json: expected one argument"),
    ],
)
def test_a_bad_argument_gets_the_commands_own_usage(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    assert err.startswith(f"usage: python -m zram_impl {arguments[0]} ")
    assert f"python -m zram_impl {arguments[0]}: error: {complaint}" in err
