"""The model for SPIN says what the specification says; where SPIN is installed, it is asked."""

import json
import re
import shutil
from pathlib import Path

import pytest

from spec.bugs.batching_v3 import BATCHING_V3, SpecBug
from spec.explore.bfs import search
from spec.explore.expected_counts import PINNED, Pinned
from spec.model.actions import ACTIONS
from spec.model.invariant import CLAUSES
from spec.model.properties import EVERY_STEP
from spec.promela import command as promela
from spec.promela.command import SpinCounterexample, SpinFailed, SpinResult, counted
from spec.scope import EVERY_RUN, Scope
from tests.refused import wrong_call
from tests.spec.outputs.schema import valid

ROOT = Path(__file__).resolve().parents[3]
FILES = {path.name: path.read_text(encoding="utf-8") for path in sorted(promela.MODEL.glob("*.pml"))}
MODEL = "".join(FILES.values())
PAGE = (ROOT / "docs" / "second-model.md").read_text(encoding="utf-8")

INSTALLED = shutil.which("spin") is not None and any(shutil.which(name) for name in ("gcc", "cc", "clang"))
needs_spin = pytest.mark.skipif(not INSTALLED, reason="spin is not installed: apt-get install spin gcc")

# What the verifier prints.
SAID = """
State-vector 124 byte, depth reached 34, errors: 0
   157719 states, stored
   157719 nominal states (stored-atomic)
  2054170 states, matched
  2211889 transitions (= stored+matched)
"""

# Odd ones, to find what the four scopes of every run have in common by chance.
ODD = (
    Scope(1, 1, 1, 1, readers=1, stores=1, toggles=1, huge=1, idle=1, recompress=1, resets=1),
    Scope(1, 2, 2, -1, toggles=1),
    Scope(1, 1, 1, 0, stores=2, toggles=1),
    Scope(2, 1, 1, 1, readers=2),
    Scope(2, 1, 1, 2, readers=2, keeps=1),
    Scope(1, 2, 3, 3, resets=2, huge=1),
)


def rows(text: str) -> dict[str, Pinned]:
    """The counts in a table, whatever it is drawn with."""
    found = re.findall(rf"({'|'.join(PINNED)})[ |]+([\d,]+)[ |]+([\d,]+)[ |]+(\d+)", text)
    return {name: Pinned(*(int(number.replace(",", "")) for number in numbers)) for name, *numbers in found}


def test_the_counts_in_the_model_and_its_page_are_pinned() -> None:
    assert rows(MODEL) == PINNED
    assert rows(PAGE) == PINNED


def test_the_model_has_exactly_the_actions_of_the_specification() -> None:
    printed = re.findall(r'printf\("(\w+) (\w+)\(([^)]*)\)', MODEL)
    assert {(name, actor) for actor, name, _over in printed} == {(action.name, action.actor) for action in ACTIONS}
    arity = {action.name: len(action.over) for action in ACTIONS}
    assert [name for _actor, name, over in printed if len(over.split(",")) * bool(over) != arity[name]] == []


def test_the_model_asserts_every_clause_but_the_ranges() -> None:
    asserted = re.findall(r"^\t(\w+)\(\)", MODEL[MODEL.index("inline always()") :].split("}")[0], re.MULTILINE)
    assert asserted == [clause.__name__ for clause in CLAUSES if not clause.__name__.endswith("_in_range")]


def test_the_model_asserts_what_every_step_does() -> None:
    asserted = {step.holds.__name__ for step in EVERY_STEP if f"inline {step.holds.__name__}(" in MODEL}
    assert {step.holds.__name__ for step in EVERY_STEP} - asserted == {"a_refusal_changes_nothing"}


def test_the_model_has_every_size_and_every_bug() -> None:
    assert [name for name in Scope._fields if f"#define {name.upper()} " not in MODEL] == []
    switches = re.findall(r"^#ifn?def (\w+)$", MODEL, re.MULTILINE)
    assert set(switches) - {"SLOTS", "KEEPS"} == {bug.name.upper() for bug in BATCHING_V3}


