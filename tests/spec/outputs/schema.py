"""The schema of `--json`, held against documents by a validator that is nobody's of ours."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

import fastjsonschema

from spec.outputs.verdicts import ROOT

SCHEMA: Final = ROOT / "spec" / "outputs" / "verdicts.schema.json"


@cache
def _validator() -> Callable[[object], object]:
    validate: Callable[[object], object] = fastjsonschema.compile(json.loads(SCHEMA.read_text(encoding="utf-8")))
    return validate


def valid(document: Mapping[str, object]) -> Mapping[str, object]:
    """Return a document; ValueError if the schema refuses it."""
    try:
        _validator()(json.loads(json.dumps(document)))
    except fastjsonschema.JsonSchemaValueException as error:
        raise ValueError(f"the document is not valid: {error.message}") from error
    return document
