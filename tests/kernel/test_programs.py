"""Generated programs and their coverage: what is thin is drawn more, and whatever is left out, a program ends."""

import random
from pathlib import Path

import pytest

from stateful.conformance.fields import Fields
from stateful.conformance.operations import parse_operation
from tests.kernel import fuzz
from tests.kernel.command import main
from tests.kernel.coverage import CONTEXTS, THIN, WAITING, Cell, Coverage, is_refused, row_of
from tests.kernel.fuzz import Finding, flat, shrink
from tests.kernel.machine import GuestError, Options, Report, Row
from tests.kernel.packages import Kernel
from tests.kernel.programs import Generator, Program
from tests.kernel.recordings import read_programs
from tests.kernel.scripts import Operation, script_line
from tests.kernel.setups import drawn
from tests.kernel.situation import Situation
from tests.kernel.texts import PAGE, recorded_values, store

KERNEL = Kernel("7.9.1", "7.9.1-1", Path())


def programs(count: int, seed: int = 1) -> list[Program]:
    generator = Generator(seed, Coverage())
    return [generator.program() for _ in range(count)]


def test_programs_are_operations_that_can_be_replayed() -> None:
    operations = [op for program in programs(40) for op in flat(program)]
    assert len(operations) > 1200
    for op in operations:
        parse_operation(Fields(Path(), 0, dict(op)))
        assert len(script_line(op).split()) <= 10


def test_same_seed_gives_the_same_programs() -> None:
    assert programs(5) == programs(5)
    assert programs(5) != programs(5, seed=2)


def test_second_schema_and_recompression_are_asked_for() -> None:
    names = {row_of(op) for program in programs(40) for op in flat(program)}
    assert not names & {"bwrite", "recompress", "xhold"}
    generator = Generator(1, Coverage(), recompression=True, schema=2)
    names = {row_of(op) for _ in range(40) for op in flat(generator.program())}
    assert names >= {"bwrite", "bread", "recompress", "recomp_algorithm", "xhold", "mkfile", "getsize"}


def test_suspended_device_resumes_whatever_is_left_out() -> None:
    """Units are closed: a gate that lost its end would leave the machine waiting for ever."""
    rng = random.Random(3)
    for program in programs(60):
        kept = [unit for unit in program if rng.random() < 0.6]
        waiting, begun = False, 0
        for op in flat(kept):
            assert not (op["op"] == "suspend" and waiting)
            begun += (op["op"] == "bg_store") - (op["op"] == "join")
            waiting = op["op"] == "suspend" or (waiting and op["op"] not in ("resume", "dmtab"))
        assert (waiting, begun) == (False, 0)


def test_no_attribute_is_stored_while_a_pass_waits() -> None:
    """All stores wait for the pass, which waits for the device to resume: the machine would hang."""
    for program in programs(60):
        waiting = False
        for op in flat(program):
            waiting = op["op"] == "suspend" or (waiting and op["op"] not in ("resume", "dmtab"))
            assert not (waiting and op["op"] == "store")
            assert not (waiting and op["op"] == "show" and op["attr"] != "disksize")


def test_no_batch_is_larger_than_the_machine() -> None:
    sizes = [
        str(op["value"])
        for program in programs(150)
        for op in flat(program)
        if op["op"] == "store" and op["attr"] == "writeback_batch_size"
    ]
    assert len(sizes) > 50
    assert all(int(size) <= 9999 for size in sizes if size.strip().isdigit())


def test_recorded_texts_are_where_odd_ones_come_from() -> None:
    assert {"writeback", "idle", "disksize", "algorithm_params"} <= set(recorded_values())
    assert "bogus" in recorded_values()["writeback"]


@pytest.mark.parametrize(
    ("op", "row"),
    [
        (store("writeback", "type=huge_idle"), "writeback huge_idle"),
        (store("writeback", "page_indexes=1-2"), "writeback page_indexes"),
        (store("writeback", "page_index=1 huge"), "writeback several"),
        (store("writeback", "\n"), "writeback other"),
        (store("idle", "all"), "idle all"),
        (store("idle", "100000"), "idle age"),
        ({"op": "show", "attr": "idle"}, "show idle"),
        ({"op": "read", "page": 0}, "read"),
    ],
)
def test_operation_has_its_row(op: Operation, row: str) -> None:
    assert row_of(op) == row


