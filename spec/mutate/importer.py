"""The specification with a mutant in the place of one of its modules."""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

from spec.mutate.mutants import SpecMutant


class _Served(MetaPathFinder, Loader):
    """Answers an import of one module with a text."""

    def __init__(self, name: str, source: str) -> None:
        self._name, self._source = name, source

    def find_spec(  # type: ignore[explicit-override]  # typing has it from 3.12 on
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_loader(name, self) if name == self._name else None

    def exec_module(self, module: ModuleType) -> None:  # type: ignore[explicit-override]  # likewise
        exec(compile(self._source, self._name, "exec"), module.__dict__)


def mutate(mutant: SpecMutant) -> None:
    """Make every later import of the specification return the mutant; meant for a process of its own.

    Nothing that was imported before is changed: both are there, side by side.
    """
    package = __name__.partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Served(f"{package}.model.{mutant.module}", mutant.source))
