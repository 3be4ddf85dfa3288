"""The directory of a campaign: what was cut short is passed over, what is another's is refused in a line."""

from pathlib import Path

import pytest

from stateful.campaign.chunk import SeedRow, row_of
from stateful.campaign.journal import CampaignDirectory, CampaignError, KeptToken
from stateful.fuzzing.sources import FuzzFinding

FOUND = FuzzFinding("linearizable", "a text", "1cqb4h084")
ROW = SeedRow("r1", "exhausted", 3, 10, 20, 1, 0.5, (FOUND,), (("1cqb4h084", ("aa", "bb")),))


def opened(place: Path, device: str = "m:f", bug: str = "") -> CampaignDirectory:
    return CampaignDirectory(place, device, bug)


def test_a_row_is_read_as_it_was_written() -> None:
    assert row_of(ROW.line) == ROW
    assert [row_of(text) for text in ("", "{", "[]", "3", '{"revision": "r"}', ROW.line[:-9])] == [None] * 6


def test_what_a_row_covers_first_is_kept_and_the_rest_is_not(tmp_path: Path) -> None:
    directory = opened(tmp_path / "c")
    assert directory.enter(ROW) == ROW
    again = directory.enter(ROW._replace(seed=4, corpus=(("1cqb4h085", ("aa",)), ("1cqb4h086", ("bb", "cc")))))
    assert again.corpus == (("1cqb4h086", ("cc",)),)
    directory.close()
    directory = opened(tmp_path / "c")
    assert list(directory.rows("r1")) == [ROW, again]
    assert directory.covered == {"aa", "bb", "cc"}
    assert directory.corpus == [KeptToken("1cqb4h084", "r1"), KeptToken("1cqb4h086", "r1")]
    directory.close()


def test_a_last_line_that_was_cut_short_is_lost_alone(tmp_path: Path) -> None:
    directory = opened(tmp_path / "c")
    directory.enter(ROW)
    directory.enter(ROW._replace(seed=4))
    directory.close()
    for name in ("journal.jsonl", "corpus.tokens"):
        file = tmp_path / "c" / name
        file.write_bytes(file.read_bytes()[:-3])
    directory = opened(tmp_path / "c")
    assert [row.seed for row in directory.rows("r1") if isinstance(row, SeedRow)] == [3]
    assert directory.corpus == []
    directory.enter(ROW._replace(seed=5))
    assert [row.seed for row in directory.rows("r1") if isinstance(row, SeedRow)] == [3, 5]
    directory.close()


def test_rows_and_deaths_are_those_of_the_revision(tmp_path: Path) -> None:
    directory = opened(tmp_path / "c")
    directory.enter(ROW)
    directory.enter_death("r1", "threads", 7, "no answer: exit code -9")
    directory.enter_death("r2", "threads", 8, "no answer: exit code -9")
    assert list(directory.rows("r2")) == [("threads", 8)]
    assert list(directory.rows("r1"))[1:] == [("threads", 7)]
    directory.close()


def test_a_directory_of_another_campaign_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "c"
    directory = opened(place)
    with pytest.raises(CampaignError, match="another campaign is writing there"):
        opened(place)
    directory.close()
    with pytest.raises(CampaignError, match=r'is the campaign .*"m:f".*, this one is .*"m:g"'):
        opened(place, "m:g")
    with pytest.raises(CampaignError, match=r'this one is .*"bug": "b"'):
        opened(place, bug="b")
    (place / "campaign.json").write_text("{", encoding="utf-8")
    with pytest.raises(CampaignError, match="is no campaign's"):
        opened(place)
    opened(tmp_path / "other").close()
