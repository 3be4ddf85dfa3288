"""Traces that are compressed with xz or gzip or come from stdin, whole ones and what is left of them."""

import gzip
import io
import json
import lzma
from pathlib import Path

import pytest

from stateful.command import main
from stateful.traces.check import judge
from stateful.traces.compressed import CorruptedFileError, read_lines
from stateful.traces.schema import AS_FAR_AS_IT_GOES, read
from tests.spec.outputs.schema import valid
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


def test_gzip_is_read_like_xz_whole_and_cut(tmp_path: Path) -> None:
    path, data = tmp_path / "trace.jsonl.gz", gzip.compress(TEXT.encode(), 1)
    lines = TEXT.encode().splitlines(keepends=True)
    assert lines_of(path, data) == lines
    middle = len(TEXT) // 2
    parts = gzip.compress(TEXT[:middle].encode()) + gzip.compress(TEXT[middle:].encode()) + b"\0" * 512
    assert lines_of(path, parts) == lines
    for size in (0, 1, 9, len(data) // 2, len(data) - 1):
        left = b"".join(lines_of(path, data[:size]))
        assert TEXT.encode().startswith(left)
        assert bool(left) == (size > 9)
    with pytest.raises(CorruptedFileError, match="incorrect header check"):
        lines_of(path, TEXT.encode())
    with pytest.raises(CorruptedFileError):
        lines_of(path, data[:-30] + bytes([data[-30] ^ 1]) + data[-29:])


@pytest.mark.parametrize("data", [TEXT.encode(), DATA, gzip.compress(TEXT.encode())], ids=["plain", "xz", "gzip"])
def test_stdin_is_read_compressed_or_not(
    data: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert main(["trace-check", "-", "--complete", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    valid(document)
    (check,) = document["checks"]
    assert (check["name"], check["verdict"], check["data"]["incomplete"]) == ("-", "passed", "")


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


def test_a_finding_is_at_its_line_for_other_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The keys of the writer's own are kept, too."""
    path = tmp_path / "trace.jsonl"
    header = {"trace": 1, "slots": 2, "blocks": 1, "requests": 1}
    events = [{"task": "t", "does": "begin_pass"}, {"task": "t", "does": "reap", "args": [0], "at": 7.5}]
    path.write_text("".join(f"{json.dumps(each)}\n" for each in [header, *events]))
    log, xml = tmp_path / "found.sarif", tmp_path / "junit.xml"
    assert main(["trace-check", str(path), "--json", "--sarif", str(log), "--junit", str(xml)]) == 1
    document = json.loads(capsys.readouterr().out)
    valid(document)
    (finding,) = document["checks"][0]["findings"]
    assert finding["place"] == {"path": str(path), "line": 3}
    assert '  it also has {"at": 7.5}' in finding["details"]
    (result,) = json.loads(log.read_text())["runs"][0]["results"]
    physical = result["locations"][0]["physicalLocation"]
    assert (physical["artifactLocation"], physical["region"]) == ({"uri": path.as_uri()}, {"startLine": 3})
    assert "reap(req 0) is impossible" in xml.read_text()
