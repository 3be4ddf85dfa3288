"""`python -m stateful`: see `command`."""

from spec.processes.entry import run

if __name__ == "__main__":
    run("stateful.command")
