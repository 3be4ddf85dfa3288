"""`python -m tests.kernel`: see `command`."""

import signal
import sys

if __name__ == "__main__":
    # Whoever asks this program to end gets the answer to Ctrl-C: the machine is turned off, exit code 130.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        # Not at the top: it takes a while, and Ctrl-C may come meanwhile.
        from tests.kernel.command import main

        code = main()
    except KeyboardInterrupt:
        code = 130
    # Nothing is left to be interrupted but the interpreter's own end, which would complain.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)
