"""Measured are tests and their fixtures, also where one asks for another; not what pytest does between them."""

import pytest

pytest_plugins = ["pytester"]

CONFTEST = """
import sys
sys.settrace(lambda *_event: None)
from tests.unmeasured import pytest_fixture_setup, pytest_pyfunc_call, pytest_runtest_teardown, pytest_runtestloop
from tests.unmeasured import unmeasured

def pytest_runtest_logreport():
    assert sys.gettrace() is None
"""
TESTS = """
import sys
import pytest

@pytest.fixture
def made():
    assert sys.gettrace()
    yield
    assert sys.gettrace()

@pytest.fixture
def asked_for(request):
    request.getfixturevalue("made")
    assert sys.gettrace()

def test_one(asked_for, request):
    request.getfixturevalue("tmp_path")
    assert sys.gettrace()

def test_not_measured(unmeasured, request):
    assert not sys.gettrace()
    request.getfixturevalue("tmp_path")
    assert not sys.gettrace()

def test_another(made):
    assert sys.gettrace()
"""


def test_tests_and_fixtures_are_measured_and_nothing_between(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)
    pytester.runpytest_subprocess("-p", "no:cov", "-p", "no:xdist").assert_outcomes(passed=3)
