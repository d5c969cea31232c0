"""What is put off until it is needed: entries of a large file, and models of keys that most scenarios leave out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import pytest
from pydantic import BaseModel, Discriminator, Tag, model_validator

from tco import units
from tco.document import Document, Fault, Faults, Parts, load, load_text, validate
from tco.fields import later

# --- One entry of a file --------------------------------------------------------------------------

ENTRIES = """\
# prices
currency: USD
note: >-
  of many
  gpus: not a section
gpus:
  # the first
  a:
    price: 1
    note: it's "cheap" {and} small

  b: {price: 2,
    note: x}
  c.2:
    prices:
      - 3
models:
  a:
    price: 4
"""


def part_of(folder: Path, text: str | bytes, section: str = "gpus", entry: str = "a") -> Document | None:
    path = folder / "f.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Parts(path).load(section, entry)


@pytest.mark.parametrize(("section", "entry"), [("gpus", "a"), ("gpus", "b"), ("gpus", "c.2"), ("models", "a")])
def test_one_entry_is_what_it_is_in_the_whole_file(tmp_path: Path, section: str, entry: str) -> None:
    part, whole = part_of(tmp_path, ENTRIES, section, entry), load(tmp_path / "f.yaml")
    assert part is not None
    assert part.data[section] == {entry: whole.data[section][entry]}
    assert {k: part.data[k] for k in ("currency", "note")} == {"currency": "USD", "note": "of many gpus: not a section"}
    assert set(part.data) == {"currency", "note", section}
    for marks, all_marks in ((part.marks, whole.marks), (part.key_marks, whole.key_marks)):
        below = {path: mark for path, mark in all_marks.items() if path[:2] == (section, entry)}
        assert below
        assert {path: marks[path] for path in below} == below
    assert (part.raw, part.lines, part.path) == (whole.raw, whole.lines, whole.path)


UNUSUAL = {
    "no such entry": "gpus:\n  b: {price: 1}\n",
    "no such section": "models:\n  a: {price: 1}\n",
    "entry twice": "gpus:\n  a: {price: 1}\n  a: {price: 2}\n",
    "section twice": "gpus:\n  a: {price: 1}\ngpus:\n  b: {price: 2}\n",
    "anchor": "gpus:\n  a: {price: &p 1}\n  b: {price: *p}\n",
    "merge": "gpus:\n  b: {price: 1}\n  <<: {a: {price: 1}}\n  a: {price: 1}\n",
    "tag": "gpus:\n  a: {price: !!int 1}\n",
    "tab": "gpus:\n  a:\t{price: 1}\n",
    "quoted key": 'gpus:\n  "a": {price: 1}\n',
    "quoted section": '"gpus":\n  a: {price: 1}\n',
    "other quoted key": 'gpus:\n  a: {price: 1}\n  "b": {price: 1}\n',
    "flow section": "gpus: {a: {price: 1}}\n",
    "flow top": "{gpus: {a: {price: 1}}}\n",
    "indented by four": "gpus:\n    a: {price: 1}\n",
    "indented by one": "gpus:\n a:\n  a: {price: 1}\n",
    "document mark": "---\ngpus:\n  a: {price: 1}\n",
    "byte order mark": "\ufeffgpus:\n  a: {price: 1}\n",
    "carriage returns": "gpus:\r\n  a: {price: 1}\r\n",
    "key within a quoted value": 'gpus:\n  b: "x\n  a: y"\n',
    "key within braces": "gpus:\n  b: {x:\n  a: y}\n",
    "its own syntax": "gpus:\n  a: {price: 1\n  b: {price: 2}\n",
    "not UTF-8": b"gpus:\n  a: {price: 1}\n  b: {note: \xff}\n",
}


@pytest.mark.parametrize("text", UNUSUAL.values(), ids=UNUSUAL)
def test_an_unusual_file_is_left_to_be_read_whole(tmp_path: Path, text: str | bytes) -> None:
    assert part_of(tmp_path, text) is None


def test_what_is_wrong_with_another_entry_is_not_seen(tmp_path: Path) -> None:
    text = "gpus:\n  a:\n    price: 1\n  b:\n    price: [2\n  c:\n    when: 1 # 012\n"
    part = part_of(tmp_path, text)
    assert part is not None
    assert part.data == {"gpus": {"a": {"price": 1}}}
    with pytest.raises(Faults):
        load(tmp_path / "f.yaml")


def test_the_shipped_catalogues_are_read_by_the_entry() -> None:
    from tco.catalog.store import SECTIONS
    from tco.shipped import shipped

    for path in sorted(shipped("pricing").glob("*.yaml")):
        whole = load(path)
        for section, name in ((s, n) for s in SECTIONS for n in whole.data.get(s, ())):
            part = Parts(path).load(section, name)
            if part is not None:
                assert part.data[section] == {name: whole.data[section][name]}, f"{path.stem}/{name}"
            else:
                assert "&" in whole.raw.decode(), f"{path.stem}/{name} is read with its whole file"


# --- Models that are built when their key is there ------------------------------------------------


class Late(BaseModel):
    """Found by its name: see `Eager` and `Lazy`."""

    model_config = {"extra": "forbid", "title": "Late"}
    size: int
    unit: Literal["kg", "lb"]

    @model_validator(mode="after")
    def _fits(self) -> Late:
        if self.size > 99:
            raise units.UnitError(None, "a `size` of at most 99", "")
        return self


class Eager(BaseModel):
    one: Late | None = None
    many: dict[str, Late] = {}
    rows: list[Late] = []
    either: Annotated[
        Annotated[int, Tag("number")] | Annotated[Late, Tag("keys")],
        Discriminator(lambda v: "number" if isinstance(v, int) else "keys"),
    ] = 0


if TYPE_CHECKING:
    LateByName = Late
else:
    LateByName = later(__name__, "Late")


class Lazy(BaseModel):
    one: LateByName | None = None
    many: dict[str, LateByName] = {}
    rows: list[LateByName] = []
    either: Annotated[
        Annotated[int, Tag("number")] | Annotated[LateByName, Tag("keys")],
        Discriminator(lambda v: "number" if isinstance(v, int) else "keys"),
    ] = 0


def faults_in(text: str, model: type[BaseModel]) -> tuple[Fault, ...]:
    document = load_text(text, "f.yaml")
    with pytest.raises(Faults) as caught:
        validate(model, document.data, document)
    return caught.value.faults


def test_a_model_by_its_name_reads_the_same() -> None:
    one = {"size": 1, "unit": "kg"}
    data = {"one": one, "many": {"a": one}, "rows": [one], "either": one}
    assert Lazy.model_validate(data).model_dump() == Eager.model_validate(data).model_dump()
    assert Lazy.model_validate(data).one == Late(size=1, unit="kg")
    assert Lazy.model_validate({}).one is None


@pytest.mark.parametrize(
    "text",
    [
        "one: {size: x, unti: kg}\nmany:\n  a: {size: 100, unit: kg}\n  b: 3\nrows: [{unit: g, size: 1}]\neither: {}",
        "one: 5\nmany: [1]\nrows: {}\neither: x",
        "one:\nmany: {a: }\nrows:\n  - size: 1\neither: {size: 1000, unit: lb}",
        "one: {}\nother: 1",
    ],
)
def test_a_model_by_its_name_has_the_same_faults(text: str) -> None:
    found = faults_in(text, Lazy)
    assert len(found) > 1 or "other" in text
    assert found == faults_in(text, Eager)


def test_a_model_by_its_name_has_the_same_schema() -> None:
    eager, lazy = (model.model_json_schema() for model in (Eager, Lazy))
    assert {**lazy, "title": ""} == {**eager, "title": ""}
