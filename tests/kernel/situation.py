"""The probable state of the device after a part of a generated program: the contexts of the coverage table it is in."""

from tests.kernel.scripts import Operation


class Situation:
    """Follows the operations of a program, as far as they are meant to be accepted.

    Attributes:
        sized, backed, compressed, limited, failing, held: What the device, or the machine, is.
    """

    def __init__(self, size: str) -> None:
        """Begin with a device without a size; `size` is the one it is meant to get."""
        self._size = size
        self.failing = self.held = self.limited = False
        self._forget()

    def _forget(self) -> None:
        # The limit is left: the driver keeps it.
        self.sized = self.backed = self.compressed = False

    def note(self, op: Operation) -> None:
        """Follow an operation."""
        match op["op"]:
            case "store" | "bg_store":
                self._stored(str(op["attr"]), str(op["value"]))
            case "dmtab":
                self.failing = bool(op.get("fail_write") or op.get("fail_all"))
            case "hold" | "xhold" | "rhold":
                self.held = True
            case "unhold":
                self.held = False
            case _:
                pass

    def _stored(self, attribute: str, value: str) -> None:
        if attribute == "writeback_limit_enable":
            self.limited = value == "1"
        elif attribute == "reset":
            if value == "1" and not self.held:
                self._forget()
        elif self.sized:
            return
        elif attribute == "disksize":
            self.sized = value == self._size
        elif attribute == "backing_dev":
            self.backed = value.startswith("/dev/")
        elif attribute == "compressed_writeback":
            self.compressed = value in ("1", "y")

    def contexts(self) -> list[str]:
        """Return the contexts; see `coverage.contexts`."""
        found = ["held"] if self.held else []
        if not self.sized:
            return [*found, "no size"]
        found.append("backed" if self.backed else "plain")
        found += ["compressed"] if self.backed and self.compressed else []
        found += ["limited"] if self.limited else []
        found += ["failing"] if self.backed and self.failing else []
        return found
