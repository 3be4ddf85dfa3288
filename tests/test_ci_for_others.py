"""The action for devices of others: its snippet is run in an empty project, and its job avoids the four traps."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.test_how_to import BLOCK, INSTALLED
from tests.test_how_to import PAGE as HOW_TO

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / ".github" / "actions" / "fuzz-device"
TEXT: Final = (FOLDER / "action.yml").read_text(encoding="utf-8")
WORKFLOW: Final = (ROOT / ".github" / "workflows" / "fuzz-device.yml").read_text(encoding="utf-8")
PAGE: Final = (ROOT / "docs" / "ci-for-your-device.md").read_text(encoding="utf-8")
SNIPPETS: Final = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
REAL: Final = sys.executable
MINUTES: Final = "0.02"
"""As many as a test has."""

# `python -m venv`, whose interpreter is that of the tests and installs nothing.
PYTHON: Final = f"""#!/bin/sh
case "$2" in
venv) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
pip) shift 2; echo "$@" >> "$RUNNER_TEMP/installed" ;;
*) exec "{REAL}" "$@" ;;
esac
"""


def table(value: object) -> Mapping[str, object]:
    assert isinstance(value, dict)
    return {str(key): each for key, each in value.items()}


def steps() -> list[Mapping[str, object]]:
    found = table(table(yaml.safe_load(TEXT))["runs"])["steps"]
    assert isinstance(found, list)
    return [table(each) for each in found]


def snippet(number: int) -> tuple[str, Mapping[str, object]]:
    """Return what a snippet of the page uses, and with what."""
    job = table(table(table(yaml.safe_load(SNIPPETS[number]))["jobs"])["fuzz"])
    listed = job.get("steps")
    last = table(listed[-1]) if isinstance(listed, list) else job
    return str(last["uses"]), table(last["with"])


class Project:
    """An empty project with a device, in which the steps of the action are run as a runner would."""

    def __init__(self, place: Path) -> None:
        self.place, self.temporary = place / "project", place / "runner"
        self.summary = place / "summary.md"
        declared = table(table(yaml.safe_load(TEXT))["inputs"])
        self.inputs = dict[str, str]()
        self.inputs = {name: self.replaced(table(each).get("default", "")) for name, each in declared.items()}
        self.inputs |= {name: str(each) for name, each in snippet(0)[1].items()} | {"minutes": MINUTES}
        for folder in (self.place, self.temporary, place / "bin"):
            folder.mkdir()
        if not INSTALLED:
            (place / "bin" / "python").write_text(PYTHON, encoding="utf-8")
            (place / "bin" / "python").chmod(0o755)
        self.path = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
        store = [source for kind, source, _output in BLOCK.findall(HOW_TO) if kind == "python"]
        (self.place / "store.py").write_text("".join(part.partition("\n")[2] for part in store), encoding="utf-8")

    def replaced(self, text: object) -> str:
        """Return a text with its expressions replaced."""
        known = {"github.action_path": str(FOLDER), "github.run_id": "5"}
        known |= {f"inputs.{name}": each for name, each in self.inputs.items()}
        return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: known[found[1]], str(text))

    def run(self) -> int:
        """Run the scripts until one fails; return its exit code."""
        for step in steps():
            if "run" not in step:
                continue
            environment = {name: self.replaced(each) for name, each in table(step.get("env", {})).items()}
            environment |= {
                "RUNNER_TEMP": str(self.temporary),
                "GITHUB_STEP_SUMMARY": str(self.summary),
                "PATH": self.path,
            }
            shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", str(step["run"])]
            everything = {**os.environ, "CI": "true", **environment}
            done = subprocess.run(shell, cwd=self.place, env=everything, capture_output=True, text=True, check=False)
            if done.returncode:
                return done.returncode
        return 0


def test_the_snippet_is_run_in_an_empty_project(tmp_path: Path) -> None:
    project = Project(tmp_path)
    campaign = project.place / ".stateful" / "campaign"
    assert project.run() == 0
    summary = project.summary.read_text(encoding="utf-8")
    assert "0 examples, 0 tokens restored" in summary
    assert re.search(r"^passed(, not exhaustive)?\n```$", summary, re.MULTILINE)
    assert (project.place / ".stateful" / "junit.xml").is_file()
    if not INSTALLED:
        [line] = (project.temporary / "installed").read_text(encoding="utf-8").splitlines()
        assert line == f"install --quiet --constraint {ROOT}/constraints.txt --editable {ROOT}[fuzz]"

    # What is restored the next night is what was saved: nothing is done twice, and the corpus is counted.
    project.summary.unlink()
    assert project.run() == 0
    summary = project.summary.read_text(encoding="utf-8")
    assert re.search(r"^0 examples, [1-9]\d* tokens restored$", summary, re.MULTILINE)
    assert "resumes after " in summary

    source = (project.place / "store.py").read_text(encoding="utf-8")
    (project.place / "store.py").write_text(
        source.replace("self.pages[page] is not content", "False"), encoding="utf-8"
    )
    assert project.run() == 1
    [page] = (campaign / "findings").glob("scenarios-linearizable-*.html")
    again = page.with_suffix(".txt").read_text(encoding="utf-8").splitlines()[0]
    assert again.endswith("--device store:Store")
    results = json.loads((project.place / ".stateful" / "findings.sarif").read_text(encoding="utf-8"))["runs"][0][
        "results"
    ]
    assert "linearizable" in {result["ruleId"] for result in results}


def test_what_the_device_needs_is_installed(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.inputs |= {"requirements": "--editable . 'a b'", "device": "absent:Store"}
    if INSTALLED:
        project.inputs["requirements"] = "lz4"
    assert project.run() == 2
    if not INSTALLED:
        lines = (project.temporary / "installed").read_text(encoding="utf-8").splitlines()
        assert lines[1] == "install --quiet --editable . a b"


@pytest.mark.parametrize("number", [0, 1])
def test_a_snippet_is_ten_lines_and_uses_what_there_is(number: int) -> None:
    assert len(SNIPPETS[number].splitlines()) <= 10
    uses, inputs = snippet(number)
    path = re.fullmatch(r"OWNER/REPOSITORY/(\S+)@REVISION", uses)
    assert path is not None
    if number == 0:
        declared = table(table(yaml.safe_load(TEXT))["inputs"])
        assert (ROOT / path[1] / "action.yml").is_file()
    else:
        called = yaml.safe_load(WORKFLOW)
        declared = table(table(table(called.get("on", called.get(True)))["workflow_call"])["inputs"])
        assert (ROOT / path[1]).is_file()
    assert set(inputs) <= set(declared)
    assert {name for name, each in declared.items() if table(each).get("required")} <= set(inputs)


def test_the_workflow_gives_the_action_what_it_takes() -> None:
    job = table(table(yaml.safe_load(WORKFLOW)["jobs"])["fuzz"])
    listed = job["steps"]
    assert isinstance(listed, list)
    _own, checkout, action = map(table, listed)
    place = table(checkout["with"])["path"]
    assert action["uses"] == f"./{place}/.github/actions/fuzz-device"
    assert set(table(action["with"])) <= set(table(table(yaml.safe_load(TEXT))["inputs"]))


# The four traps (CONTRIBUTING.md): each is prevented here as in the workflows of this repository.


def used(name: str) -> Mapping[str, object]:
    [found] = [each for each in steps() if name in str(each.get("uses"))]
    return found


def test_what_is_restored_was_saved_under_a_key_of_its_own() -> None:
    restore, save = table(used("cache/restore")["with"]), table(used("cache/save")["with"])
    assert (save["path"], save["key"]) == (restore["path"], restore["key"])
    key, prefix = str(save["key"]), str(restore["restore-keys"]).strip()
    assert key.startswith(prefix)
    assert prefix.endswith("-")
    assert "run_id" not in prefix
    assert key.endswith("${{ github.run_id }}-${{ github.run_attempt }}")
    order = [
        next(n for n, each in enumerate(steps()) if word in str(each)) for word in ("cache/restore", "tokens restored")
    ]
    order += [
        next(n for n, each in enumerate(steps()) if word in str(each)) for word in ("stateful campaign", "cache/save")
    ]
    assert order == sorted(order)


@pytest.mark.parametrize("name", ["cache/save", "upload-artifact"])
def test_what_a_red_run_learnt_is_kept(name: str) -> None:
    assert used(name)["if"] == "always()"


def test_hidden_folders_are_uploaded() -> None:
    assert table(used("upload-artifact")["with"])["include-hidden-files"] is True


@pytest.mark.parametrize("text", [TEXT, WORKFLOW], ids=["action", "workflow"])
def test_nothing_is_unpinned_and_nothing_hides_a_failure(text: str) -> None:
    foreign = [each for each in re.findall(r"uses: (.+)", text) if not each.startswith("./")]
    assert [each for each in foreign if not re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", each)] == []
    assert "continue-on-error" not in text
    assert "|| " not in text
    scripts = [str(each["run"]) for each in steps() if "run" in each]
    assert [script for script in scripts if "${{" in script] == []
    assert all(
        "pipefail" in script
        for script in scripts
        if "campaign" in script and "tee" in script and "stateful/bin" in script
    )
    assert all(each.get("shell") == "bash" for each in steps() if "run" in each)


def test_each_run_does_other_seeds_and_takes_over_no_profile() -> None:
    """Also when nothing was restored; searches name the parent of their profile (tests/test_workflows.py)."""
    assert table(table(table(yaml.safe_load(TEXT))["inputs"])["seed"])["default"] == "${{ github.run_id }}"
    assert "HYPOTHESIS_PROFILE" not in TEXT
    assert "HYPOTHESIS_PROFILE" not in WORKFLOW


def test_its_links_lead_somewhere() -> None:
    for page in ("ci-for-your-device.md", "campaigns.md"):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        targets = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[\w-]+)?\)", text)
        assert targets or page == "campaigns.md"
        assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []
