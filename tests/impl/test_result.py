"""The account of a pass, and the errno the driver would make of it."""

import errno

import pytest

from zram_impl.result import StoppedBy, WritebackResult


@pytest.mark.parametrize(
    ("stopped_by", "code"),
    [(None, 0), ("limit", errno.EIO), ("no_space", errno.ENOSPC), ("cancelled", errno.EINTR)],
)
def test_why_a_pass_stopped_is_an_errno(stopped_by: StoppedBy | None, code: int) -> None:
    assert WritebackResult(stopped_by=stopped_by).driver_errno == code


@pytest.mark.parametrize("stopped_by", [None, "limit", "no_space", "cancelled"])
def test_the_last_device_error_hides_why_it_stopped(stopped_by: StoppedBy | None) -> None:
    result = WritebackResult(stopped_by=stopped_by, errors=[(4, errno.EIO), (2, errno.EREMOTEIO)])
    assert result.driver_errno == errno.EREMOTEIO


def test_a_result_says_its_numbers_and_not_its_list_of_errors() -> None:
    result = WritebackResult(selected=3, written=1, failed=2, errors=[(4, 5)] * 1000)
    assert (
        repr(result) == "WritebackResult(selected=3, written=1, lost=0, failed=2, skipped=0, left=0, stopped_by=None)"
    )


def test_results_share_nothing() -> None:
    WritebackResult().errors.append((1, 5))
    assert WritebackResult().errors == []
