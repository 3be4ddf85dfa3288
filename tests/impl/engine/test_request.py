"""A fresh request: idle, uncharged, without slot and block."""

import pytest

from zram_impl.engine.request import Phase, WbReq


def test_a_request_begins_idle_and_uncharged() -> None:
    content = memoryview(bytearray(8))
    req = WbReq(3, content)
    assert (req.number, req.page, req.phase, req.grant, req.error) == (3, content, Phase.IDLE, 0, 0)


@pytest.mark.parametrize("name", ["index", "blk_idx", "entry", "checksum"])
def test_what_it_was_not_given_yet_cannot_be_read(name: str) -> None:
    req = WbReq(0, memoryview(b""))
    with pytest.raises(AttributeError, match=name):
        getattr(req, name)


def test_phases_are_in_the_order_a_request_goes_through() -> None:
    assert sorted(Phase) == [Phase.IDLE, Phase.HELD, Phase.FLIGHT, Phase.ANSWERED]
