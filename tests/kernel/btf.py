"""Offsets of fields and values of enumerations, read from BTF, the kernel's own type information."""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

_MAGIC: Final = 0xEB9F
_HEADER: Final = struct.Struct("<HBBIIIII")
_TYPE: Final = struct.Struct("<III")
_STRUCT, _UNION, _ENUM, _TYPEDEF = 4, 5, 6, 8
_TRANSPARENT: Final = (_TYPEDEF, 9, 10, 11, 18)
"""typedef, volatile, const, restrict, type_tag: they stand for another type."""
_EACH: Final = {_STRUCT: 12, _UNION: 12, _ENUM: 8, 13: 8, 15: 12, 19: 12}
"""Bytes per member, of the kinds that have members: also func_proto, datasec, enum64."""
_FIXED: Final = {1: 4, 3: 12, 14: 4, 17: 4}
"""Bytes after the common part, of the kinds that have some: int, array, var, decl_tag."""
_BYTE: Final = 8


class UnknownError(Exception):
    """There is no such structure, field or enumerator."""


class _Type(NamedTuple):
    name: str
    kind: int
    flag: bool
    size: int
    """Or, of those that stand for another type, its number."""
    members: bytes


class Types:
    """The types of a kernel and of one module, whose type information continues the kernel's."""

    def __init__(self, kernel: bytes, module: bytes = b"") -> None:
        self._types: list[_Type] = [_Type("", 0, flag=False, size=0, members=b"")]
        self._strings = b""
        for data in filter(None, (kernel, module)):
            self._read(data)
        self._named = {each.name: each for each in self._types if each.kind in (_STRUCT, _UNION, _ENUM)}

    def _read(self, data: bytes) -> None:
        magic, _version, _flags, header, type_at, type_bytes, string_at, string_bytes = _HEADER.unpack_from(data)
        if magic != _MAGIC:
            raise UnknownError(f"BTF must begin with {_MAGIC:#x}, got {magic:#x}")
        self._strings += data[header + string_at :][:string_bytes]
        at, end = header + type_at, header + type_at + type_bytes
        while at < end:
            name, info, size = _TYPE.unpack_from(data, at)
            kind, count = info >> 24 & 0x1F, info & 0xFFFF
            at += _TYPE.size
            after = _EACH[kind] * count if kind in _EACH else _FIXED.get(kind, 0)
            self._types.append(_Type(self._text(name), kind, bool(info >> 31), size, data[at : at + after]))
            at += after

    def _text(self, at: int) -> str:
        return self._strings[at : self._strings.index(b"\0", at)].decode()

    def size(self, structure: str) -> int:
        """Return the bytes of a structure."""
        return self._find(structure).size

    def offset(self, structure: str, path: str) -> int:
        """Return where a field is; `path` has dots between fields of fields, and looks through what has no name."""
        found, at = self._find(structure), 0
        for part in path.split("."):
            number, bits = self._member(found, part, structure)
            found, at = self._behind(number), at + bits
        return at // _BYTE

    def value(self, enumeration: str, name: str) -> int:
        """Return the value of an enumerator."""
        members = self._find(enumeration).members
        for at in range(0, len(members), _EACH[_ENUM]):
            text, value = struct.unpack_from("<Ii", members, at)
            if self._text(text) == name:
                return int(value)
        raise UnknownError(f"{enumeration} must have {name}, got none")

    def _find(self, name: str) -> _Type:
        if name not in self._named:
            raise UnknownError(f"the kernel must have a type {name}, got none")
        return self._named[name]

    def _member(self, of: _Type, name: str, whose: str) -> tuple[int, int]:
        for text, number, bits in self._members(of):
            if text == name:
                return number, bits
            inner = self._behind(number)
            if not text:
                try:
                    found, more = self._member(inner, name, whose)
                except UnknownError:
                    continue
                return found, bits + more
        raise UnknownError(f"{whose} must have a field {name}, got none")

    def _members(self, of: _Type) -> Iterator[tuple[str, int, int]]:
        """Yield name, number of the type, and offset in bits."""
        members = of.members if of.kind in (_STRUCT, _UNION) else b""
        for text, number, offset in struct.iter_unpack("<III", members):
            yield self._text(text), number, offset & 0xFFFFFF if of.flag else offset

    def _behind(self, number: int) -> _Type:
        found = self._types[number]
        return self._behind(found.size) if found.kind in _TRANSPARENT else found
