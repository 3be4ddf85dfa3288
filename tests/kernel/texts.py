"""Texts for attributes: what recordings store, odd ones included, and small changes of them."""

import json
import random
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from tests.kernel.scripts import Operation

RECORDINGS: Final = Path(__file__).resolve().parents[1] / "data" / "kernel-traces"
PAGE: Final = 4096
_NOT_ODD: Final = {"reset", "nosuch", "recompress", "recomp_algorithm"}
_LONG_NUMBER: Final = re.compile(r"\d{5}|[kmgtpeKMGTPE]|0x")
"""A batch of so many requests is more than the machine's memory; a pass allocates all of them."""
_CLOCK: Final = re.compile(r"\s*[+]?0*\d{1,4}\s*")
"""An idle age below the machine's uptime: what it marks is a question of seconds."""


@cache
def recorded_values() -> dict[str, list[str]]:
    """Return what recordings store to each attribute, odd texts included, each text once."""
    found: dict[str, set[str]] = {}
    for path in RECORDINGS.glob("*.ops.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            op = json.loads(line)
            if op.get("op") == "store" and len(op["value"]) < PAGE:
                found.setdefault(op["attr"], set()).add(op["value"])
    return {attribute: sorted(values) for attribute, values in found.items()}


def store(attribute: str, value: object) -> Operation:
    """Return a store."""
    return {"op": "store", "attr": attribute, "value": str(value)}


def odd_attribute(rng: random.Random) -> str:
    """Return an attribute that was recorded with odd texts."""
    return rng.choice(sorted(set(recorded_values()) - _NOT_ODD))


def odd_text(rng: random.Random, attribute: str, *, failing: bool, texts: Sequence[str] = ()) -> str:
    """Return a text that was recorded, or of `texts`, or one with a small change; `failing`: batches are 1 or 32."""
    text = rng.choice(texts or recorded_values().get(attribute, ["1"]))
    if rng.random() < 0.35 and attribute not in ("disksize", "algorithm_params", "mem_limit"):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice([" ", "\n", "0", "-", "+", "=", "x", "\t", "a"]) + text[at + rng.randrange(2) :]
    if attribute == "writeback_batch_size" and _LONG_NUMBER.search(text):
        return "0"
    if attribute == "writeback_batch_size" and failing:
        return rng.choice(["0", "1", "32", "abc"])
    if attribute == "idle" and _CLOCK.fullmatch(text):
        return "all"
    return text
