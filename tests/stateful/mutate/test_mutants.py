"""Mistakes in a text: each kind is found where it can be made, and the list is of the protocol and the data path."""

import functools
from collections import Counter

import pytest

from stateful.mutate.equivalent import EQUIVALENT
from stateful.mutate.mutants import MODULES, PACKAGE, every_mutant, mutants, sample

every = functools.cache(every_mutant)
KINDS = (
    "lock scope", "two holds of a lock", "check under a lock dropped", "read or swapped after the unlock",
    "notification", "predicate or patience", "lock held while working", "identity", "exceptional path", "release",
    "accounting", "boundary", "errno", "changed before a refusal", "checksum or padding", "performance",
)  # fmt: skip

SMALL = '''"""A module."""

class Queue:
    """A queue."""

    def take(self):
        """Take all."""
        with self._lock:
            if self._closed:
                return None
            self._taken += 1
            done, self._done = self._done, []
        return done

    def put(self, page, limit):
        """Put one."""
        if len(self._done) >= limit:
            raise refuse(ENOSPC, "full")
        self._packed = encode(page)
        with self._lock:
            self._done.append(self._packed)
            self._lock.notify_all()

    def wait(self):
        """Wait."""
        with self._lock:
            return self._lock.wait_for(self._has_some, PATIENCE)

    def close(self):
        """Close."""
        try:
            self._flush()
        finally:
            self._file.close()
'''


SMALL_MUTANTS = {each.name: each.after for each in mutants("small", SMALL)}


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("small.take:2:9 self._lock not taken", "if True:"),
        ("small.take:3:13 check under self._lock dropped", "pass"),
        ("small.take:5:1 self._lock released and taken again", "with self._lock: / self._taken += 1"),
        ("small.take:5:13 self._taken not changed", "pass"),
        ("small.take:5:25 += as -=", "self._taken -= 1"),
        ("small.take:5:28 self._taken one too many", "self._taken += (1) + 1"),
        ("small.put:2:28 >= as >", "if len(self._done) > limit:"),
        ("small.put:3:26 ENOSPC as EIO", 'raise refuse(5, "full")'),
        ("small.put:6:13 append dropped", "pass"),
        ("small.put:7:13 notify_all dropped", "pass"),
        ("small.put:6:1 notified before the change", "self._lock.notify_all() / self._done.append(self._packed)"),
        ("small.wait:3:40 does not wait", "return self._lock.wait_for(lambda: True, PATIENCE)"),
        ("small.wait:3:54 waits for ever", "return self._lock.wait_for(self._has_some)"),
        ("small.close:5:13 close dropped", "pass"),
        ("small.close:2:1 done only where nothing is raised", "self._flush() / self._file.close()"),
        (
            "small.put:2:1 changed before a refusal",
            'self._packed = encode(page) / if len(self._done) >= limit: / raise refuse(ENOSPC, "full")',
        ),
        (
            "small.put:4:1 self._lock held in between",
            "with self._lock: / self._packed = encode(page) / self._done.append(self._packed) / "
            "self._lock.notify_all()",
        ),
    ],
)
def test_a_mistake_is_made(name: str, after: str) -> None:
    assert SMALL_MUTANTS.get(name) == after, "\n".join(SMALL_MUTANTS)


def test_a_queue_is_swapped_after_the_unlock() -> None:
    (each,) = (each for each in mutants("small", SMALL) if each.kind == "read or swapped after the unlock")
    assert "            self._taken += 1\n        done, self._done = self._done, []\n        return done" in each.source


def test_every_kind_is_made_in_the_device() -> None:
    assert set(Counter(each.kind for each in every())) == set(KINDS)


def test_every_mutant_has_a_name_of_its_own() -> None:
    assert len({each.name for each in every()}) == len(every()) > 800


def test_no_module_of_protocol_or_data_path_is_missing() -> None:
    folders = ("table", "pages", "passes", "engine", "bdev", "policy")
    there_are = {f"{folder}/{path.stem}" for folder in folders for path in (PACKAGE / folder).glob("*.py")}
    assert there_are - {f"{folder}/__init__" for folder in folders} <= set(MODULES)
    assert {"forking", "mapping", "shield"} <= set(MODULES)
    assert {f"device/{name}" for name in ("companion", "config", "lifecycle", "openers", "passes")} <= set(MODULES)


def test_a_sample_has_some_of_each_kind_and_is_the_same_again() -> None:
    chosen = sample(every(), 32, 1)
    assert {each.kind for each in chosen} == set(KINDS)
    assert (len(chosen), chosen) == (32, sample(every(), 32, 1))
    assert chosen != sample(every(), 32, 2)


def test_what_is_equivalent_is_a_mutant_and_has_its_reason() -> None:
    assert set(EQUIVALENT) <= {each.name for each in every()}
    assert all(len(reason) > 20 for reason in EQUIVALENT.values())
