"""YAML files: loaded with the place of every value, validated against pydantic models, faults located.

Knows nothing of scenarios or catalogues. Only PyYAML is imported here; pydantic when something is validated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from tco.document.document import DataPath, Document, Mark
from tco.document.faults import Fault, Faults, did_you_mean, nearest, one_of
from tco.document.load import load, load_text
from tco.document.part import Parts

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = [
    "DataPath",
    "Document",
    "Fault",
    "Faults",
    "Mark",
    "Parts",
    "did_you_mean",
    "load",
    "load_text",
    "nearest",
    "one_of",
    "validate",
]

M = TypeVar("M", bound="BaseModel")


def validate(model: type[M], data: Any, document: Document, at: DataPath = ()) -> M:
    """`data`, which stands at path `at` of `document`, as a `model`. Raises Faults with all that is wrong.

    A missing key is located at its parent, an unknown one at itself with the nearest name the model has.
    """
    # Here, because pydantic takes longer to import than the rest of tco; and the words only when something is wrong.
    from pydantic import ValidationError

    try:
        return model.model_validate(data)
    except ValidationError as error:
        problem = error
    from tco.document.validation import faults_of

    raise faults_of(problem, model, data, document, at)