def state(**changed: object) -> Row:
    row: Row = {"i": 0, "rc": 0, "init": 1, "bk": "/dev/dm-0", "cw": 0, "wle": 0}
    return row | changed  # type: ignore[return-value]  # texts and numbers


def test_coverage_counts_every_context_an_operation_is_in() -> None:
    coverage = Coverage()
    table: Operation = {"op": "dmtab", "bd": 0, "blocks": 4, "fail_write": [[0, 1]], "fail_all": []}
    gate: Operation = {"op": "bg_store", "attr": "writeback", "value": "huge"}
    operations: list[Operation] = [{"op": "hold"}, table, store("idle", "all"), gate, {"op": "read", "page": 0}]
    rows = [state(init=0), state(wle=1), state(), state(rc=-1), state(text="blocked"), state()]
    coverage.add(operations, rows)
    assert coverage.tried["hold", "no size"] == 1
    assert {context for row, context in coverage.tried if row == "idle all"} == {"held", "backed", "failing"}
    assert coverage.accepted["idle all", "failing"] == 0
    assert {context for row, context in coverage.tried if row == "read"} == {WAITING}
    assert coverage.tried["dmtab", "limited"] == 1
    assert any("0/1" in line for line in coverage.table())
    assert coverage.empty([("read", WAITING), ("read", "plain")]) == [("read", "plain")]
    assert coverage.unaccepted([("idle all", "failing"), ("idle all", "no size"), ("hold", "no size")]) == [
        ("idle all", "failing")
    ]


@pytest.mark.parametrize(
    ("row", "context", "refused"),
    [
        *[("disksize", "no size", False), ("disksize", "held", False), ("backing_dev", "plain", True)],
        *[("write", "no size", True), ("write", "plain", False), ("writeback idle", "plain", True)],
        *[("writeback idle", "backed", False), ("writeback_limit", "plain", False), ("reset", "held", True)],
        *[("reset", WAITING, False), ("show idle", "backed", True), ("show disksize", WAITING, False)],
    ],
)
def test_cell_that_the_driver_refuses_is_not_missing(row: str, context: str, refused: bool) -> None:
    assert is_refused(row, context) == refused


def test_coverage_is_kept_between_runs(tmp_path: Path) -> None:
    coverage, again, kept = Coverage(), Coverage(), tmp_path / "coverage"
    coverage.tried["read", "plain"], coverage.accepted["read", "plain"] = 3, 2
    coverage.write(kept)
    again.read(kept)
    again.read(kept)
    assert (again.tried["read", "plain"], again.accepted["read", "plain"]) == (6, 4)
    for text in ("[]", '{"read": [1, 2]}', '{"read | plain": [1]}', "x"):
        kept.write_text(text)
        assert main(["fuzz", "--coverage", str(kept)]) == 2


def test_answer_of_a_store_in_the_background_is_that_of_its_join() -> None:
    coverage = Coverage()
    gate: Operation = {"op": "bg_store", "attr": "writeback", "value": "huge"}
    behind: Operation = {"op": "bg_store", "attr": "disksize", "value": "8K"}
    rows = [state(), state(text="blocked"), state(text="blocked"), state(), state(rc=-1)]
    coverage.add([gate, behind, {"op": "join"}, {"op": "join"}], rows)
    assert (coverage.accepted["writeback huge", "backed"], coverage.accepted["disksize", WAITING]) == (1, 0)
    assert coverage.tried["disksize", WAITING] == 1


def test_thin_cells_weigh_more() -> None:
    coverage = Coverage()
    before = coverage.weight("read", "plain")
    coverage.tried["read", "plain"] = 100
    assert coverage.weight("read", "plain") < before / 10


def test_refusals_leave_a_cell_thin() -> None:
    coverage = Coverage()
    cell = ("recompress", WAITING)
    coverage.tried[cell] = 20
    assert coverage.thin([cell, ("write", "no size"), ("read", "plain")]) == {cell: 1 / 3.5, ("read", "plain"): 1}
    coverage.accepted[cell] = THIN
    assert coverage.thin([cell]) == {}
    assert coverage.weight(*cell) < 5


@pytest.mark.parametrize("cell", [("recompress", WAITING), ("show bd_stat", "failing"), ("writeback other", "held")])
def test_thin_cell_has_programs_made_for_it(cell: Cell) -> None:
    """Everything else was accepted often: most programs try the cell, which few of them did by chance."""
    coverage = Coverage()
    generator = Generator(5, coverage, recompression=True, schema=2)
    coverage.tried.update(dict.fromkeys(generator.possible(), 1000))
    coverage.accepted.update({each: 1000 for each in generator.possible() if each != cell})
    coverage.tried[cell] = 0
    assert sum(tries(generator, cell) for _ in range(30)) >= 20


