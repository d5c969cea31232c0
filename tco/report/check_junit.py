"""The gate as JUnit XML: a suite for each scenario, a case for each budget and rule.

A budget that is crossed is a failure, what could not be evaluated an error. The form is that of the schema which
Jenkins publishes for it (xunit-plugin, junit-10.xsd).
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from tco.gate.finding import Checked, Report
from tco.report import check_words as words

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(report: Report) -> str:
    """The whole report."""
    root = Element("testsuites", name="tco check")
    for scenario in report.scenarios:
        root.append(_suite(scenario))
    totals = {key: sum(int(suite.get(key, "0")) for suite in root) for key in ("tests", "failures", "errors")}
    root.attrib |= {key: str(total) for key, total in totals.items()}
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(s: Checked) -> Element:
    errors = [(words.where(f), words.fault(f)) for f in s.faults]
    errors += [(s.file, s.failure)] if s.failure else []
    suite = Element(
        "testsuite",
        name=_text(s.file),
        tests=str(len(s.findings) + len(errors)),
        failures=str(len(s.failed)),
        errors=str(len(errors)),
        skipped="0",
    )
    for f in words.by_gravity(s.findings):
        case = SubElement(suite, "testcase", name=_text(f.name), classname=_text(s.file), time="0")
        if f.failed:
            failure = SubElement(case, "failure", message=_text(f"{f.subject}: {words.outcome(f)}"), type=f.rule)
            failure.text = _text("\n".join((words.message(f), words.place(f))))
        elif f.status != "within" or f.outlook is not None:
            SubElement(case, "system-out").text = _text(f"{f.status}: {words.message(f)}")
    for where, what in errors:
        case = SubElement(suite, "testcase", name=_text(where), classname=_text(s.file), time="0")
        SubElement(case, "error", message=_text(what), type="not-evaluated").text = _text(f"{where}: {what}")
    return suite


def _text(text: str) -> str:
    """Without the characters that XML cannot hold; markup is escaped by the library."""
    return _NO_XML.sub("\ufffd", text)
