"""What is generated is what would be generated."""

from docs import draw_tables


def test_the_state_machine_page_is_not_stale() -> None:
    assert draw_tables.PAGE.read_text(encoding="utf-8") == draw_tables.page(), "run: python -m docs.draw_tables"
