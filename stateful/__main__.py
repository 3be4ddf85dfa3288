"""`python -m stateful`: see `command`."""

import signal
import sys

if __name__ == "__main__":
    try:
        # Not at the top: it takes a while, and Ctrl-C may come meanwhile.
        from stateful.command import main

        code = main()
    except KeyboardInterrupt:
        code = 130
    # Nothing is left to be interrupted but the interpreter's own end, which would complain.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)
