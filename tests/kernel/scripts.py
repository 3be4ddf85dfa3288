"""Operations of recordings as lines that the guest reads: words with blanks between, awkward bytes as %xx."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from stateful.conformance.fields import Fields, Json
from zram_impl.units import PAGE_SIZE

Operation = Mapping[str, Json]
"""A line of NAME.ops.jsonl."""
SECTORS: Final = PAGE_SIZE // 512
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,=")
SECOND: Final = frozenset({"bwrite", "bread", "flush", "getsize", "xhold", "rhold", "mkfile", "sleep"})
"""Operations that schema 1 does not have."""


def encoded(text: str) -> str:
    """Return one word for any text; a byte of the recording is a character, surrogates are bytes that are no text."""
    data = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if chr(byte) in _PLAIN else f"%{byte:02x}" for byte in data)


def script_line(op: Operation) -> str:
    """Return the line for an operation.

    Raises:
        ValueError: There is no such operation.
    """
    name = str(op["op"])
    if name not in _LINES:
        raise ValueError(f"op must be one of {', '.join(_LINES)}, got {name!r}")
    return " ".join([name, *_LINES[name](op)])


def device_table(op: Operation) -> str:
    """Return the device-mapper table in which some blocks fail: flakey fails writes, error fails everything."""
    disk, blocks = op["bd"], _number(op, "blocks")
    kinds = ["linear"] * blocks
    for key, kind in (("fail_write", "flakey"), ("fail_all", "error")):
        for first, last in Fields(Path(), 0, dict(op)).ranges(key):
            kinds[first : last + 1] = [kind] * (last + 1 - first)
    rows, begin = [], 0
    for end in range(1, blocks + 1):
        if end == blocks or kinds[end] != kinds[begin]:
            start, length = begin * SECTORS, (end - begin) * SECTORS
            target = f"/dev/loop{disk} {start}"
            said = {"linear": f"linear {target}", "flakey": f"flakey {target} 0 1 1 error_writes", "error": "error"}
            rows.append(f"{start} {length} {said[kinds[begin]]}")
            begin = end
    return "\n".join(rows)


def _number(op: Operation, key: str, default: int | None = None) -> int:
    value = op.get(key, default)
    assert isinstance(value, int), f"{key} is a number"
    return value


def _attribute(op: Operation) -> list[str]:
    return [str(op["attr"]), encoded(str(op["value"]))]


def _write(op: Operation) -> list[str]:
    number = op.get("seed", op.get("value", 0))
    return [str(op["page"]), str(op.get("count", 1)), str(op["pat"]), str(number), str(op.get("n", 0))]


def _range(op: Operation) -> list[str]:
    if "off" in op:
        return [str(op["off"]), str(op["len"])]
    return [str(_number(op, "page") * PAGE_SIZE), str(_number(op, "count", 1) * PAGE_SIZE)]


def _transfer(op: Operation) -> list[str]:
    return [str(op["off"]), str(op["len"]), str(op.get("seed", 0)), str(op.get("how", "direct"))]


def _disk(op: Operation) -> list[str]:
    return [str(op["bd"])]


def _backing(op: Operation) -> list[str]:
    return [str(op["bd"]), str(op["bytes"] if "bytes" in op else _number(op, "blocks") * PAGE_SIZE)]


def _nothing(_op: Operation) -> list[str]:
    return []


_LINES: Final[dict[str, Callable[[Operation], list[str]]]] = {
    "store": _attribute,
    "show": lambda op: [str(op["attr"])],
    "write": _write,
    "read": lambda op: [str(op["page"]), str(op.get("count", 1))],
    "discard": _range,
    "zeroout": _range,
    "bwrite": _transfer,
    "bread": _transfer,
    "mkbd": _backing,
    "dmtab": lambda op: [str(op["bd"]), encoded(device_table(op))],
    "bg_store": _attribute,
    "mkfile": lambda op: [str(op["path"]), str(op["bytes"]), str(op["seed"])],
    "sleep": lambda op: [str(op["ms"])],
    **dict.fromkeys(("suspend", "resume", "rmbd"), _disk),
    **dict.fromkeys(("join", "hold", "unhold", "xhold", "rhold", "flush", "getsize"), _nothing),
}
