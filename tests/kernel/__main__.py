"""`python -m tests.kernel`: see `command`."""

from spec.processes.entry import run

if __name__ == "__main__":
    run("tests.kernel.command")
