"""writeback_limit: how many blocks may still be written.

Every store opens a new grant. A request carries the grant it was charged to, and a refund to an older grant is
dropped: so what was stored last is what can be spent, whatever is in flight. Every method needs the table lock.

Kernel: bd_wb_limit, wb_limit_enable; zram_account_writeback_submit(), zram_account_writeback_rollback().
"""

import sys

from zram_impl import decisions


class Budget:
    """The limit, its enable, and the number of the present grant (from 1)."""

    def __init__(self) -> None:
        self.enabled: bool = False
        self.limit: int = 0
        self.grant: int = 1

    def store(self, limit: int) -> None:
        """Set the limit in blocks of 4 KiB."""
        self.limit = limit
        self.grant += 1

    def may_charge(self) -> bool:
        """Return whether one more block may be submitted."""
        return decisions.may_charge(self.enabled, self.limit)

    @property
    def affordable(self) -> int:
        """Blocks that may still be submitted, as far as the budget is concerned."""
        return self.limit if self.enabled else sys.maxsize

    def charge(self, blocks: int = 1) -> int:
        """Charge blocks, one a request, and return the grant each carries, 0 when the limit is disabled."""
        self.limit, grant = decisions.charge(self.enabled, self.limit, self.grant, blocks)
        return grant

    def refund(self, grant: int) -> None:
        """Give back what a request was charged."""
        self.limit = decisions.refund(self.limit, self.grant, grant)
