"""`python -m spec.prove_sizes`, an alias of `python -m spec.prove.unbounded`."""

from spec.processes.entry import run

if __name__ == "__main__":
    run("spec.prove.unbounded.command")
