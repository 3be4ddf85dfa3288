"""The pages about the kernel say what is there: commands, files, deviations."""

import json
import re
from pathlib import Path

import pytest

from docs import draw_kernels
from stateful.traces.driver.raw import NEEDED
from stateful.traces.policy import DEVIATIONS
from tests.kernel import probes

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("driver-findings", "kernel-judge", "kernel-oracle")
PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in NAMES}


def test_the_page_about_versions_is_not_stale() -> None:
    assert draw_kernels.PAGE.read_text(encoding="utf-8") == draw_kernels.page(), "run: python -m docs.draw_kernels"


def test_kept_versions_are_in_order_and_were_all_asked() -> None:
    found = json.loads(draw_kernels.KEPT.read_text(encoding="utf-8"))
    versions = [[int(part) for part in kernel["version"].split(".")] for kernel in found["kernels"]]
    assert versions == sorted(versions)
    assert [change["to"] for change in found["changes"]] == [kernel["version"] for kernel in found["kernels"][1:]]
    assert {kernel["stopped"] for kernel in found["kernels"]} == {""}


def test_every_deviation_has_its_finding() -> None:
    numbers = {match[1] for match in (re.search(r"\((\d+)\)$", name) for name in DEVIATIONS) if match}
    headings = set(re.findall(r"^## (\d+):", PAGES["driver-findings"], re.MULTILINE))
    assert numbers == headings


@pytest.mark.parametrize("name", PAGES)
def test_files_that_a_page_names_are_there(name: str) -> None:
    named = re.findall(r"(?:tests|stateful|docs)/[\w./-]+\.(?:py|c|xz|md|json)\b", PAGES[name])
    links = re.findall(r"\]\(([\w./-]+)\)", PAGES[name])
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_probes_are_described_as_they_are() -> None:
    assert "zram_submit_bio" in PAGES["kernel-judge"]
    assert len(NEEDED) == len([row for row in probes._TABLE.strip().splitlines() if not row.startswith("#")])
