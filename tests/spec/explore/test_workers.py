"""Searches in processes of their own."""

import pytest

from spec.explore.bfs import search
from spec.explore.workers import ExploreProgress, SearchDied, _task, search_each
from spec.scope import Scope
from tests.refused import raising

ONE, TWO = Scope(1, 1, 1, 1), Scope(2, 1, 1, 1)


def test_results_and_progress_are_those_of_the_searches() -> None:
    said: list[ExploreProgress] = []
    found = search_each({"one": ONE, "two": TWO, "again": ONE}, said.append)
    assert [result._replace(seconds=0.0) for result in found] == [
        search(scope)._replace(seconds=0.0) for scope in (ONE, TWO, ONE)
    ]
    assert {progress.name for progress in said} == {"one", "two", "again"}


def test_a_search_that_dies_is_reported() -> None:
    with pytest.raises(SearchDied, match=r"the search of empty ended early: no answer: exit code 1\n(.*\n)*IndexError"):
        search_each({"empty": Scope(1, 0, 1, 1), "many": Scope(4, 2, 2, 2)})


def test_an_interrupt_from_the_progress_ends_the_searches() -> None:
    with pytest.raises(KeyboardInterrupt):
        search_each({"many": Scope(4, 2, 2, 2), "more": Scope(4, 2, 2, 2)}, raising(KeyboardInterrupt))


def test_the_task_sends_its_progress() -> None:
    said: list[object] = []
    assert _task("one", ONE, said.append, symmetry=False).states == 97
    assert said[0] == ExploreProgress("one", 0, 1, 1)
