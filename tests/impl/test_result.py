"""The account of a pass, and the errno the driver would make of it."""

import errno

import pytest

from zram_impl.result import StoppedBy, WritebackResult


@pytest.mark.parametrize(
    ("stopped_by", "code"),
    [(None, 0), ("limit", errno.EIO), ("no_space", errno.ENOSPC), ("cancelled", errno.EINTR)],
)
def test_why_a_pass_stopped_is_an_errno(stopped_by: StoppedBy | None, code: int) -> None:
    result = WritebackResult()
    if stopped_by:
        result.stop(stopped_by)
    assert (result.stopped_by, result.driver_errno, result.last_errno) == (stopped_by, code, code)


def test_the_first_reason_to_stop_stays() -> None:
    result = WritebackResult()
    result.stop("limit")
    result.stop("no_space")
    assert (result.stopped_by, result.last_errno) == ("limit", errno.EIO)


def test_errors_are_kept_by_page_and_the_first_is_reported() -> None:
    result = WritebackResult()
    result.fail(4, errno.EIO)
    result.stop("no_space")
    result.fail(2, errno.EREMOTEIO)
    assert (result.failed, result.errors) == (2, [(2, errno.EREMOTEIO), (4, errno.EIO)])
    assert result.driver_errno == errno.EREMOTEIO


def test_what_went_wrong_last_is_known_too() -> None:
    result = WritebackResult()
    result.fail(4, errno.EREMOTEIO)
    result.stop("no_space")
    assert (result.driver_errno, result.last_errno) == (errno.EREMOTEIO, errno.ENOSPC)
    result.fail(5, errno.EIO)
    assert (result.driver_errno, result.last_errno) == (errno.EREMOTEIO, errno.EIO)


def test_a_result_says_its_numbers_and_not_its_list_of_errors() -> None:
    result = WritebackResult(selected=3, written=1, failed=2, errors=[(4, 5)] * 1000)
    assert (
        repr(result) == "WritebackResult(selected=3, written=1, lost=0, failed=2, skipped=0, left=0, stopped_by=None)"
    )


def test_results_share_nothing() -> None:
    WritebackResult().errors.append((1, 5))
    assert WritebackResult().errors == []
