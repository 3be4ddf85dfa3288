"""`python -m zram_impl`: see `cli.command`."""

import signal
import sys

if __name__ == "__main__":
    # Until the command looks after requests to end, nothing has begun, and Ctrl-C may simply end the process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from zram_impl.cli.command import main

    sys.exit(main())
