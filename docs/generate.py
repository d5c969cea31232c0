"""Write everything that is generated, or with --check say what is out of step and how to mend it.

Generated are the JSON Schemas, the references of scenario and catalogue keys, the picture of the README, and in every
page the output between ``<!-- run: COMMAND -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tco.report.schema import schema_text

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = {"scenarios/scenario.schema.json": "scenario", "pricing/catalog.schema.json": "catalog"}
REFERENCES = {
    "docs/scenario.md": ("scenario", "Scenario reference", "Keys of a scenario file."),
    "docs/catalog.md": (
        "catalog",
        "Catalogue reference",
        "Keys of a catalogue file in `pricing/`, or in a folder of your own.",
    ),
}
PICTURE = "docs/crossover-70b.png"
PICTURE_COMMAND = "tco compare crossover-70b --variant paper-capacity --png"
BLOCK = re.compile(r"(<!-- run: (?P<command>[^>]*?) -->\n).*?(<!-- end -->)", re.DOTALL)
NOTICEABLE, ROUNDING = 32, 1e-5
"""How far apart a pixel is another one, and the share of such that another processor's rounding may make."""
TOLERANCE = 3.0
"""Mean difference of pixels, of 255, that another version of the drawing library may make."""


def generated() -> Iterator[tuple[Path, str]]:
    """Every generated text file with what it must hold."""
    for name, which in SCHEMAS.items():
        yield ROOT / name, schema_text(which)
    for name, (which, title, lead) in REFERENCES.items():
        yield ROOT / name, reference(json.loads(schema_text(which)), title, lead)
    for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]):
        if str(page.relative_to(ROOT)) not in REFERENCES:
            text = page.read_text()
            yield page, BLOCK.sub(lambda m: f"{m[1]}{_fenced(m['command'])}{m[3]}", text)


def _fenced(command: str) -> str:
    return f"```console\n$ {command}\n{output(command)}```\n"


def output(command: str) -> str:
    """What a terminal of 80 columns without colour shows for a command, run in the checkout."""
    name, *arguments = shlex.split(command)
    assert name == "tco", command
    env = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb", "_TYPER_FORCE_DISABLE_TERMINAL": "1"}
    run = [str(Path(sys.executable).with_name("tco")), *arguments]
    done = subprocess.run(run, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    return "".join(f"{line.rstrip()}\n" for line in (done.stdout + done.stderr).splitlines())


def reference(schema: dict[str, Any], title: str, lead: str) -> str:
    """A page of tables, one for each model of a schema."""
    parts = [f"# {title}", f"{lead} Generated from the models by `make docs`."]
    parts += _table(None, schema)
    for name, definition in sorted(schema.get("$defs", {}).items()):
        if definition.get("properties"):
            parts += _table(name, definition)
    return "\n\n".join(parts) + "\n"


def _table(name: str | None, definition: dict[str, Any]) -> list[str]:
    heading = [] if name is None else [f"## {name.replace('option-', 'kind: ')}"]
    about = " ".join(definition.get("description", "").split())
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for key, prop in definition["properties"].items():
        required = key in definition.get("required", [])
        default = "**required**" if required else _default(prop)
        meaning = " ".join(prop.get("description", "").split())
        rows.append(f"| `{key}` | {_value(prop)} | {default} | {meaning} |".replace("|  |", "| |"))
    return [*heading, *([about] if about else []), "\n".join(rows)]


def _default(prop: dict[str, Any]) -> str:
    value = prop.get("default")
    return f"`{value}`" if value not in (None, {}, []) else ""


def _value(prop: dict[str, Any]) -> str:
    if "$ref" in prop:
        name = prop["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in prop:
        return f"`{prop['const']}`"
    if "enum" in prop:
        return " · ".join(f"`{v}`" for v in prop["enum"])
    if "anyOf" in prop or "oneOf" in prop:
        options = [_value(p) for p in prop.get("anyOf") or prop["oneOf"] if p.get("type") != "null"]
        return " or ".join(dict.fromkeys(options))
    if prop.get("examples"):
        return " or ".join(f"`{e}`" for e in prop["examples"][:2])
    if prop.get("type") == "object":
        inner = prop.get("additionalProperties")
        return f"name: {_value(inner)}" if isinstance(inner, dict) else "mapping"
    if prop.get("type") == "array":
        return f"list of {_value(prop.get('items', {}))}"
    kind = prop.get("type", "")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def picture() -> bytes:
    """The README's picture, drawn anew."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "picture.png"
        command = [sys.executable, "-m", "tco", *shlex.split(PICTURE_COMMAND)[1:], str(target)]
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        return target.read_bytes()


def picture_differs(old: bytes, new: bytes) -> bool:
    """Whether two pictures show something else: strictly where one version of the library drew both."""
    import io

    import numpy as np
    from PIL import Image

    a, b = (Image.open(io.BytesIO(data)) for data in (old, new))
    if a.size != b.size:
        return True
    apart = np.abs(np.asarray(a.convert("RGB"), float) - np.asarray(b.convert("RGB"), float))
    if a.info.get("Software") == b.info.get("Software"):
        return float((apart > NOTICEABLE).mean()) > ROUNDING
    return float(apart.mean()) > TOLERANCE


def main() -> int:
    """Write, or check with --check; exit 1 when something is out of step."""
    check = "--check" in sys.argv[1:]
    stale = []
    for path, text in generated():
        if not path.exists() or path.read_text() != text:
            stale.append(path)
            if not check:
                path.write_text(text)
    drawn, target = picture(), ROOT / PICTURE
    if not target.exists() or picture_differs(target.read_bytes(), drawn):
        stale.append(target)
        if not check:
            target.write_bytes(drawn)
    for path in stale:
        print(f"{'out of step' if check else 'written'}: {path.relative_to(ROOT)}")
    if check and stale:
        print("run `make docs`")
    return 1 if check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
