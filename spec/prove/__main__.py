"""`python -m spec.prove`: see `command`."""

from spec.processes.entry import run

if __name__ == "__main__":
    run("spec.prove.command")
