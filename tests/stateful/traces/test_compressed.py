"""Traces that are compressed with xz, whole ones and what is left of them."""

import lzma
from pathlib import Path

import pytest

from stateful.command import main
from stateful.traces.check import judge
from stateful.traces.compressed import read_lines
from stateful.traces.schema import AS_FAR_AS_IT_GOES, read
from tests.stateful.traces.small_traces import record

TEXT = record()
DATA = lzma.compress(TEXT.encode())


def lines_of(path: Path, data: bytes) -> list[bytes]:
    path.write_bytes(data)
    return list(read_lines(path))


def test_lines_are_those_of_the_text(tmp_path: Path) -> None:
    path, lines = tmp_path / "trace.jsonl.xz", TEXT.encode().splitlines(keepends=True)
    assert lines_of(path, DATA) == lines
    assert lines_of(path, lzma.compress(TEXT.rstrip("\n").encode())) == [*lines[:-1], lines[-1].rstrip(b"\n")]
    assert lines_of(tmp_path / "trace.jsonl", TEXT.encode()) == lines


@pytest.mark.parametrize("padding", [b"", b"\0" * 8])
def test_streams_behind_each_other_are_one_file(tmp_path: Path, padding: bytes) -> None:
    middle = len(TEXT) // 2
    parts = (TEXT[:middle].encode(), b"", TEXT[middle:].encode())
    data = b"".join(lzma.compress(part) + padding for part in parts)
    assert b"".join(lines_of(tmp_path / "trace.xz", data)).decode() == TEXT


def test_a_compressed_trace_may_be_cut_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl.xz"
    some = 0
    for length in range(len(DATA)):
        lines = lines_of(path, DATA[:length])
        assert TEXT.encode().startswith(b"".join(lines))
        if len(lines) > 1:
            judgement = judge(read(lines, AS_FAR_AS_IT_GOES))
            assert judgement.finding is None
            assert bool(judgement.incomplete) == (b"".join(lines).decode().strip() != TEXT.strip())
            some += bool(judgement.judged and judgement.incomplete)
    assert some > 100


def test_the_verdict_on_a_compressed_trace_says_incomplete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trace.jsonl.xz"
    path.write_bytes(DATA)
    assert main(["trace-check", "--complete", str(path)]) == 0
    path.write_bytes(DATA[: len(DATA) * 2 // 3])
    assert main(["trace-check", str(path)]) == 0
    assert "incomplete: there is no end, line " in capsys.readouterr().out
    assert main(["trace-check", "--complete", str(path)]) == 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (TEXT.encode(), "format not supported"),
        (DATA[:-30] + bytes([DATA[-30] ^ 1]) + DATA[-29:], "Corrupt input data"),
        (DATA + b"more behind it", "format not supported"),
        (b"", "expected a header, found nothing"),
        (DATA[:20], "expected a header, found nothing"),
    ],
    ids=["not compressed", "changed", "more", "empty", "only its beginning"],
)
def test_what_is_not_compressed_so_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, said: str
) -> None:
    path = tmp_path / "trace.jsonl.xz"
    path.write_bytes(data)
    assert main(["trace-check", str(path)]) == 2
    out, err = capsys.readouterr()
    assert (out, said in err.replace("\n", " ")) == ("", True)
