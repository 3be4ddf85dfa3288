"""The device that this process tests: ours, unless a command line names another one.

It is a setting of the process, as the interpreter is: a layer that was given no device asks here, and a job in another
process is given the name.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from inspect import signature
from typing import Final, NamedTuple, Unpack

from stateful.seam.protocol import CAPABILITIES, METHODS, PARAMETERS, MakeDevice, Setup, SystemUnderTest
from stateful.seam.zram import ours
from zram_impl import Zram
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.device.config import Hooks
from zram_impl.runtime import ThreadRuntime

OURS: Final = "stateful.seam.zram:ours"
_NAMES_MOST: Final = 8
_LINE_MOST: Final = 200


class DeviceError(ValueError):
    """A device that cannot be had, or that lacks what a layer needs; the message is one line."""


class Adapter(NamedTuple):
    """A device that can be made."""

    name: str
    make: MakeDevice
    capabilities: frozenset[str]
    zram: type[Zram] | None = None
    """The class that it is built on: what the capability `zram` stands for."""

    def blank(self, **hooks: Unpack[Hooks]) -> Zram:
        """Make a `Zram` that is not initialised, for layers that look inside it."""
        assert self.zram is not None, "only a device with the capability `zram` is looked into"
        return self.zram(**hooks)

    def lacks(self, *needed: str) -> list[str]:
        """Return those of the capabilities that it does not have."""
        return [name for name in needed if name not in self.capabilities]


_chosen: list[Adapter] = [Adapter(OURS, ours, ours.capabilities, ours.zram)]


def chosen() -> Adapter:
    """Return the device that is tested."""
    return _chosen[-1]


def is_ours() -> bool:
    """Return whether the layers can look inside the device that is tested."""
    return "zram" in chosen().capabilities


@contextmanager
def using(adapter: Adapter) -> Iterator[None]:
    """Test another device for a while."""
    _chosen.append(adapter)
    try:
        yield
    finally:
        _chosen.remove(adapter)


def load(name: str) -> Adapter:
    """Return the device of `package.module:factory`, having made one to look at it; DeviceError if that fails."""
    if name == chosen().name:
        return chosen()
    factory = _find(name)
    try:
        device: object = factory(probe_setup())  # type: ignore[operator]  # whatever it is, it is called
    except (Exception, SystemExit) as error:
        raise DeviceError(f"{name}: the factory, called with a Setup, raises {_short(error)}") from error
    capabilities = _capabilities(name, device, factory)
    for capability in ("", *sorted(capabilities)):
        for method in METHODS.get(capability, ()):
            _look_at_method(name, device, method, capability)
    made: SystemUnderTest = device  # type: ignore[assignment]  # as far as can be seen
    _look(name, made)
    make: MakeDevice = factory  # type: ignore[assignment]  # it has just made one
    return Adapter(name, make, capabilities, getattr(factory, "zram", None) if "zram" in capabilities else None)


def probe_setup() -> Setup:
    """Return a small setup."""
    return Setup(4, 2, 1, MemoryDevice(2), ThreadRuntime(), ignore)


def ignore(_kind: str, /, *_args: int) -> None:
    """Take no notice of a report."""


def _find(name: str) -> object:
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise DeviceError(f"--device must be package.module:factory, got {name!r}")
    try:
        found: object = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            where = "install it, or run this in the folder where it lies"
            raise DeviceError(f"{name}: there is no module {error.name}; {where}") from error
        raise DeviceError(f"{name}: importing {module} raises {_short(error)}") from error
    except (Exception, SystemExit) as error:
        raise DeviceError(f"{name}: importing {module} raises {_short(error)}") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise DeviceError(f"{name}: {module} has no {attribute}; {_made_in(module)}")
        found = getattr(found, part)
    if not callable(found):
        raise DeviceError(f"{name}: {attribute} must be a function of a Setup, got {type(found).__name__}")
    return found


def _capabilities(name: str, device: object, factory: object) -> frozenset[str]:
    try:
        said: object = getattr(device, "capabilities", None)
    except Exception as error:
        raise DeviceError(f"{name}: asking for the device's capabilities raises {_short(error)}") from error
    if not isinstance(said, (frozenset, set, tuple, list)) or not all(isinstance(each, str) for each in said):
        raise DeviceError(f"{name}: the device's capabilities must be a set of names, maybe empty, got {_said(said)}")
    unknown = sorted(set(said) - set(CAPABILITIES))
    if unknown:
        raise DeviceError(f"{name}: capabilities must be among {', '.join(CAPABILITIES)}, got {', '.join(unknown)}")
    kind: object = getattr(factory, "zram", None)
    if "zram" in said and not (isinstance(kind, type) and issubclass(kind, Zram)):
        raise DeviceError(f"{name}: the factory has no class zram although the device declares zram")
    return frozenset(said)


def _look_at_method(name: str, device: object, method: str, capability: str) -> None:
    """Raise DeviceError unless a device has a method that can be called as its capability says."""
    expected = PARAMETERS[method]
    wanted = f"{method}({', '.join(expected)})"
    try:
        found: object = getattr(device, method, None)
    except Exception as error:
        raise DeviceError(f"{name}: asking for the device's {method} raises {_short(error)}") from error
    if not callable(found):
        of = f", which it must have because it declares {capability}" if capability else ""
        raise DeviceError(f"{name}: the device has no method {wanted}{of or ', which every device must have'}")
    try:
        takes = signature(found)
    except ValueError:  # of some that are not written in Python nothing is known
        return
    try:
        takes.bind(*expected)
    except TypeError:
        raise DeviceError(f"{name}: the device's {method} must take ({', '.join(expected)}), got {takes}") from None


def _made_in(module: str) -> str:
    """Say what in a module may be a factory."""
    names = [
        attribute
        for attribute, value in vars(import_module(module)).items()
        if callable(value) and getattr(value, "__module__", "") == module and not attribute.startswith("_")
    ]
    return f"there are {', '.join(names[:_NAMES_MOST])}" if names else "nothing in it can be called"


def _said(value: object) -> str:
    """Return a value of any kind in a line."""
    try:
        return repr(value).partition("\n")[0][:60]
    except Exception:
        return f"<{type(value).__name__}>"


def _look(name: str, device: SystemUnderTest) -> None:
    try:
        slots: object = device.state().slots
        device.close()
    except Exception as error:
        raise DeviceError(f"{name}: looking at a new device raises {_short(error)}") from error
    if slots != "." * probe_setup().pages:
        raise DeviceError(f"{name}: the slots of a new device of 4 pages must be '....', got {_said(slots)}")


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ").partition("\n")[0][:_LINE_MOST]


def require(adapter: Adapter, layer: str, needed: tuple[str, ...]) -> None:
    """Raise DeviceError, which names what is lacking, unless the device has all that a layer needs."""
    lacking = [] if "zram" in adapter.capabilities else adapter.lacks(*needed)
    if lacking:
        said = "; ".join(f"{each}: the device {CAPABILITIES[each]}" for each in lacking)
        raise DeviceError(f"{layer} needs a capability that {adapter.name} lacks ({said})")
