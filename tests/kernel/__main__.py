"""`python -m tests.kernel`."""

import sys

from tests.kernel.command import main

sys.exit(main())
