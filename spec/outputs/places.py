"""Place and sentence of a property, by its name: for readers that show a finding beside the code."""

from collections.abc import Callable, Mapping
from typing import Final

from spec.model import properties
from spec.model.actions import ACTIONS
from spec.model.invariant import CLAUSES
from spec.outputs.verdicts import FlowStep, Place, place_of
from spec.restated.enabled import as_it_should
from spec.restated.frame import FIELD_UPDATES
from spec.restated.tables_say import RULES

_FUNCTIONS: Final[Mapping[str, Callable[..., object]]] = {  # type: ignore[explicit-any]  # each has parameters of its own
    **{clause.__name__: clause for clause in CLAUSES},
    **{rule.__name__: rule for rule in RULES},
    as_it_should.__name__: as_it_should,
    **{step.holds.__name__: step.holds for step in properties.EVERY_STEP},
    **{update.value.__name__: update.value for update in FIELD_UPDATES},
    properties.QUIESCENT[0]: properties.at_rest,
    properties.MOVES_TOWARDS_REST[0]: properties.work_left,
}
_BY_NAME: Final = {action.name: action for action in ACTIONS}
SENTENCES: Final[Mapping[str, str]] = {
    **{name: (function.__doc__ or "").strip() for name, function in _FUNCTIONS.items()},
    **dict(properties.REST),
}
"""The sentence of each property of the specification."""


def place(name: str) -> Place | None:
    """Return where the property of that name is written; None if it is not the specification's."""
    function = _FUNCTIONS.get(name)
    return place_of(function) if function is not None else None


def flow_step(name: str, text: str, lane: str = "") -> FlowStep:
    """Return a step of the specification, which is written where its effect is; without a lane, in its actor's."""
    action = _BY_NAME[name]
    return FlowStep(lane or action.actor, text, action.kernel, place_of(action.effect))
