"""CI that runs nothing looks like CI that finds nothing: the ways to get there, each prevented.

The workflows are read as text: a step begins with a dash.
"""

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from stateful.command import main
from tests.stateful.ending import trial
from tests.test_assertions_off import programs
from tests.test_manners import commands as every_command

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".github" / "workflows"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yml"))}
CI, FUZZ, RELEASE = TEXTS["ci"], TEXTS["fuzz"], TEXTS["release"]
every_workflow = pytest.mark.parametrize("text", [CI, FUZZ, RELEASE], ids=["ci", "fuzz", "release"])


def steps(text: str) -> list[str]:
    """Return every step of every job, as text."""
    jobs = text.partition("\njobs:\n")[2]
    return re.findall(r"^      - .*\n(?:(?:        .*)?\n)*", jobs, re.MULTILINE)


def step(text: str, wanted: str) -> str:
    """Return the one step that contains a text."""
    (found,) = [each for each in steps(text) if wanted in each]
    return found


def value(text: str, key: str) -> str:
    """Return the value of a key of a step, a block without its indentation."""
    match = re.search(rf"^ *(?:- )?{key}: (?:\|\n((?: {{12,}}.*\n)+)|(.+)\n)", text, re.MULTILINE)
    assert match is not None, f"{key} in {text}"
    return (textwrap.dedent(match[1]) if match[1] else match[2]).strip()


def commands(text: str) -> list[str]:
    """Return the commands that are run, line by line."""
    blocks = re.findall(r"^ *(?:- )?run: (?:\|\n((?: {10,}.*\n)+)|(.+)\n)", text, re.MULTILINE)
    return [line.strip() for block, line in blocks for line in (block or line).splitlines()]


def test_every_step_of_the_workflows_is_read() -> None:
    assert len(steps(CI)) == 3 + 3 + 4 + 3 + 4 + 4 + 1
    assert {name: len(steps(text)) for name, text in TEXTS.items()} == {
        name: sum(len(job.get("steps", [])) for job in yaml.safe_load(text)["jobs"].values())
        for name, text in TEXTS.items()
    }
    assert len(steps(FUZZ)) >= 14
    assert {
        "make lint PYTHON=python",
        "make test PYTHON=python",
        "make dist PYTHON=python",
        "make site PYTHON=python",
    } <= set(commands(CI))


# The first trap: under CI Hypothesis loads a profile that tries the same examples every time and keeps none, and every
# new profile inherits it unless it names another parent.

REPORT = """
import importlib.util, json, sys
from hypothesis import settings
spec = importlib.util.spec_from_file_location("conftest", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
now = settings()
print(json.dumps([now.derandomize, now.database is not None, now.deadline is None, now.max_examples]))
"""


def in_force(folder: Path, **environment: str) -> list[object]:
    """Return of the profile in force: derandomised, saves examples, has no deadline; and the number of examples."""
    clean = {name: text for name, text in os.environ.items() if name not in ("CI", "HYPOTHESIS_PROFILE")}
    command = [sys.executable, "-c", REPORT, str(ROOT / "tests" / "conftest.py")]
    said = subprocess.run(
        command, cwd=folder, env={**clean, **environment}, capture_output=True, text=True, check=True
    ).stdout
    found: list[object] = json.loads(said)
    return found


def test_a_nightly_run_in_ci_is_random_and_saves_examples(tmp_path: Path) -> None:
    derandomized, keeps, unhurried, examples = in_force(tmp_path, CI="true", HYPOTHESIS_PROFILE="fuzz")
    assert (derandomized, keeps, unhurried) == (False, True, True)
    assert isinstance(examples, int)
    assert examples >= 100


def test_a_pull_request_tries_the_same_examples_every_time(tmp_path: Path) -> None:
    assert in_force(tmp_path, CI="true")[:3] == [True, False, True]
    assert "HYPOTHESIS_PROFILE" not in CI


def test_a_run_at_a_desk_is_random_and_saves_examples(tmp_path: Path) -> None:
    assert in_force(tmp_path)[:3] == [False, True, True]


def test_the_nightly_job_asks_for_the_profile() -> None:
    job = FUZZ.partition("\n  fuzz:\n")[2].partition("\n    steps:\n")[0]
    assert value(f"{job}\n", "HYPOTHESIS_PROFILE") == "fuzz"
    assert 'register_profile("ci"' not in (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")


def test_searches_name_their_parent_and_get_a_seed_every_night() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "stateful").rglob("*.py"))]
    made = [after for text in texts for after in re.findall(r"\bsettings\(\s*(.*)", text)]
    assert made
    assert [after for after in made if not after.startswith('settings.get_profile("default"),')] == []
    assert sum("derandomize=False" in text for text in texts) == len(made)
    job = FUZZ.partition("\n  fuzz:\n")[2].partition("\n    steps:\n")[0]
    assert "github.run_id" in value(f"{job}\n", "SEED")


# The second: Hypothesis keeps its examples in another folder than is restored and saved, or the prefix fits no key.

