"""The command that mutates: what it prints, and its exit codes."""

import json
from collections.abc import Sequence

import pytest

from spec.mutate import command as mutate
from spec.mutate.command import judge, main, numbers, reason, sample, table
from spec.mutate.kill import SpecFate
from spec.mutate.mutants import SpecMutant
from spec.processes.progress import KnownProgress
from tests.refused import wrong_call
from tests.spec.mutants import EVERY
from tests.spec.outputs.schema import valid
from tests.spec.processes import trial_tasks

FATES = [
    SpecFate("a", "broken (3)", "reap: broken"),
    SpecFate("b", "broken (3)"),
    SpecFate("c", "", "reap: broken"),
    SpecFate("d", "crash: KeyError", "crash: KeyError"),
    SpecFate("e", "crash: KeyError", "reap: broken"),
    SpecFate("f", rests_on=("a_clause", "another")),
    SpecFate("g", rests_on=()),
    SpecFate("h", counts=True),
]


def test_the_numbers_add_up() -> None:
    assert numbers(FATES) == (8, 5, 2, 1, 1, 1, 2, 1)
    assert sum(numbers(FATES)[2:]) == len(FATES)


def test_what_is_left_has_its_reason() -> None:
    assert [reason(fate) for fate in FATES[5:]] == [
        "the same because of a_clause, another",
        "the same in every state",
        "NOT REFUTED, and not the same; counts differ",
    ]
    shown = table(EVERY[: len(FATES)], FATES).splitlines()
    titles = "module mutants refuted by both search alone z3 alone crashed the same left"
    assert [" ".join(shown[number].split()) for number in (0, 2)] == [titles, "all 8 5 2 1 1 1 2 1"]
    assert sum(line.startswith("  - ") for line in shown) == 3


@pytest.mark.parametrize("option", ["--sample", "--processes"])
@pytest.mark.parametrize("number", ["0", "-3", "x", "²"])
def test_there_is_at_least_one(option: str, number: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "must be a whole number from 1 on" in wrong_call(capsys, main, [option, number])


def test_a_sample_is_the_same_for_a_seed() -> None:
    some = sample(EVERY, 20, seed=1)
    assert some == sample(EVERY, 20, seed=1)
    assert some != sample(EVERY, 20, seed=2)
    assert [each for each in EVERY if each in some] == some
    assert sample(EVERY[:3], 20, seed=1) == EVERY[:3]


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
def test_mutants_are_judged_in_programs(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["user.can_discard:2:12 never", "user.can_discard:2:12 always", "user.can_recompress:2:23 == as <="]
    assert main(["--json", *names]) == 0
    document = json.loads(capsys.readouterr().out)
    valid(document)
    found = {check["name"]: check["data"] for check in document["checks"]}
    assert list(found) == [each.name for each in EVERY if each.name in names]
    assert all(found[name]["by_search"] and found[name]["by_z3"] for name in names[:2])
    assert found[names[2]]["rests_on"]


def test_a_process_that_dies_leaves_nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutate, "judged", trial_tasks.judge_one_and_die)
    monkeypatch.setattr(mutate, "counted", list)
    found = judge(EVERY[:2], lambda _fates: None)
    assert found == [SpecFate(EVERY[0].name, "broken"), SpecFate(EVERY[1].name)]


def test_what_is_left_is_exit_code_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def left(mutants: Sequence[SpecMutant], *_rest: object) -> list[SpecFate]:
        return [SpecFate(mutant.name) for mutant in mutants]

    monkeypatch.setattr(mutate, "judge", left)
    assert main(["--sample", "3"]) == 1
    assert "NOT REFUTED" in capsys.readouterr().out


def test_a_list_says_what_each_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--sample", "2"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6


def test_a_name_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no mutant 'nothing'" in wrong_call(capsys, main, ["nothing"])


def test_progress_counts_mutants() -> None:
    progress = mutate.progress_of(len(FATES))
    assert progress._lines() == ["mutants: 0 of 8, 0 refuted"]
    progress(FATES)
    progress.done()
    assert progress._lines() == ["mutants: 8 of 8, 5 refuted"]


def test_an_interrupted_run_shows_the_fates_it_knows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(mutants: Sequence[SpecMutant], report: KnownProgress[SpecFate], *_rest: object) -> None:
        report([SpecFate(mutants[1].name)])
        raise KeyboardInterrupt

    monkeypatch.setattr(mutate, "judge", interrupted)
    with pytest.raises(KeyboardInterrupt):
        main(["--sample", "3"])
    assert capsys.readouterr().out.count("NOT REFUTED") == 1
    with pytest.raises(KeyboardInterrupt):
        main(["--sample", "3", "--json"])
    found = json.loads(capsys.readouterr().out)
    valid(found)
    assert [check["verdict"] for check in found["checks"]] == ["failed"]
