"""Reading lines of JSON with an eye on what each field must be; what is wrong says in which line."""

import json
from pathlib import Path
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class MalformedRecording(Exception):  # noqa: N818  (what the file is)
    """A file that cannot be read as a recording: which one, in which line (from 1; 0: all of it), and why."""

    def __init__(self, path: Path, line: int, why: str) -> None:
        where = f"{path}:{line}" if line else str(path)
        super().__init__(f"{where}: {why}")


class Fields:
    """The fields of one line."""

    def __init__(self, path: Path, line: int, values: dict[str, Json]) -> None:
        self.path, self.line, self.values = path, line, values

    def wrong(self, why: str) -> MalformedRecording:
        """Make the exception that says what is wrong with this line."""
        return MalformedRecording(self.path, self.line, why)

    def has(self, key: str) -> bool:
        """Return whether there is such a field."""
        return key in self.values

    def text(self, key: str) -> str:
        """Return a field that must be text."""
        value = self._get(key)
        if not isinstance(value, str):
            raise self.wrong(f"{key} must be text, got {value!r}")
        return value

    def number(self, key: str, default: int | None = None, least: int = 0, most: int | None = None) -> int:
        """Return a field that must be an integer from `least` to `most`; `default` when it is not there."""
        if default is not None and key not in self.values:
            return default
        value = self._get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(f"{key} must be a whole number, got {value!r}")
        if value < least:
            raise self.wrong(f"{key} must be at least {least}, got {value}")
        if most is not None and value > most:
            raise self.wrong(f"{key} must be at most {most}, got {value}")
        return value

    def texts(self, key: str) -> list[str]:
        """Return a field that must be a list of texts."""
        value = self._get(key)
        if not isinstance(value, list):
            raise self.wrong(f"{key} must be a list, got {value!r}")
        found = [each for each in value if isinstance(each, str)]
        if len(found) != len(value):
            raise self.wrong(f"{key} must be a list of texts, got {value!r}")
        return found

    def ranges(self, key: str) -> tuple[tuple[int, int], ...]:
        """Return a field that must be a list of pairs of block numbers; none when it is not there."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            raise self.wrong(f"{key} must be a list of pairs, got {value!r}")
        return tuple(self._pair(key, each) for each in value)

    def _pair(self, key: str, value: Json) -> tuple[int, int]:
        match value:
            case [int(first), int(last)] if 0 <= first <= last:
                return first, last
            case _:
                raise self.wrong(f"{key} must hold a first and a last block each, got {value!r}")

    def table(self, key: str) -> dict[str, Json]:
        """Return a field that must be an object; an empty one when it is not there."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(f"{key} must be an object, got {value!r}")
        return value

    def only(self, *keys: str) -> None:
        """Refuse a line with other fields than these."""
        unknown = sorted(set(self.values) - set(keys))
        if unknown:
            raise self.wrong(f"fields must be {', '.join(keys)}, got {', '.join(unknown)}")

    def _get(self, key: str) -> Json:
        if key not in self.values:
            raise self.wrong(f"there is no field {key}")
        return self.values[key]


def read_lines(path: Path) -> list[Fields]:
    """Read a file with one JSON object a line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise MalformedRecording(path, 0, "there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedRecording(path, 0, f"cannot be read: {error}") from error
    return [_object(path, number, text) for number, text in enumerate(lines, start=1)]


def _object(path: Path, number: int, text: str) -> Fields:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedRecording(path, number, f"a line must be JSON, got {text[:40]!r}: {error}") from error
    if not isinstance(value, dict):
        raise MalformedRecording(path, number, f"a line must be an object, got {text[:40]!r}")
    return Fields(path, number, value)
