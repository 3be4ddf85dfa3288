"""A package as somebody installs it: its metadata, the files of wheel and sdist, and the citation."""

import importlib.metadata
import importlib.util
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from hatchling import build
from trove_classifiers import classifiers

from examples import smoke
from tests.test_tidy import FILES

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GITHUB = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA")
# A link whose target is no address.
RELATIVE = re.compile(r"\]\((?![a-z]+:)")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel that is built at a desk."""
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for name in GITHUB:
            patch.delenv(name, raising=False)
        return zipfile.ZipFile(folder / build.build_wheel(str(folder)))


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    """Its METADATA."""
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return message_from_string(wheel.read(name).decode())


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    """The module that makes the metadata."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_wheel_is_the_device_its_licence_and_types(wheel: zipfile.ZipFile) -> None:
    names = [name for name in wheel.namelist() if ".dist-info/" not in name]
    assert sorted(names) == [name for name in FILES if name.startswith("zram_impl/")]
    assert "zram_impl/py.typed" in names
    others = sorted(name.partition(".dist-info/")[2] for name in set(wheel.namelist()) - set(names))
    assert others == ["METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"]


def test_the_sdist_is_everything_that_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with tarfile.open(tmp_path / build.build_sdist(str(tmp_path))) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert names == {*FILES, "PKG-INFO"}


def test_the_page_of_a_package_is_the_readme_without_dead_links(metadata: Message) -> None:
    page = metadata.get_payload()
    assert isinstance(page, str)
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert page.strip().startswith("# zram writeback, specified and built")
    assert not RELATIVE.search(page)
    assert "the map (`docs/map.md`)" in page
    assert metadata.get_all("Project-URL") is None


def test_a_package_of_a_workflow_leads_to_its_repository(hook: ModuleType) -> None:
    environment = dict(zip(GITHUB, ("https://example.org", "a/b", "c0ffee"), strict=True))
    urls = hook.addresses(environment)
    assert urls["Repository"] == "https://example.org/a/b"
    assert urls["Issues"] == "https://example.org/a/b/issues"
    paths = [url.partition("/blob/c0ffee/")[2] for url in urls.values() if "/blob/" in url]
    assert [path for path in paths if path not in FILES] == []
    assert len(paths) == 2
    page = hook.front_page("[a](b.md#c), ![d](e.png), [f](https://g)", hook.files(environment))
    assert page == "[a](https://example.org/a/b/blob/c0ffee/b.md#c), ![d](e.png), [f](https://g)"


@pytest.mark.parametrize("absent", GITHUB)
def test_half_an_address_is_no_address(absent: str, hook: ModuleType) -> None:
    environment = {name: "x" for name in GITHUB if name != absent}
    assert (hook.addresses(environment), hook.files(environment)) == ({}, None)


def test_the_program_that_tries_a_package_passes(capsys: pytest.CaptureFixture[str]) -> None:
    smoke.main()
    assert capsys.readouterr().out == "64 pages written back and read again\n"


def test_every_classifier_is_known_and_licence_is_no_classifier(metadata: Message) -> None:
    used = metadata.get_all("Classifier") or []
    assert [each for each in used if each not in classifiers or each.startswith("License ::")] == []
    assert "Typing :: Typed" in used
    assert metadata["License-Expression"] == "MIT"


def test_what_a_package_requires_is_what_the_readme_says(metadata: Message) -> None:
    plain = [each for each in metadata.get_all("Requires-Dist") or [] if "extra ==" not in each]
    assert [re.split(r"\W", each)[0] for each in plain] == ["lz4"]
    assert metadata.get_all("Provides-Extra") == sorted(PROJECT["project"]["optional-dependencies"])


def test_every_tool_of_every_group_is_pinned() -> None:
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    normal = {re.sub(r"[-_.]+", "-", name).lower() for name in pinned}
    groups = PROJECT["dependency-groups"]
    assert set(groups) >= {"dev", "device", "docs", "release"}
    wanted = {re.split(r"[^\w.-]", name)[0].lower() for group in groups.values() for name in group}
    assert wanted - normal == set()


def test_every_group_that_a_document_names_is_there() -> None:
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in FILES if name.endswith((".md", "Makefile"))]
    named = {name for text in texts for name in re.findall(r"--group ([\w-]+)", text)}
    assert "stores" in named
    assert named <= set(PROJECT["dependency-groups"])


def test_nothing_installs_a_name_that_is_not_published() -> None:
    texts = {name: (ROOT / name).read_text("utf-8") for name in FILES if name.endswith((".md", ".py", ".yml"))}
    del texts["tests/test_packaging.py"]
    by_name = re.compile(r"pip install\s[^`\n]*zram[-_]impl")
    assert [name for name, text in texts.items() if by_name.search(text)] == []


def test_the_citation_says_what_the_package_says() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = PROJECT["project"]
    assert set(citation) == {
        *("cff-version", "type", "title", "message", "abstract", "authors", "version", "license", "keywords"),
    }
    assert (citation["cff-version"], citation["type"]) == ("1.2.0", "software")
    assert citation["authors"] == project["authors"]
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    assert citation["title"] == (ROOT / "README.md").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def test_the_tests_of_the_device_need_its_group_alone() -> None:
    """One that needed greenlet ended `make test-device` on every Python, and nothing else goes without the rest."""
    groups = PROJECT["dependency-groups"]
    others = {re.split("[^a-z0-9-]", each.lower())[0] for each in groups["dev"]} - set(groups["device"])
    brought = importlib.metadata.packages_distributions()
    hidden = [name for name, by in brought.items() if {each.lower().replace("_", "-") for each in by} <= others]
    assert {"greenlet", "yaml", "z3"} <= set(hidden)
    left_out = re.findall(r"--ignore (\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    paths = (path.relative_to(ROOT) for path in sorted((ROOT / "tests" / "impl").rglob("test_*.py")))
    modules = [".".join(path.with_suffix("").parts) for path in paths if str(path) not in left_out]
    program = f"import sys, importlib\nsys.modules.update(dict.fromkeys({hidden!r}))\n"
    program += f"for name in {modules!r}:\n    importlib.import_module(name)\n"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert len(modules) > 80
