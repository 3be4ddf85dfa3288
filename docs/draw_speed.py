"""Writes the curves of `docs/measured.md`: `python -m docs.draw_speed`, from what `bench --published --json` measured.

A test fails when a picture is stale. To measure anew:

    python -m zram_impl bench --published --json docs/generated/published.json && python -m docs.draw_speed
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import log2, log10
from pathlib import Path
from typing import Final, NamedTuple

from docs.program import parser
from spec.assertions import require_assertions
from spec.processes.entry import run
from zram_impl.cli.output import write_whole

DOCS: Final = Path(__file__).resolve().parent
FIGURES: Final = DOCS / "generated" / "published.json"

_TITLES: Final = {"sequential": "every block free", "random": "every second block taken"}
_COLOURS: Final = {"threads": "#c2410c", "ring": "#1d4ed8"}
_YARDSTICKS: Final = {
    "sequential": ("fio psync 4k", "fio psync 128k", "fio libaio 4k, depth 32", "fio libaio 128k, depth 4"),
    "random": ("fio psync 4k", "fio libaio 4k random, depth 32", "fio io_uring 4k random, depth 32"),
}
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 340, 280, 56, 56, 64
_LOWEST, _HIGHEST = 2.5, 6.0
"""Powers of ten of pages a second."""
_MOST: Final = 8
"""Power of two of the largest batch."""


class Curve(NamedTuple):
    """Rates by batch size of one engine, and whether fdatasync is included."""

    engine: str
    sync: bool
    rates: Sequence[tuple[int, float]]


def pictures(figures: Mapping[str, object]) -> dict[str, str]:
    """Return the name and the text of each picture."""
    return {f"speed-{pattern}.svg": "\n".join(_picture(figures, pattern)) + "\n" for pattern in _TITLES}


def _picture(figures: Mapping[str, object], pattern: str) -> Iterator[str]:
    points = [point for point in _list(figures["points"]) if point["pattern"] == pattern]
    latencies = sorted({_number(point["latency"]) for point in points})
    width, height = _WIDTH * len(latencies), _TOP + _HEIGHT + _BOTTOM
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="11">'
    )
    yield f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    yield _text(8, 18, f"Writeback, {_TITLES[pattern]}: pages a second by batch size", size=14)
    yield _text(8, 34, f"{figures['where']}; {figures['date']}; {figures['machine']}; {figures['command']}", size=8)
    for number, latency in enumerate(latencies):
        beside = _beside(figures, pattern) if not latency else {}
        mine = [point for point in points if _number(point["latency"]) == latency]
        yield f'<g transform="translate({_WIDTH * number} {_TOP})">'
        yield from _panel("as it is" if not latency else f"each write {latency * 1e6:,.0f} us later", mine, beside)
        yield "</g>"
    yield from _legend(_TOP + _HEIGHT + 40)
    yield "</svg>"


def _panel(title: str, points: Sequence[Mapping[str, object]], beside: Mapping[str, float]) -> Iterator[str]:
    yield _text(_LEFT, 10, title, size=12)
    right, bottom = _x(1 << _MOST), _y(10**_LOWEST)
    for power in range(3, 7):
        y = _y(10**power)
        yield f'<line x1="{_LEFT}" x2="{right}" y1="{y}" y2="{y}" stroke="#e5e7eb"/>'
        yield _text(_LEFT - 4, y + 4, f"{10**power:,}", anchor="end", size=9)
    for power in range(_MOST + 1):
        yield _text(_x(1 << power), bottom + 14, str(1 << power), anchor="middle", size=9)
    for name, rate in beside.items():
        y = _y(rate)
        yield f'<line x1="{_LEFT}" x2="{right}" y1="{y}" y2="{y}" stroke="#6b7280" stroke-dasharray="1 3"/>'
        yield _text(_LEFT + 3, y - 3, name, size=8, colour="#4b5563")  # where no curve is that high
    for curve in _curves(points):
        path = " ".join(f"{_x(batch)},{_y(rate)}" for batch, rate in curve.rates)
        dashes = ' stroke-dasharray="5 3"' if curve.sync else ""
        yield f'<polyline points="{path}" fill="none" stroke="{_COLOURS[curve.engine]}" stroke-width="1.5"{dashes}/>'


def _curves(points: Sequence[Mapping[str, object]]) -> Iterator[Curve]:
    for engine in _COLOURS:
        for sync in (False, True):
            mine = [p for p in points if p["engine"] == engine and p["sync"] == sync]
            yield Curve(engine, sync, sorted((round(_number(p["batch"])), _number(p["rate"])) for p in mine))


def _legend(y: int) -> Iterator[str]:
    for number, (engine, colour) in enumerate(_COLOURS.items()):
        for place, what in enumerate(("", ", fdatasync included")):
            x = _LEFT + 200 * (2 * number + place)
            dashes = ' stroke-dasharray="5 3"' if place else ""
            yield f'<line x1="{x}" x2="{x + 24}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="1.5"{dashes}/>'
            yield _text(x + 30, y + 4, engine + what)


def _beside(figures: Mapping[str, object], pattern: str) -> dict[str, float]:
    rates = {str(each["name"]): each["rate"] for each in _list(figures["yardsticks"])}
    return {name: _number(rates[name]) for name in _YARDSTICKS[pattern] if rates.get(name) is not None}


def _x(batch: int) -> float:
    return round(_LEFT + log2(batch) / _MOST * (_WIDTH - _LEFT - 16), 1)


def _y(rate: float) -> float:
    return round(20 + (_HIGHEST - log10(rate)) / (_HIGHEST - _LOWEST) * (_HEIGHT - 20), 1)


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 11, colour: str = "#111827") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(text)}</text>'


def _list(found: object) -> list[Mapping[str, object]]:
    assert isinstance(found, list), "the file has lists of points and yardsticks"
    return found


def _number(found: object) -> float:
    assert isinstance(found, int | float), f"a figure is a number: {found!r}"
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pictures and return the exit code."""
    parser("draw_speed", __doc__).parse_args(arguments)
    require_assertions()
    for name, text in pictures(json.loads(FIGURES.read_text(encoding="utf-8"))).items():
        write_whole(DOCS / "images" / name, text)
    return 0


if __name__ == "__main__":
    run("docs.draw_speed")