def test_the_sizes_it_has_by_itself_are_the_usual_ones() -> None:
    sizes = dict(re.findall(r"^#define (\w+) (\d+)$", MODEL, re.MULTILINE))
    assert {name: int(sizes[name.upper()]) for name in Scope._fields} == Scope()._asdict()


def test_what_spin_counts_besides_is_taken_off() -> None:
    assert counted(SAID, 1.5, None) == SpinResult(*PINNED["base"], 1.5, None)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (SAID.replace("157719", "1.5771913e+09"), "cannot read the number"),
        (SAID.replace("stored+matched", "stored"), "cannot read the number"),
        ("pan: out of memory\nWarning: Search not completed" + SAID, "not completed: pan: out of memory"),
    ],
)
def test_what_cannot_be_read_is_not_taken_for_a_count(said: str, problem: str) -> None:
    with pytest.raises(SpinFailed, match=problem):
        counted(said, 0.0, None)


def test_a_trail_ends_at_the_assertion_and_names_the_property() -> None:
    line = FILES["invariant.pml"].splitlines().index("\t\tassert(n == used[b])") + 1
    replayed = (
        'spin: warning, "writeback.pml" is newer than writeback.pml.trail\n'
        f"user begin_pass()\n      user write(1, 0)\nspin: invariant.pml:{line}, Error: assertion violated\n"
        "spin: text of failed assertion: assert((n==used[b]))\nuser refuse_pass()\nspin: trail ends after 3 steps\n"
    )
    steps = ("user begin_pass()", "user write(1, 0)")
    found = promela.broken(replayed)
    assert found == SpinCounterexample(
        "every_block_has_one_owner", "assert((n==used[b]))", f"invariant.pml:{line}", steps
    )
    assert promela.readable(found).splitlines()[:5] == [
        "every_block_has_one_owner is broken after 2 steps:",
        "  every block in use has exactly one owner: a written-back slot, a request, or the pass that reserved it",
        "",
        "   1  user    begin_pass",
        "   2  user    write(slot 1, huge 0)",
    ]


def test_a_trail_that_ends_elsewhere_is_refused() -> None:
    with pytest.raises(SpinFailed, match="does not end in a violated assertion"):
        promela.broken("user begin_pass()\nspin: trail ends after 1 steps\n")


@pytest.mark.parametrize("there", [[], ["spin"], ["gcc"]])
def test_without_spin_it_ends_with_3_and_says_how_to_get_it(
    there: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in there:
        (tmp_path / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert promela.main([]) == 3
    missing = "SPIN" if there == ["gcc"] else "a C compiler"
    assert capsys.readouterr() == ("", f"error: {missing} is not installed: {promela.HOW_TO_INSTALL}\n")


@pytest.mark.parametrize(
    "arguments", [["--scope", "huge"], ["--bug", "none"], ["base"], ["--scope", "base", "--bug", "all"]]
)
def test_what_is_not_allowed_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "usage: python -m spec.promela" in wrong_call(capsys, promela.main, arguments)


def test_a_search_that_fails_ends_with_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_scope: Scope, _bug: str = "", *, tick: object) -> SpinResult:
        del tick
        raise SpinFailed("pan ended with 1")

    monkeypatch.setattr(promela, "programs", lambda: ("spin", "gcc"))
    monkeypatch.setattr(promela, "search", fail)
    assert promela.main([]) == 1
    assert capsys.readouterr().err == "error: pan ended with 1\n"


@needs_spin
@pytest.mark.parametrize("name", list(EVERY_RUN))
def test_both_models_count_the_same(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert promela.main(["--scope", name]) == 0
    _header, row = capsys.readouterr().out.splitlines()
    assert row.split()[0] == name
    assert row.endswith("passed")


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@needs_spin
@pytest.mark.parametrize("scope", [pytest.param(scope, id=scope.label()) for scope in ODD])
def test_both_models_count_the_same_in_odd_scopes(scope: Scope) -> None:
    outcome = search(scope)
    assert promela.search(scope).counts == Pinned(outcome.states, outcome.transitions, outcome.depth)
    assert promela.taken(scope) == outcome.fired


@needs_spin
@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in BATCHING_V3])
def test_a_seeded_bug_breaks_the_same_property_as_soon(bug: SpecBug) -> None:
    found = promela.search(bug.scope, bug.name)
    assert promela.disagreement(found, bug) == ""
    assert found.broken is not None


