"""A Python text and where its parts are in it, so that one part can be changed and all the rest left as it is."""

import ast

Part = ast.expr | ast.stmt | ast.keyword | ast.arg


class Text:
    """The text of a module, in ASCII, so that a column is a character."""

    def __init__(self, source: str) -> None:
        assert source.isascii(), "a column is a character"
        self.source = source
        self.tree = ast.parse(source)
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def span(self, part: Part) -> tuple[int, int]:
        """Return where a part begins and ends; parentheses around it are outside."""
        assert part.end_lineno is not None
        assert part.end_col_offset is not None
        first = self._starts[part.lineno - 1] + part.col_offset
        return first, self._starts[part.end_lineno - 1] + part.end_col_offset

    def of(self, part: Part) -> str:
        """Return the text of a part."""
        first, last = self.span(part)
        return self.source[first:last]

    def line(self, position: int) -> int:
        """Return the line that a position is in; the first is 1."""
        return self.source.count("\n", 0, position) + 1

    def column(self, position: int) -> int:
        """Return the column of a position; the first is 1."""
        return position - self._starts[self.line(position) - 1] + 1
