"""`python -m spec.prove_sizes`, an alias of `python -m spec.prove.unbounded`."""

import sys

from spec.prove.unbounded.command import main

if __name__ == "__main__":
    sys.exit(main())
