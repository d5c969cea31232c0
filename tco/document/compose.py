"""Composing: the parser's events become nodes in one pass, all faults collected, limits enforced on the way.

Events and not PyYAML's own composer, for three reasons: its C composer recurses, so deep nesting crashes the
process; it resolves words by YAML 1.1; and it forgets whether a scalar was quoted.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import yaml

from tco.document import scalars
from tco.document.document import DataPath, Mark
from tco.document.faults import Fault
from tco.document.scalars import Scalar, Trap

PARSER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

MAX_DEPTH = 50
"""Levels of lists and mappings within each other, aliases followed."""

MAX_NODES = 100_000
"""Values written in a file."""

MAX_ALIASED = 10_000
"""Values that aliases add to those written: what stops "billion laughs"."""

_CORE = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null", "map", "seq")}
_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,), "float": (int, Decimal), "bool": (bool,), "null": (type(None),),
}  # fmt: skip

_NO_KEY = object()


class Node:
    """A value with aliases not expanded. `size` and `height` count them expanded; a scalar has 1 and 0."""

    __slots__ = ("content", "height", "mark", "size")

    def __init__(
        self,
        mark: Mark,
        content: Scalar | list[Node] | dict[str, tuple[Mark, Node]],
        size: int = 1,
        height: int = 0,
    ) -> None:
        self.mark, self.content, self.size, self.height = mark, content, size, height


class _Open:
    """A list or mapping whose end has not been reached. `key` is the key that waits for its value."""

    __slots__ = ("anchor", "children", "key", "node")

    def __init__(self, node: Node, anchor: str | None) -> None:
        self.node, self.anchor = node, anchor
        self.key: tuple[str, Mark] | object | None = None
        self.children: list[Node] = []


class _Stop(Exception):
    """A limit is reached; what follows is not read."""


class Composer:
    """Reads one document; `faults` holds all that was found wrong with it."""

    def __init__(self, file: str, lines: list[str]) -> None:
        self.faults: list[Fault] = []
        self.complete = True
        """Whether all of the file was read: the faults are then of single values and keys."""
        self._file = file
        self._lines = lines
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._root: Node | None = None
        self._written = 0
        self._aliased = 0

    def compose(self, text: str) -> Node | None:
        """The top node of the only document in `text`; None when it is empty or reading was stopped."""
        try:
            for event in _events(text):
                self._take(event)
        except _Stop:
            self.complete = False
        except yaml.MarkedYAMLError as error:
            from tco.document.syntax import explain

            self.complete = False
            inside = self._open[-1].node.mark if self._open else None
            self._fault(*explain(error, self._lines, inside))
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            # None of these is known to happen: characters are checked before, and events do not recurse.
            self.complete = False
            self._fault(Mark(1, 1), f"not readable as YAML ({type(error).__name__})")
        return self._root

    def _take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._begin(event, kind is yaml.MappingStartEvent)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._end()
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent and self._root:
            self._fault(_mark(event), "second document in one file", "one document", "remove the `---` line")
            raise _Stop

    def _scalar(self, event: Any) -> None:
        self._count(event)
        mark = _mark(event)
        value: Scalar | Trap = event.value
        if event.tag:
            value = self._tagged(event, mark)
        elif event.implicit[0]:
            value = scalars.plain(event.value)
        if isinstance(value, str) and not value.isprintable():
            value = scalars.control_character(value) or value
        if isinstance(value, Trap):
            if self._in_key() and value.message == "ambiguous word":
                value = value._replace(expected="a key in quotes", hint=f'write `"{event.value}"`')
            self._fault(mark, value.message, value.expected, value.hint, event.value)
            # Stands in for the refused value, so that a refused key still takes its value.
            value = event.value if isinstance(event.value, str) else None
        if self._in_key():
            self._key(value, event, mark)
        else:
            waiting = self._open[-1].key if self._open else None
            if not event.value and isinstance(waiting, tuple) and waiting[1].line < mark.line:
                mark = waiting[1]  # the parsers put the missing value of `? key` on whatever comes next
            node = Node(mark, value)
            self._name(event.anchor, node, mark)
            self._add(node)

    def _tagged(self, event: Any, mark: Mark) -> Scalar | Trap:
        name = _CORE.get(event.tag)
        if name == "str":
            return str(event.value)
        value = scalars.plain(event.value)
        if name in _KINDS and (isinstance(value, Trap) or type(value) in _KINDS[name]):
            return value
        if name in _KINDS:
            return Trap(f"value does not fit its tag `!!{name}`", hint="leave the tag out")
        self._refuse_tag(event, mark)
        return None

    def _refuse_tag(self, event: Any, mark: Mark) -> None:
        name = event.tag.replace("tag:yaml.org,2002:", "!!")
        self._fault(mark, "tag not allowed", "a plain value", "leave the tag out", name)

    def _begin(self, event: Any, mapping: bool) -> None:
        self._count(event)
        mark = _mark(event)
        if len(self._open) >= MAX_DEPTH:
            self._too_deep(mark)
        if event.tag and _CORE.get(event.tag) != ("map" if mapping else "seq"):
            self._refuse_tag(event, mark)
        node = Node(mark, {} if mapping else [])
        if event.anchor and not self._in_key():
            self._name(event.anchor, None, mark)
        self._open.append(_Open(node, event.anchor))

    def _end(self) -> None:
        done = self._open.pop()
        node = done.node
        node.size += sum(child.size for child in done.children)
        node.height = 1 + max((child.height for child in done.children), default=0)
        if self._in_key():
            self._fault(node.mark, "key is not text", "a word as key")
            self._open[-1].key = _NO_KEY
            return
        if done.anchor:
            self._anchors[done.anchor] = node
        self._add(node)

    def _alias(self, event: Any) -> None:
        self._count(event)
        mark = _mark(event)
        name = event.anchor
        if self._in_key():
            self._fault(mark, "alias as a key", "the key written out", value=f"*{name}")
            self._open[-1].key = _NO_KEY
            return
        target = self._anchors.get(name)
        if target is None:
            inside = name in self._anchors
            message = "alias within its own anchor" if inside else "unknown anchor"
            self._fault(mark, message, "" if inside else f"an anchor `&{name}` above", value=f"*{name}")
            self._add(Node(mark, None))
            return
        self._aliased += target.size
        if self._aliased > MAX_ALIASED:
            message = "aliases expand to too many values"
            self._fault(mark, message, f"at most {MAX_ALIASED:,}", value=f"*{name}")
            raise _Stop
        if len(self._open) + target.height > MAX_DEPTH:
            self._too_deep(mark)
        self._add(Node(mark, target.content, target.size, target.height))

    def _in_key(self) -> bool:
        """Whether what comes next is a key."""
        if not self._open:
            return False
        return self._open[-1].key is None and isinstance(self._open[-1].node.content, dict)

    def _key(self, value: Scalar, event: Any, mark: Mark) -> None:
        """Takes a key, or refuses it; its value is read either way."""
        parent = self._open[-1]
        parent.key = _NO_KEY
        if event.anchor:
            self._fault(mark, "anchor on a key", "the anchor on the value", value=f"&{event.anchor}")
        if value is None and not event.value:
            self._fault(mark, "missing key before `:`", "`key: value`")
        elif not isinstance(value, str):
            self._fault(mark, "key is not text", "a key in quotes", f'write `"{event.value}"`', event.value)
        elif value == "<<" and event.implicit[0]:
            self._fault(
                mark, "merge key not allowed", "the keys written out",
                "an anchor on a whole value, repeated as `key: *name`, is allowed", "<<",
            )  # fmt: skip
        else:
            content = parent.node.content
            if isinstance(content, dict) and value in content:
                first = content[value][0]
                self._fault(
                    mark, "duplicate key", "each key once",
                    f"`{value}` is first given at line {first.line}, column {first.col}", value,
                )  # fmt: skip
            else:
                parent.key = (value, mark)

    def _add(self, node: Node) -> None:
        """Hands a finished value to what it stands in."""
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        parent.children.append(node)
        content = parent.node.content
        if isinstance(content, list):
            content.append(node)
        elif isinstance(content, dict):
            if isinstance(parent.key, tuple):
                key, mark = parent.key
                content[key] = (mark, node)
            parent.key = None

    def _name(self, anchor: str | None, node: Node | None, mark: Mark) -> None:
        """Remembers an anchor; None until its list or mapping has ended, so that it cannot contain itself."""
        if not anchor:
            return
        if anchor in self._anchors:
            self._fault(mark, "duplicate anchor", "a name of its own for each", value=f"&{anchor}")
        self._anchors[anchor] = node

    def _count(self, event: Any) -> None:
        self._written += 1
        if self._written > MAX_NODES:
            self._fault(_mark(event), "too many values in one file", f"at most {MAX_NODES:,}")
            raise _Stop

    def _too_deep(self, mark: Mark) -> None:
        self._fault(mark, "nested too deeply", f"at most {MAX_DEPTH} levels")
        raise _Stop

    def _fault(self, mark: Mark, message: str, expected: str = "", hint: str = "", value: str = "") -> None:
        source = self._lines[mark.line - 1] if mark.line <= len(self._lines) else ""
        self.faults.append(Fault(self._file, mark.line, mark.col, message, expected, hint, source, value))


def expand(node: Node, path: DataPath, marks: dict[DataPath, Mark], key_marks: dict[DataPath, Mark]) -> Any:
    """The plain data of a node, aliases expanded; notes the marks of all of it. The limits bound it."""
    marks[path] = node.mark
    content = node.content
    if isinstance(content, list):
        return [expand(child, (*path, i), marks, key_marks) for i, child in enumerate(content)]
    if isinstance(content, dict):
        data = {}
        for key, (mark, child) in content.items():
            below = (*path, key)
            key_marks[below] = mark
            data[key] = expand(child, below, marks, key_marks)
        return data
    return content


def _events(text: str) -> Iterator[Any]:
    """The parser's events, one by one: whoever stops taking them stops the reading."""
    parser = PARSER(text)
    try:
        while parser.check_event():
            yield parser.get_event()
    finally:
        parser.dispose()


def _mark(event: Any) -> Mark:
    start = event.start_mark
    return Mark(start.line + 1, start.column + 1)
