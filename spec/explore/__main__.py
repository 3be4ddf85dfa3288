"""`python -m spec.explore`: see `command`."""

from spec.processes.entry import run

if __name__ == "__main__":
    run("spec.explore.command")
