"""`--device package.module:factory` of the commands that test any device."""

import argparse
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from stateful.seam.chosen import OURS, chosen, load, require, using


def add_device(parser: argparse.ArgumentParser, layer: str, needed: Sequence[str] = ()) -> None:
    """Add the option to the parser of a command; `needed` are the capabilities without which its layer says nothing."""
    parser.add_argument(
        "--device",
        metavar="MODULE:FACTORY",
        help="test this device instead of ours (docs/how-to-your-device.md)",
    )
    parser.set_defaults(layer=layer, needed=tuple(needed))


def asked_device(asked: argparse.Namespace) -> AbstractContextManager[None]:
    """Return the context in which the device of a command line is tested; DeviceError if it cannot be."""
    name: str | None = getattr(asked, "device", None)
    if name is None:
        return nullcontext()
    adapter = load(name)
    require(adapter, asked.layer, asked.needed)
    return using(adapter)


def named_device(name: str) -> AbstractContextManager[None]:
    """Return the context in which a device is tested, for another process than that of the command."""
    return nullcontext() if name == chosen().name else using(load(name))


def on_command_line() -> str:
    """Return the option that names the device that is tested, with a space before it; nothing for ours."""
    return "" if chosen().name == OURS else f" --device {chosen().name}"
