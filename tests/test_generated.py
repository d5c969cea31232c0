"""What is generated is in step: schemas, references, outputs in the pages, the picture. `make docs` mends it."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import yaml
from PIL import Image
from PIL.PngImagePlugin import PngInfo

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from docs import generate  # noqa: E402

SCHEMAS = {
    "scenarios": json.loads((ROOT / "scenarios" / "scenario.schema.json").read_text()),
    "pricing": json.loads((ROOT / "pricing" / "catalog.schema.json").read_text()),
}
SHIPPED = sorted([*ROOT.glob("scenarios/*.yaml"), *ROOT.glob("pricing/*.yaml")])


def test_generated_text_is_in_step() -> None:
    stale = [str(path.relative_to(ROOT)) for path, text in generate.generated() if path.read_text() != text]
    assert not stale, f"out of step: {stale}: run `make docs`"


@pytest.mark.parametrize("name", generate.PICTURES)
def test_a_picture_shows_what_its_command_draws(name: str) -> None:
    assert not generate.picture_differs((ROOT / name).read_bytes(), generate.picture(name)), "run `make docs`"


def test_the_readme_says_how_its_picture_is_drawn() -> None:
    assert generate.PICTURE_COMMAND in (ROOT / "README.md").read_text()


def test_another_picture_is_noticed() -> None:
    picture = (ROOT / generate.PICTURE).read_bytes()
    pixels = np.asarray(Image.open(io.BytesIO(picture)))
    for other, software, differs in ((pixels[::-1], "another", True), (pixels, "another", False)):
        out, info = io.BytesIO(), PngInfo()
        info.add_text("Software", software)
        Image.fromarray(other).save(out, "png", pnginfo=info)
        assert generate.picture_differs(picture, out.getvalue()) is differs
    small = pixels.copy()
    small[400:410, 400:410] = 0  # as small as a label of another volume
    out, info = io.BytesIO(), PngInfo()
    info.add_text("Software", str(Image.open(io.BytesIO(picture)).info["Software"]))
    Image.fromarray(small).save(out, "png", pnginfo=info)
    assert generate.picture_differs(picture, out.getvalue())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_shipped_files_name_and_pass_their_schema(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    match = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert match, f"{path}: the first line names the schema"
    assert (path.parent / match[1]).exists()
    plain = yaml.load(path.read_text(), Loader=_TextDates)
    jsonschema.validate(plain, SCHEMAS[path.parent.name], format_checker=jsonschema.FormatChecker())


class _TextDates(yaml.SafeLoader):
    """Dates stay text, as in our own loader."""


_TextDates.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def test_a_wrong_file_fails_its_schema() -> None:
    wrong = {"workload": {"volume": "1M tokens/day"}, "options": {"a": {"kind": "api", "modell": "x/y"}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMAS["scenarios"])


def test_version_is_in_the_changelog() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1] == version[1]  # type: ignore[index]


def test_every_command_has_a_page() -> None:
    from tco.cli.app import app

    pages = "".join(p.read_text() for p in (ROOT / "docs" / "commands").glob("*.md"))
    for command in app.registered_commands:
        name = command.name or command.callback.__name__  # type: ignore[union-attr]
        assert f"tco {name}" in pages


def test_every_entry_that_help_and_schema_name_is_there() -> None:
    named = set(re.findall(r"such as ([a-z0-9-]+)/([a-z0-9.-]+[a-z0-9])", json.dumps(SCHEMAS, ensure_ascii=False)))
    assert len(named) >= 4
    for stem, entry in named:
        sections = yaml.load((ROOT / "pricing" / f"{stem}.yaml").read_text(), Loader=_TextDates)
        assert any(entry in section for section in sections.values() if isinstance(section, dict)), f"{stem}/{entry}"


def test_the_readmes_first_scenario_runs(tmp_path: Path) -> None:
    from tco.analysis.case import read_case
    from tco.analysis.compare import compare
    from tco.analysis.plan import plan
    from tco.gate.gate import check

    readme = (ROOT / "README.md").read_text()
    text, over_time = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    mix = re.search(r"`(mix: \{.*?\}\})`", readme)
    assert mix
    path = tmp_path / "mine.yaml"
    path.write_text(f"{text}  {mix[1]}\n")
    assert {s.name for s in compare(read_case(str(path))).standings} == {"haiku", "llama-api", "own-h100s", "mix"}
    path.write_text(text + over_time)
    case = read_case(str(path))
    assert len(plan(case, 0).months) == 36
    checked = check(str(path), case.store.as_of, 64, 1)
    assert not checked.faults
    assert [f.name for f in checked.findings] == ["bill", "any-month"]
