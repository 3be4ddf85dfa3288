"""Metadata that depends on where a package is built: the addresses of its repository, and the links of its front page.

A workflow names the repository that it builds in its environment (`GITHUB_SERVER_URL`, `GITHUB_REPOSITORY`,
`GITHUB_SHA`), so a package of a fork leads to the fork. A package that is built at a desk has no addresses: its front
page then says the path of a file where README.md has a link to it, because on a package index that link leads nowhere.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK: Final = re.compile(r"(?<!!)\[([^\]]+)\]\((?![a-z]+:)([^)]+)\)")
"""A link of Markdown to a file of the repository: the text, and the path with its fragment."""


class FrontPageHook(MetadataHookInterface):
    """Sets `readme` and `urls` of the project table."""

    def update(self, metadata: dict[str, object]) -> None:  # type: ignore[explicit-override]  # typing: 3.12
        """Add the two fields. Called by hatchling, which takes them from PKG-INFO instead in an unpacked sdist."""
        urls = addresses(os.environ)
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["urls"] = urls
        metadata["readme"] = {"content-type": "text/markdown", "text": front_page(text, files(os.environ))}


def repository(environment: Mapping[str, str]) -> str | None:
    """Return the address of the repository that a workflow builds, None at a desk."""
    server, name = environment.get("GITHUB_SERVER_URL"), environment.get("GITHUB_REPOSITORY")
    return f"{server}/{name}" if server and name else None


def files(environment: Mapping[str, str]) -> str | None:
    """Return the address below which the files of the commit lie that is built, None at a desk."""
    where, commit = repository(environment), environment.get("GITHUB_SHA")
    return f"{where}/blob/{commit}" if where and commit else None


def addresses(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the project URLs by their well-known labels; none at a desk."""
    where, below = repository(environment), files(environment)
    if where is None or below is None:
        return {}
    return {
        "Repository": where,
        "Documentation": f"{below}/docs/tutorial.md",
        "Changelog": f"{below}/CHANGELOG.md",
        "Issues": f"{where}/issues",
    }


def front_page(readme: str, below: str | None) -> str:
    """Return the text of README.md with links that lead somewhere from anywhere, or with paths in their place."""
    if below is None:
        return LINK.sub(lambda found: f"{found[1]} (`{found[2]}`)" if found[1] != found[2] else f"`{found[2]}`", readme)
    return LINK.sub(lambda found: f"[{found[1]}]({below}/{found[2]})", readme)
