"""Places: from pydantic's `loc`, which mixes data with union tags, to the path in the data.

`loc` is walked beside the annotations of the model, so that a union tag is known for what it is even where
the data has a key of the same name. Where an annotation says nothing (Any, a validator of its own), the
data decides.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel, RootModel
from pydantic.fields import FieldInfo

from tco.document.document import DataPath


class Place(NamedTuple):
    """Where an error lies, and what the model has there.

    `kind` is the annotation there (None when unknown), `names` are the keys allowed in the mapping that holds
    the last step, `unions` are the path and the alternative of each union passed, `expected` replaces what would
    be said to be expected.
    """

    path: DataPath
    value: Any
    kind: Any
    names: tuple[str, ...] = ()
    key: bool = False
    unions: tuple[tuple[DataPath, str], ...] = ()
    expected: str = ""


_ABSENT = object()


def locate(loc: tuple[str | int, ...], model: type[BaseModel], data: Any, at: DataPath = ()) -> Place:
    """The place that an error's `loc` speaks of, in `data` that stands at `at` and is to be a `model`."""
    path: list[str | int] = list(at)
    kind: Any = model
    value = data
    names: tuple[str, ...] = ()
    unions: tuple[tuple[DataPath, str], ...] = ()
    key = False
    for step in loc:
        kind = _bare(kind)
        alternatives = _alternatives(kind)
        while len(alternatives) == 1:  # `X | None` is X, which may itself be a union
            kind = _bare(alternatives[0])
            alternatives = _alternatives(kind)
        if alternatives:
            unions = (*unions, (tuple(path), str(step)))
            kind = _chosen(alternatives, str(step))
            continue
        if step == "[key]":
            key = True
            continue
        below, known = _below(kind, step)
        present = _has(value, step)
        if not known and not present:
            continue  # a label of pydantic's own, such as `function-after[...]`
        names = _names(kind)
        path.append(step)
        value = value[step] if present else _ABSENT
        kind = below
    return Place(tuple(path), None if value is _ABSENT else value, kind, names, key, unions)


def tags(kind: Any, key: str) -> list[str]:
    """The values that `key` has in the alternatives of a discriminated union."""
    models = [model for model in map(_bare, _alternatives(_bare(kind))) if _is_model(model)]
    found = [_bare(own[key].annotation) for own in map(_fields, models) if key in own]
    return [str(value) for kind in found if get_origin(kind) is Literal for value in get_args(kind)]


def _below(kind: Any, step: str | int) -> tuple[Any, bool]:
    """The annotation of a step into `kind` (None when unknown), and whether `kind` is known to have steps."""
    if _is_model(kind):
        for name, info in _fields(kind).items():
            if step == name or step in _aliases(info):
                return info.annotation, True
        return None, True
    origin = get_origin(kind) or kind
    args = get_args(kind)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return (args[1] if len(args) == 2 else None), True
    if isinstance(step, int) and args and isinstance(origin, type):
        fixed = issubclass(origin, tuple) and not (len(args) == 2 and args[1] is ...)
        return (args[min(step, len(args) - 1)] if fixed else args[0]), True
    return None, isinstance(step, int) and origin in (list, tuple, set, frozenset)


def _bare(kind: Any) -> Any:
    """An annotation without `Annotated`, alias names and root models around it; a model that is named by its name."""
    while True:
        if get_origin(kind) is Annotated:
            later = next((extra.named_model for extra in kind.__metadata__ if hasattr(extra, "named_model")), None)
            kind = get_args(kind)[0] if later is None else later()
        elif hasattr(kind, "__value__"):  # of `type X = ...`
            kind = kind.__value__
        elif _is_model(kind) and issubclass(kind, RootModel):
            kind = _fields(kind)["root"].annotation
        else:
            return kind


def _alternatives(kind: Any) -> list[Any]:
    """The members of a union but None; empty for what is no union."""
    if get_origin(kind) not in (Union, types.UnionType):
        return []
    return [member for member in get_args(kind) if member is not type(None)]


def _chosen(alternatives: list[Any], label: str) -> Any:
    """The member of a union that pydantic labels so: a class by its name, a tagged one by a literal in it."""
    for member in alternatives:
        bare = _bare(member)
        named = getattr(bare, "__name__", "") == label and not get_args(bare)
        marked = any(getattr(extra, "tag", None) == label for extra in getattr(member, "__metadata__", ()))
        nested = label.startswith(("tagged-union[", "union[")) and bool(_alternatives(bare))
        if named or marked or nested or _has_tag(bare, label):
            return bare
    return None


def _has_tag(kind: Any, label: str) -> bool:
    if not _is_model(kind):
        return False
    fields = [_bare(info.annotation) for info in _fields(kind).values()]
    return any(label in get_args(field) for field in fields if get_origin(field) is Literal)


def _names(kind: Any) -> tuple[str, ...]:
    """The keys a model takes, as they are typed."""
    if not _is_model(kind):
        return ()
    config = kind.model_config
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    names: list[str] = []
    for name, info in _fields(kind).items():
        aliases = _aliases(info)
        names += aliases
        if by_name or not aliases:
            names.append(name)
    return tuple(names)


def _aliases(info: FieldInfo) -> list[str]:
    alias = info.validation_alias or info.alias
    if isinstance(alias, AliasChoices):
        return [choice for choice in alias.choices if isinstance(choice, str)]
    return [alias] if isinstance(alias, str) else []


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model, also where their annotations name classes that were defined after it."""
    if not model.__pydantic_fields_complete__:
        model.model_rebuild(raise_errors=False)
    return model.model_fields


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, BaseModel)


def _has(value: Any, step: str | int) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list | tuple) and isinstance(step, int) and 0 <= step < len(value)
