"""`python -m spec.prove.unbounded`: see `command`."""

from spec.processes.entry import run

if __name__ == "__main__":
    run("spec.prove.unbounded.command")
