"""`python -m zram_impl`: see `cli.command`."""

import signal
import sys


def run() -> int:
    """Run the command that the process was started with; return its exit code."""
    # Until the command looks after requests to end, nothing has begun, and Ctrl-C may simply end the process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from zram_impl.cli.command import main  # noqa: PLC0415  (only now)

    return main()


if __name__ == "__main__":
    sys.exit(run())
