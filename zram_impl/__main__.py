"""`python -m zram_impl`: see `cli.command`."""

import sys

from zram_impl.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