FAILING = """
from hypothesis import given, strategies
@given(strategies.integers())
def test_small(number):
    print("tried", number)
    assert number < 1000
"""


def run_failing(folder: Path) -> list[int]:
    """Run a test that fails, as the nightly job does; the numbers it tried."""
    environment = {**os.environ, "CI": "true", "HYPOTHESIS_PROFILE": "fuzz", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "test_failing.py"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    return [int(number) for number in re.findall(r"tried (-?\d+)", done.stdout)]


def test_a_finding_of_one_night_is_tried_first_in_the_next(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_bytes((ROOT / "tests" / "conftest.py").read_bytes())
    (tmp_path / "test_failing.py").write_text(FAILING, encoding="utf-8")
    assert run_failing(tmp_path)[-1] == 1000
    where = value(step(FUZZ, "cache/save@"), "path")
    assert [path for path in (tmp_path / where).rglob("*") if path.is_file()]
    assert run_failing(tmp_path)[0] == 1000


def test_the_restored_folder_is_counted_and_saved() -> None:
    restore, save = step(FUZZ, "cache/restore@"), step(FUZZ, "cache/save@")
    where = value(restore, "path")
    assert value(save, "path") == where
    assert f"count=$(find {where} -type f | wc -l)" in commands(FUZZ)
    assert 'echo "$count examples restored" | tee -a "$GITHUB_STEP_SUMMARY"' in commands(FUZZ)
    key, prefix = value(restore, "key"), value(restore, "restore-keys")
    assert value(save, "key") == key
    assert key.startswith(prefix)
    assert prefix.endswith("-")
    assert where in value(step(FUZZ, "upload-artifact@"), "path").splitlines()


def test_examples_are_restored_before_and_saved_after_use() -> None:
    names = ["cache/restore@", "$count", "-m pytest --timeout 0", "-m stateful fuzz", "cache/save@", "upload-artifact@"]
    places = [steps(FUZZ).index(step(FUZZ, name)) for name in names]
    assert places == sorted(places)


# The third: a key that is fixed is saved once and never again.


def test_every_run_and_every_repetition_saves_under_its_own_key() -> None:
    key = value(step(FUZZ, "cache/save@"), "key")
    assert "${{ github.run_id }}" in key
    assert "${{ github.run_attempt }}" in key
    assert "${{" not in value(step(FUZZ, "cache/restore@"), "restore-keys")


@pytest.mark.parametrize("name", ["cache/save@", "upload-artifact@"])
def test_findings_are_saved_although_the_job_is_red(name: str) -> None:
    assert value(step(FUZZ, name), "if") == "always()"


def test_a_folder_with_a_dot_is_uploaded() -> None:
    assert value(step(FUZZ, "upload-artifact@"), "include-hidden-files") == "true"


# The fourth: another version of Hypothesis, or another source of a machine, empties the database.


def test_hypothesis_is_pinned_and_findings_are_kept_as_code() -> None:
    assert re.search(r"^hypothesis==\S+$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert "make venv PYTHON=python" in commands(FUZZ)
    assert "def test_001_" in (ROOT / "tests" / "test_regressions.py").read_text(encoding="utf-8")


# Also: a job that cannot fail, and a job that may do more than it should.


@every_workflow
def test_nothing_hides_a_failure(text: str) -> None:
    assert "continue-on-error" not in text
    for command in commands(text):
        assert "|| " not in command
        assert not command.startswith("timeout ")
        assert "set +e" not in command
    # without naming the shell there is no pipefail, and a pipe into tee always succeeds
    assert "\ndefaults:\n  run:\n    shell: bash" in text


def test_the_one_required_status_needs_every_job() -> None:
    jobs = re.findall(r"^  (\w+):$", CI.partition("\njobs:\n")[2], re.MULTILINE)
    (needs,) = re.findall(r"^    needs: \[(.+)\]$", CI, re.MULTILINE)
    assert [*needs.split(", "), "all"] == jobs
    assert "    if: always()\n    needs:" in CI


@every_workflow
def test_a_workflow_has_permission_to_read_only(text: str) -> None:
    assert "\npermissions:\n  contents: read\n" in text
    more = [job.get("permissions") for job in yaml.safe_load(text)["jobs"].values()]
    assert [each for each in more if each] == ([{"id-token": "write"}] if text is RELEASE else [])
    assert "secrets." not in text
    assert "pull_request_target" not in text
    checkouts = [each for each in steps(text) if "actions/checkout@" in each]
    assert all("persist-credentials: false" in each for each in checkouts)
    # the text of a form field is never part of a command
    assert not [command for command in commands(text) if "${{" in command]


@every_workflow
def test_every_action_is_pinned_to_a_commit_with_its_version(text: str) -> None:
    used = re.findall(r"uses: (.+)", text)
    assert used
    assert [each for each in used if not re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", each)] == []


@every_workflow
def test_every_job_has_a_time_limit_and_a_concurrency_group(text: str) -> None:
    jobs = text.partition("\njobs:\n")[2]
    assert jobs.count("    timeout-minutes: ") == jobs.count("    runs-on: ")
    assert "\nconcurrency:\n  group: " in text


@every_workflow
def test_every_command_and_path_of_a_workflow_exists(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in commands(text):
        for target in re.findall(r"^make ([\w-]+)", command):
            assert f"\n{target}:" in makefile
        for name in re.findall(r"-m stateful (\S+)", command):
            with pytest.raises(SystemExit) as caught:
                main([name, "--help"])
            assert caught.value.code == 0
            said = capsys.readouterr().out
            assert [option for option in re.findall(r"--[\w-]+", command) if option not in said] == []
        for name in re.findall(r"tests/[\w./]+", command):
            assert (ROOT / name).exists()


def test_every_promised_python_is_tried() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    promised = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    # The package is the device alone, so a Python with which that alone was tried may be promised.
    tried = [version for job in ("test", "device") for version in matrix(job) if not version.endswith("t")]
    assert tried == promised


def matrix(job: str) -> list[str]:
    """The Pythons of a job of every push."""
    versions: list[str] = yaml.safe_load(CI)["jobs"][job]["strategy"]["matrix"]["python"]
    return versions


# A workflow that the runner would refuse.

KEYS: dict[str, set[object]] = {
    "workflow": {"name", True, "permissions", "concurrency", "defaults", "env", "jobs"},  # YAML 1.1 reads `on` as true
    "job": {
        *("name", "if", "needs", "runs-on", "timeout-minutes", "strategy", "env", "steps", "container", "environment"),
        "permissions",
    },
    "step": {"name", "if", "id", "uses", "with", "run", "env", "shell", "working-directory"},
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_workflow_has_the_form_that_the_runner_takes(name: str) -> None:
    document = yaml.safe_load(TEXTS[name])
    assert set(document) <= KEYS["workflow"]
    for job in document["jobs"].values():
        assert set(job) <= KEYS["job"]
        assert set(job.get("needs", [])) <= set(document["jobs"])
        matrix = set(job.get("strategy", {}).get("matrix", {}))
        for each in job["steps"]:
            assert set(each) <= KEYS["step"]
            assert ("run" in each) != ("uses" in each)
            assert set(re.findall(r"matrix\.([\w-]+)", json.dumps(each))) <= matrix


def run_lines() -> list[tuple[str, str]]:
    """Return every script of every workflow, with the workflow it is of."""
    found = []
    for name, text in TEXTS.items():
        for job in yaml.safe_load(text)["jobs"].values():
            found += [(name, each["run"]) for each in job["steps"] if "run" in each]
    return found


def test_every_script_of_a_workflow_is_one_that_bash_can_read() -> None:
    for name, script in run_lines():
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert (name, done.returncode, done.stderr) == (name, 0, "")


def test_every_target_that_a_workflow_makes_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {target for _, script in run_lines() for target in re.findall(r"^make ([\w-]+)", script, re.MULTILINE)}
    assert targets >= {"lint", "test", "test-device", "site", "dist", "venv", "oracle-nightly"}
    assert [target for target in targets if f"\n{target}:" not in makefile] == []


def test_a_release_needs_its_tag_and_no_password() -> None:
    document = yaml.safe_load(RELEASE)
    assert document[True] == {"push": {"tags": ["v*"]}}
    assert document["jobs"]["publish"]["needs"] == ["build"]
    assert '[ "$GITHUB_REF_NAME" = "v$version" ]' in commands(RELEASE)
    assert [line for line in commands(RELEASE) if "publish" in line] == [
        "uv publish --trusted-publishing always dist/*"
    ]
    save, restore = step(RELEASE, "cache/save@"), step(RELEASE, "cache/restore@")
    assert (value(save, "key"), value(save, "path")) == (value(restore, "key"), value(restore, "path"))


def test_dependabot_looks_after_actions_and_pins() -> None:
    document = yaml.safe_load((FOLDER.parent / "dependabot.yml").read_text(encoding="utf-8"))
    assert {each["package-ecosystem"] for each in document["updates"]} == {"github-actions", "pip"}


def test_builds_without_the_gil_are_tried() -> None:
    assert matrix("device") == ["3.14", "3.15", "3.13t"]


def test_what_is_not_promised_is_tried_every_night() -> None:
    assert yaml.safe_load(FUZZ)["jobs"]["ahead"]["strategy"]["matrix"]["python"] == ["3.14t", "3.15t"]


def test_every_command_is_killed_every_night() -> None:
    assert '.venv/bin/python -m tests.stateful.ending.trial | tee -a "$GITHUB_STEP_SUMMARY"' in commands(FUZZ)
    every = {*every_command(), *(name for name in programs() if name.startswith("docs."))}
    killed = tuple(f"{line} " for line in trial.COMMANDS)
    assert [name for name in sorted(every) if not any(line.startswith(f"{name} ") for line in killed)] == []
