"""A pass among calls of users, in any order."""

import errno

from hypothesis import given
from hypothesis import strategies as st

from tests.impl.doubles import Bench, page
from tests.impl.passes.driving import assert_adds_up, assert_at_rest, finish
from zram_impl import PAGE_SIZE, Quirks

STEPS = st.one_of(
    st.tuples(st.sampled_from(["write", "same", "discard", "read", "answer", "fail"]), st.integers(0, 4)),
    st.tuples(st.just("advance"), st.integers(1, 9)),
    st.tuples(st.just("limit"), st.integers(0, 4)),
    st.tuples(st.sampled_from(["cancel", "toggle"]), st.just(0)),
)


QUIRKS = st.builds(
    Quirks, decide_before_reaping=st.booleans(), queue_twice=st.booleans(), lowest_free_block=st.booleans()
)


@given(QUIRKS, st.integers(0, 4), st.integers(1, 4), st.integers(0, 4), st.lists(STEPS, max_size=40))
def test_in_any_order_results_add_up_and_pages_are_right(
    quirks: Quirks, blocks: int, batch_size: int, limit: int, steps: list[tuple[str, int]]
) -> None:
    bench = Bench(pages=5, blocks=blocks, batch_size=batch_size, quirks=quirks).store(*range(5)).limit(limit)
    expected = [page(number) for number in range(5)]
    running = bench.dev.begin_writeback(pages=[0, 1, 2, 3, 4, 2])
    for number, (step, which) in enumerate(steps, start=100):
        match step:
            case "write" | "same":
                expected[which] = page(number) if step == "write" else bytes(PAGE_SIZE)
                bench.dev.write_page(which, expected[which])
            case "discard":
                expected[which] = bytes(PAGE_SIZE)
                bench.dev.discard(which * PAGE_SIZE, PAGE_SIZE)
            case "read":
                assert bench.dev.read_page(which) == expected[which]
            case "answer" | "fail":
                if bench.engine.held:
                    slots = bench.engine.slots
                    bench.engine.answer(slots[which % len(slots)], errno.EIO if step == "fail" else 0)
            case "advance":
                running.advance(which)
            case "limit":
                bench.dev.set_writeback_limit(which)
            case "toggle":
                bench.dev.enable_writeback_limit(not bench.dev.writeback_limit_enabled)
            case _:
                running.cancel()
    result = finish(running)
    assert_adds_up(result)
    assert_at_rest(bench)
    assert [bench.dev.read_page(number) for number in range(5)] == expected
    assert bench.snapshot.bd_count <= result.written
