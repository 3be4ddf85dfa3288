"""The pages of the documentation site: `python -m docs.site FOLDER` lays them down for mkdocs.

The documents are written to be read in the repository, so their links lead to files of it. On the site the README is
the front page, the documents of the root lie beside those of `docs/`, and a link to a source file becomes its path.
"""

import argparse
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Final

from spec.assertions import require_assertions
from spec.processes.entry import run

ROOT: Final = Path(__file__).resolve().parents[1]
AT_ROOT: Final = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
"""Documents of the root, and their places on the site."""
LINK: Final = re.compile(r"(!?)\[([^\]]+)\]\((?![a-z]+:)([^)#]*)(#[^)]*)?\)")
FENCE: Final = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING: Final = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def pages() -> dict[str, str]:
    """Return the text of every page by its path on the site, links rewritten."""
    sources = places()
    return {
        place: rewritten((ROOT / source).read_text(encoding="utf-8"), source, sources)
        for source, place in sources.items()
        if place.endswith(".md")
    }


def places() -> dict[str, str]:
    """Return the place on the site of every file of the repository that is on it."""
    found = dict(AT_ROOT)
    for path in sorted((ROOT / "docs").rglob("*")):
        if path.suffix in {".md", ".html", ".png", ".svg"}:
            source = str(PurePosixPath(path.relative_to(ROOT)))
            found[source] = source.removeprefix("docs/")
    return found


def rewritten(text: str, source: str, sources: Mapping[str, str]) -> str:
    """Return a document with links that lead somewhere on the site; code is left as it is."""
    folder, here = str(PurePosixPath(source).parent), str(PurePosixPath(sources[source]).parent)

    def replace(link: re.Match[str]) -> str:
        image, said, path, anchor = link[1], link[2], link[3], link[4] or ""
        if not path:
            return link[0]
        target = normpath(f"{folder}/{path}")
        if target in sources:
            return f"{image}[{said}]({relpath(sources[target], here)}{anchor})"
        return f"`{target}`" if said.strip("`") in {path, target} else f"{said} (`{target}`)"

    parts = list[str]()
    at = 0
    for fence in FENCE.finditer(text):
        parts += [LINK.sub(replace, text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, LINK.sub(replace, text[at:])])


def broken_links(documents: Mapping[str, str], files: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield the links of documents to documents, files or headings that do not exist: the place and the target."""
    anchors = {place: set(headings(text)) for place, text in documents.items()}
    for place, text in documents.items():
        for _image, _said, path, anchor in LINK.findall(FENCE.sub("", text)):
            target = normpath(f"{PurePosixPath(place).parent}/{path}") if path else place
            if target not in documents and target not in files:
                yield place, path
            elif anchor and target in documents and anchor[1:] not in anchors[target]:
                yield place, path + anchor


def headings(text: str) -> Iterator[str]:
    """Yield the anchors of the headings of a document."""
    for heading in HEADING.findall(FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        yield re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def main(arguments: Sequence[str] | None = None) -> int:
    """Lay down the site's sources in a folder, which is made anew, and return the exit code."""
    require_assertions()
    of_command = argparse.ArgumentParser(prog="python -m docs.site", description=__doc__)
    of_command.add_argument("folder", type=Path, metavar="DIR", help="where they go; what it has is removed")
    folder: Path = of_command.parse_args(arguments).folder
    shutil.rmtree(folder, ignore_errors=True)
    texts = pages()
    for source, place in places().items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if place in texts:
            target.write_text(texts[place], encoding="utf-8")
        else:
            shutil.copyfile(ROOT / source, target)
    return 0


if __name__ == "__main__":
    run("docs.site")
