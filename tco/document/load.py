"""The one loader: a YAML file becomes plain data with marks, or faults that name every line that is wrong."""

from __future__ import annotations

import codecs
import re
import stat
from itertools import islice
from pathlib import Path

from tco.document.compose import Composer, expand
from tco.document.document import DataPath, Document, Mark
from tco.document.faults import Fault, Faults, nearest

MAX_BYTES = 2_000_000
"""Bytes of the largest file read: ten times a catalogue of everything on the market."""

_TOO_LARGE = ("file is too large", f"at most {MAX_BYTES // 10**6} MB")
_MOST_CHARACTER_FAULTS = 20
_MOST_NAMES = 1000
_BREAK = re.compile(r"\r\n|\n|\r")
# What YAML does not allow, and the line breaks that editors do not count, which would put line numbers off. Compiled
# when a line holds what does not print: that takes longer than reading a catalogue.
_REFUSED = "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_OTHER_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "UTF-32"), (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"),
)  # fmt: skip


def load(path: Path, *, partial: bool = False) -> Document:
    """Reads a YAML file of at most `MAX_BYTES`. Raises Faults, also for what cannot be read at all."""
    return load_text(read_bytes(Path(path)), str(path), partial=partial)


def load_text(text: str | bytes, name: str, *, partial: bool = False) -> Document:
    """Reads YAML text; `name` stands for the file in messages. Raises Faults with all that is wrong.

    Values are those on which YAML 1.1 and 1.2 agree: decimal numbers exact, `true` and `false`, nothing for
    None, everything else text. Refused: what the versions read differently, tags, merge keys, duplicate and
    non-text keys. With `partial`, faults of single values and keys are not raised but left in the document's
    `faults`, for a caller that goes on to look for more and then raises them all.
    """
    file = str(Path(name))
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_BYTES:
        raise _whole(file, *_TOO_LARGE)
    decoded = (_decode(raw, file) if isinstance(text, bytes) else text).removeprefix("\ufeff")
    lines = _BREAK.split(decoded)
    _check_characters(decoded, lines, file)
    composer = Composer(file, lines)
    root = composer.compose(decoded)
    faults = composer.faults
    bearable = partial and composer.complete and root is not None and isinstance(root.content, dict)
    if (faults and not bearable) or root is None or root.content is None:
        raise Faults(faults) if faults else _whole(file, "file is empty", "`key: value` lines")
    if not isinstance(root.content, dict):
        what = "a list" if isinstance(root.content, list) else "a single value"
        line, col = root.mark
        source = lines[line - 1]
        raise Faults([Fault(file, line, col, f"top level is {what}", "`key: value` lines", "", source)])
    marks: dict[DataPath, Mark] = {}
    key_marks: dict[DataPath, Mark] = {}
    data = expand(root, (), marks, key_marks)
    return Document(Path(name), data, marks, key_marks, lines, raw, tuple(faults))


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file. Raises Faults for what is not one, or too large, before opening it."""
    file = str(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise _whole(file, "is a directory", "a YAML file", _files_in(path))
        if not stat.S_ISREG(status.st_mode):
            raise _whole(file, "not a regular file", "a YAML file")
        if status.st_size > MAX_BYTES:
            raise _whole(file, *_TOO_LARGE)
        with path.open("rb") as stream:
            # The limit again, for a file that grows or tells no size, as those under /proc.
            return stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _whole(file, "file not found", hint=_near_file(path)) from None
    except PermissionError:
        raise _whole(file, "no permission to read the file") from None
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise _whole(file, f"file cannot be read ({reason})") from None
    except ValueError:
        raise _whole(file, "not a possible file name") from None


def _decode(raw: bytes, file: str) -> str:
    for mark, encoding in _OTHER_ENCODINGS:
        if raw.startswith(mark):
            raise _whole(file, f"file is encoded in {encoding}", "UTF-8", "save it again as UTF-8")
    if b"\0" in raw:
        raise _whole(file, "file is not text", "a YAML file in UTF-8")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = _BREAK.split(raw[: error.start].decode("utf-8").removeprefix("\ufeff"))
        source = _BREAK.split(raw[: error.start + 200].decode("utf-8", "replace"))[len(before) - 1]
        message = f"byte 0x{raw[error.start]:02X} is not UTF-8"
        place = Fault(file, len(before), len(before[-1]) + 1, message, "a YAML file in UTF-8", "", source)
        raise Faults([place]) from None


def _check_characters(text: str, lines: list[str], file: str) -> None:
    """Refuses what YAML does not allow anywhere. Before the parser, which names a position but no line."""
    if all(map(str.isprintable, lines)) or not re.search(_REFUSED, text):
        return
    faults = [
        Fault(file, number, found.start() + 1, f"character U+{ord(found[0]):04X} not allowed", "", "", line)
        for number, line in enumerate(lines, 1)
        for found in re.finditer(_REFUSED, line)
    ]
    raise Faults(faults[:_MOST_CHARACTER_FAULTS])


def _whole(file: str, message: str, expected: str = "", hint: str = "") -> Faults:
    """One fault of a file as a whole."""
    return Faults([Fault(file, 0, 0, message, expected, hint)])


def _near_file(path: Path) -> str:
    try:
        names = [entry.name for entry in islice(path.parent.iterdir(), _MOST_NAMES)]
    except (OSError, ValueError):
        return ""
    # By stem: all YAML files are alike in their endings.
    files = {Path(name).stem: name for name in sorted(names) if name.endswith((".yaml", ".yml"))}
    close = nearest(path.stem, files)
    return f"did you mean `{path.parent / files[close[0]]}`?" if close else ""


def _files_in(path: Path) -> str:
    try:
        names = sorted(entry.name for entry in islice(path.iterdir(), _MOST_NAMES))
    except OSError:
        return ""
    files = [f"`{path / name}`" for name in names if name.endswith((".yaml", ".yml"))]
    return f"name a file in it: {', '.join(files)}" if 0 < len(files) <= 5 else ""