def tries(generator: Generator, cell: Cell) -> bool:
    """Return whether the next program tries a cell, as far as its operations are meant to be accepted."""
    program = generator.program()
    situation = Situation(str(generator._setup.pages * PAGE))
    waiting = False
    for op in flat(program):
        contexts = [WAITING] if waiting else situation.contexts()
        if row_of(op) == cell[0] and cell[1] in contexts:
            return True
        situation.note(op)
        waiting = op["op"] == "bg_store" or (waiting and op["op"] not in ("resume", "dmtab"))
    return False


@pytest.mark.parametrize("context", CONTEXTS)
def test_setup_is_drawn_for_the_wanted_context(context: str) -> None:
    rng = random.Random(1)
    setups = [drawn(rng, ("disksize", context)) for _ in range(40)]
    assert all(setup.sized == (context != "no size") for setup in setups)
    assert all(setup.backed == (context != "plain") for setup in setups)
    needs = {"compressed": "compressed", "limited": "limited", "failing": "failing", WAITING: "mapped", "held": "held"}
    assert all(getattr(setup, needs.get(context, "pages")) for setup in setups)
    assert not any(setup.compressed and setup.failing for setup in setups)


def test_shrinking_keeps_what_the_difference_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that dislikes a read after a discard: the two are left, in few boots."""
    boots = []

    def different(_kernel: Kernel, candidates: dict[str, Program], _options: Options) -> list[Finding]:
        boots.append(len(candidates))
        found = []
        for name, program in candidates.items():
            names = [str(op["op"]) for op in flat(program)]
            if "discard" in names and "read" in names[names.index("discard") :]:
                found.append(Finding(name, program, "op 1 crc: expected 1, got 2"))
            elif "write" not in names:
                found.append(Finding(name, program, "op 1 mm.huge_pages: expected 1, got 2"))
        return found

    monkeypatch.setattr(fuzz, "_differing", different)
    program: Program = [[{"op": "write", "page": n}] for n in range(20)]
    program[7:7] = [[{"op": "discard", "page": 0}]]
    program[15:15] = [[{"op": "read", "page": 0}]]
    small = shrink(KERNEL, Finding("p1", program, "op 9 crc: expected 1, got 2"), Options())
    assert [op["op"] for op in flat(small.program)] == ["discard", "read"]
    assert small.name == "p1"
    assert len(boots) <= fuzz.ROUNDS_MOST


def test_program_that_broke_off_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: dict[str, list[Row]] = {"a": [state()], "b": [state(), state()]}
    report = Report({}, rows, [], {}, frozenset({"a"}), failure="the machine stopped")
    monkeypatch.setattr("tests.kernel.recordings.ask", lambda *_: report)
    with pytest.raises(GuestError, match="the machine stopped; in b, operation 1"):
        fuzz._ask(KERNEL, {"a": [], "b": []}, Options())


def test_difference_that_does_not_come_again_is_unsteady(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    boots: list[list[str]] = []

    def answers(_kernel: Kernel, asked: dict[str, Program], _options: Options) -> Report:
        boots.append(sorted(asked))
        rows = {name: [state()] * (len(flat(program)) + 1) for name, program in asked.items()}
        return Report({}, rows, [], {}, frozenset(asked))

    def compared(_kernel: Kernel, asked: dict[str, Program], _report: Report) -> list[Finding]:
        wrong = {"p00001", "p00003"} if len(boots) == 1 else {"p00003"}
        return [Finding(name, program, "op 1 rc: a") for name, program in asked.items() if name in wrong]

    monkeypatch.setattr(fuzz, "_ask", answers)
    monkeypatch.setattr(fuzz, "_different", compared)
    coverage = Coverage()
    outcome = fuzz.run(KERNEL, Generator(1, coverage), coverage, 5, options=Options(), say=lambda _text: None)
    assert [each.name for each in outcome.findings] == ["p00003"]
    assert [each.name for each in outcome.unsteady] == ["p00001"]
    fuzz.keep_operations(outcome.unsteady, tmp_path)
    assert read_programs(tmp_path) == {"p00001": flat(outcome.unsteady[0].program)}
    assert boots[1] == ["p00001", "p00003"]
    assert (outcome.programs, coverage.tried.total() > 150) == (5, True)