@needs_spin
def test_a_bug_is_printed_as_a_way_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert promela.main(["--bug", "leak_after_loop"]) == 1
    out = capsys.readouterr().out
    assert "every_block_has_one_owner is broken after 8 steps:" in out
    assert "   8  pass    drop_held" in out
    assert "the same as in the search" in out


def doctor(old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a model with one thing changed in the place of the model."""
    assert MODEL.count(old) == 1
    for name, text in FILES.items():
        (tmp_path / name).write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(promela, "MODEL", tmp_path)


@needs_spin
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        # A read takes the idle mark off, but leaves the claim.
        (
            'read(%d)\\n", _pid); accessed(_pid)',
            'read(%d)\\n", _pid); slot[_pid].idle = 0',
            "states: 8,092, the search's 9,116",
        ),
        # One way more to a state that there is anyway.
        ("d_step { ALLOCATED(_pid) -> ", "d_step { true -> ", "transitions: 128,372, the search's 126,376"),
        # A note that outlives its step.
        ("k = 0; n = 0; was = 0;", "k = 0; was = 0;", "FAILED"),
        # A discard forgets that the block is free.
        (
            "slot[x].wb = 0; release_block(slot[x].handle)",
            "slot[x].wb = 0",
            "every_block_has_one_owner is broken after",
        ),
        # A pass is over while a request is in flight.
        (" && num_inflight == 0 ->", " ->", "nothing_remains_at_rest is broken after"),
    ],
)
def test_a_doctored_model_is_noticed(
    old: str,
    new: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    doctor(old, new, tmp_path, monkeypatch)
    assert promela.main(["--scope", "flags"]) == 1
    out = capsys.readouterr().out
    assert said in out
    assert not out.rstrip().endswith("passed")


@needs_spin
def test_a_model_that_does_not_parse_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    doctor("active proctype Pass()", "active proctype Pass(", tmp_path, monkeypatch)
    assert promela.main(["--scope", "flags"]) == 1
    assert "error: spin ended with" in capsys.readouterr().err


def test_a_search_by_spin_is_a_check_for_other_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = ("user write(0, 0)", "user begin_pass()", "pass scan(0)")
    broken = SpinCounterexample("every_block_has_one_owner", "owners == 1", "invariant.pml:7", steps)
    results = {"leak_on_error": SpinResult(9, 8, 7, 0.5, broken), "": SpinResult(*PINNED["flags"], 0.5, None)}
    monkeypatch.setattr(promela, "programs", lambda: None)
    monkeypatch.setattr(promela, "search", lambda _scope, bug="", tick=None: results[bug])
    assert promela.main(["--bug", "leak_on_error", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    valid(found)
    [finding] = found["checks"][0]["findings"]
    assert finding["rule"] == "every_block_has_one_owner"
    assert [(each["lane"], each["text"]) for each in finding["steps"]][::2] == [
        ("user", "write(slot 0, huge 0)"), ("pass", "scan(slot 0)"),
    ]  # fmt: skip
    assert promela.main(["--scope", "flags", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    valid(found)
    assert found["checks"][0]["data"] == PINNED["flags"]._asdict()
    results[""] = results[""]._replace(states=1)
    assert promela.main(["--scope", "flags", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["checks"][0]["findings"][0]["rule"] == "states"
