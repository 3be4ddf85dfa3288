"""A collector that runs seldom, for as long as is asked for."""

import gc

from stateful.common.seldom import seldom_collecting


def test_the_collector_is_as_before_afterwards() -> None:
    before = gc.get_threshold()
    with seldom_collecting():
        assert gc.isenabled()
        assert gc.get_threshold()[0] > 100 * before[0]
    assert gc.get_threshold() == before
