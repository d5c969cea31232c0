"""Stands in for `gh api`: the comments of one pull request, kept in a file. Filters are run by jq itself.

The file that $FAKE_GH names holds `me`, who the token belongs to; `comments`; `calls`, which are added to; and `fails`,
what a method answers in place of doing anything.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import jq


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["api"])
    parser.add_argument("endpoint")
    parser.add_argument("--method", default="GET")
    parser.add_argument("--paginate", action="store_true")
    parser.add_argument("--jq", default=".")
    parser.add_argument("-f", dest="raw")
    parser.add_argument("-F", dest="field")
    given = parser.parse_args()
    file = Path(os.environ["FAKE_GH"])
    state = json.loads(file.read_text())
    state["calls"].append(f"{given.method} {given.endpoint}")
    file.write_text(json.dumps(state))
    assert os.environ["GH_TOKEN"] == "the-token"
    if given.method in state["fails"]:
        print(f"gh: {state['fails'][given.method]}", file=sys.stderr)
        return 1
    for page in answer(given, state):
        for found in jq.compile(given.jq).input_value(page).all():
            print(found)
    file.write_text(json.dumps(state))
    return 0


def answer(given: argparse.Namespace, state: dict[str, Any]) -> list[Any]:
    if given.endpoint == "graphql":
        assert given.raw == "query={ viewer { login } }"
        return [{"data": {"viewer": {"login": state["me"]}}}]
    comments = state["comments"]
    if given.method == "GET":
        match = re.fullmatch(r"repos/team/bills/issues/7/comments\?per_page=(\d+)", given.endpoint)
        assert match is not None, given.endpoint
        size = int(match[1])
        pages = [comments[i : i + size] for i in range(0, len(comments), size)] or [[]]
        return pages if given.paginate else pages[:1]
    name, _, source = given.field.partition("=@")
    assert name == "body"
    body = Path(source).read_text()
    if given.method == "POST":
        assert given.endpoint == "repos/team/bills/issues/7/comments"
        comments.append({"id": 1000 + len(comments), "user": {"login": state["me"]}, "body": body})
        return [{"html_url": "https://github.example/comment"}]
    assert given.method == "PATCH"
    [comment] = [c for c in comments if given.endpoint == f"repos/team/bills/issues/comments/{c['id']}"]
    comment["body"] = body
    return [{"html_url": "https://github.example/comment"}]


if __name__ == "__main__":
    raise SystemExit(main())
