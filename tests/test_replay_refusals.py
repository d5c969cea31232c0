"""What `tco replay` refuses before it sends anything, and what stays where an output fails after all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from fault_server import Server, fault_server
from replaying import evenly, trace_file
from typed_replay import JOURNAL, cut, prepared, replayed, tco

from tco.replay.measure.bound import fewest
from tco.replay.measure.sizing import no_miss, too_few
from tco.replay.objective import parse_objectives
from tco.replay.session.session import Wanted, journal_path

ROWS = 40
CATALOGUE = """\
capacity:
  fast:
    model: m
    gpu: CPU
    gpus_per_replica: 1
    requests_per_s: 1
    input_tokens: 1
    output_tokens: 1
    as_of: 2026-11-21
    objective: ttft_p95=500ms
    kind: assumption
    checked: 2026-11-21
    source: a test
"""
P95 = Fraction(95, 100)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    evenly(tmp_path / "trace.jsonl", ROWS, per_s=ROWS)
    return prepared(tmp_path)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with fault_server(first_ms=5, chunk_ms=1) as found:
        yield found


PROFILE = ("--slo", "ttft_p50=10s", "--gpu", "CPU", "-o", "p.yaml")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--csv", "none/a.csv"), "none/a.csv: there is no folder `none`"),
        (("--png", "none/a.png"), "none/a.png: there is no folder `none`"),
        ((*PROFILE[:-1], "none/p.yaml"), "none/p.yaml: there is no folder `none`"),
        (("--journal", "none/j.jsonl"), "none/j.jsonl: there is no folder `none`"),
        (("--csv", "folder.csv"), "folder.csv: a folder"),
        ((*PROFILE, "--name", "fast"), "there is a profile `fast` already"),
        ((*PROFILE, "--name", "a b"), "a short name"),
        ((*PROFILE[:-1], "bad.yaml"), "bad.yaml:1:1"),
        (("--find-capacity", "--slo", "ttft_p95=1s", "--requests", "40"), "40 requests prove no ttft_p95: 90 "),
        (("--find-capacity", "--slo", "ttft_p95=1s"), f"{ROWS} requests prove no ttft_p95: 90 "),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, tuple) else "",
)
def test_refused_before_anything_is_sent(here: Path, server: Server, options: tuple[str, ...], said: str) -> None:
    (here / "folder.csv").mkdir()
    (here / "p.yaml").write_text(CATALOGUE)
    (here / "bad.yaml").write_text("capasity: {}\n")
    before = len(server.record())
    done = tco(here, "trace.jsonl", "--url", server.url, *options)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert said in done.stderr
    assert len(server.record()) == before and not list(here.glob("*.journal.jsonl"))
    assert (here / "p.yaml").read_text() == CATALOGUE


def test_the_name_that_a_profile_has_by_itself_is_refused_too(here: Path, server: Server) -> None:
    assert tco(here, "trace.jsonl", "--url", server.url, *PROFILE).returncode in (0, 4)
    (here / "p.yaml").write_text(CATALOGUE.replace("fast:", "tiny-cpu-trace:"))
    before = len(server.record())
    done = tco(here, "trace.jsonl", "--url", server.url, *PROFILE)
    assert done.returncode == 2 and "there is a profile `tiny-cpu-trace` already" in done.stderr
    assert len(server.record()) == before


def test_the_report_is_there_where_a_file_fails_after_all(here: Path, server: Server) -> None:
    """A file of more than 6 kB cannot be written, which nobody could know before."""
    replayed(here, server, "--requests", "5")
    (here / "first" / "sitecustomize.py").write_text(
        "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))\n"
    )
    done = tco(here, "summarize", JOURNAL, "--csv", "a.csv", "--png", "a.png", "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["run"]["succeeded"] == 5
    assert (here / "a.csv").exists() and not (here / "a.png").exists()
    assert "error: a.png: File too large" in done.stderr and "wrote a.csv" in done.stderr


def test_where_the_record_is_stands_at_the_end(here: Path, server: Server) -> None:
    (here / "j").mkdir()
    done = tco(here, "trace.jsonl", "--url", server.url, "--requests", "5", "--journal", "j/5.jsonl")
    assert "all is in j/5.jsonl: `tco replay summarize j/5.jsonl` says this again" in done.stderr
    assert "Journal: 5.jsonl" in done.stdout, "the report is the same wherever the journal lies"


# -- the journal ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trace", "journal"),
    [
        ("logs/documents.trace.jsonl", "documents.journal.jsonl"),
        ("trace.jsonl.gz", "trace.journal.jsonl"),
        ("Azure.2024.csv", "Azure.2024.journal.jsonl"),
        ("trace", "trace.journal.jsonl"),
    ],
)
def test_a_journal_is_named_after_its_trace(
    trace: str, journal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wanted = Wanted(trace, "http://127.0.0.1:1", None)  # type: ignore[arg-type]
    assert journal_path(wanted) == Path(journal)
    Path(journal).write_text("something")
    stem = journal.removesuffix(".journal.jsonl")
    assert journal_path(wanted) == Path(f"{stem}.2.journal.jsonl")
    assert journal_path(wanted._replace(journal=Path("named.jsonl"))) == Path("named.jsonl")


def test_a_second_replay_of_a_trace_has_a_journal_of_its_own(here: Path, server: Server) -> None:
    replayed(here, server, "--requests", "5")
    before = (here / JOURNAL).read_bytes()
    assert tco(here, "trace.jsonl", "--url", server.url, "--requests", "5").returncode == 0
    assert (here / "trace.2.journal.jsonl").exists() and (here / JOURNAL).read_bytes() == before


def test_a_named_journal_is_never_written_over(here: Path, server: Server) -> None:
    replayed(here, server, "--requests", "5")
    before = (here / JOURNAL).read_bytes()
    done = tco(here, "trace.jsonl", "--url", server.url, "--journal", JOURNAL)
    assert done.returncode == 2 and "that one is complete" in done.stderr and "--resume" not in done.stderr
    assert (here / JOURNAL).read_bytes() == before
    cut(here)
    done = tco(here, "trace.jsonl", "--url", server.url, "--journal", JOURNAL)
    assert done.returncode == 2 and f"--resume {JOURNAL}" in done.stderr
    done = tco(here, "trace.jsonl", "--url", "ftp://127.0.0.1", "--journal", JOURNAL)
    assert "neither `http` nor `https`" in done.stderr, "a journal that is there hides no other fault"


# -- words ------------------------------------------------------------------------------------------------------------


def test_a_command_that_is_spelt_otherwise(here: Path) -> None:
    for arguments in (("summarise", "j.jsonl"), ("summarise",)):
        done = tco(here, *arguments)
        assert done.returncode == 2 and "did you mean `summarize`?" in " ".join(done.stderr.replace("│", " ").split())


def test_a_row_of_a_log_is_not_shown(here: Path) -> None:
    (here / "log.jsonl").write_text('{"id": "chatcmpl-s3cret"}\n')
    done = tco(here, "summarize", "log.jsonl")
    assert done.returncode == 2 and "no journal" in done.stderr and "s3cret" not in done.stderr


def test_how_many_requests_bear_a_miss() -> None:
    (p95,) = objectives = parse_objectives("ttft_p95=500ms")
    none, one = fewest(P95, 0), fewest(P95, 1)
    assert p95.share == P95 and "89 requests" in too_few(objectives, none - 1)
    assert too_few(objectives, none) == "" == too_few((), 1)
    assert no_miss(objectives, one) == "" == no_miss((), 1)
    assert "`ttft_p90` or a longer trace" in no_miss(objectives, 98)
    assert no_miss(objectives, 2).endswith("use a longer trace")


def test_a_short_trace_is_told_so_before_it_is_replayed(here: Path) -> None:
    evenly(here / "trace.jsonl", 98, per_s=200)
    with fault_server(service_ms=1, fault="http_500@8+") as bad:  # the search ends with its first run
        done = tco(here, "trace.jsonl", "--url", bad.url, "--find-capacity", "--slo", "ttft_p95=1s", "--gpu", "CPU")
    assert "a run of 98 requests proves ttft_p95 only without a single miss: use `ttft_p90`" in done.stderr
    assert "all seeds replay the same rows" in done.stderr
    assert "GPU power" not in done.stderr, "of a CPU there is none to read"


def test_sessions_that_share_nothing_are_warned_of(here: Path, server: Server) -> None:
    turns = [{"at_s": i / 40, "session": "s", "id": f"{i}", "input_tokens": 32} for i in range(10)]
    rows = [turn if not i else {**turn, "after": f"{i - 1}", "think_s": 0.01} for i, turn in enumerate(turns)]
    trace_file(here / "trace.jsonl", rows)
    done = tco(here, "trace.jsonl", "--url", server.url, "--json")
    said = "sessions without prompts or blocks"
    assert f"warning: {said}" in done.stderr, done.stderr
    assert any(w.startswith(said) for w in json.loads(done.stdout)["warnings"])


@pytest.mark.parametrize("times", [1, 3])
def test_prompts_that_were_counted_otherwise_are_warned_of(here: Path, server: Server, times: int) -> None:
    prompt = "one two three four five"
    trace_file(here / "trace.jsonl", [{"at_s": i / 40, "prompt": prompt} for i in range(10)])
    sent = replayed(here, server)["run"]["mean_input_tokens"]
    recorded = round(sent * times)
    rows = [{"at_s": i / 40, "prompt": prompt, "input_tokens": recorded} for i in range(10)]
    trace_file(here / "trace.jsonl", rows)
    said = [w for w in replayed(here, server)["warnings"] if "input tokens a request" in w]
    expected = [f"recorded {recorded:,.0f}, sent {sent:,.0f} input tokens a request"] if times > 1 else []
    assert [w.partition(":")[0] for w in said] == expected


def test_no_picture_replaces_the_journal_it_is_drawn_from(here: Path) -> None:
    """A search draws two, and the second has a name of its own."""
    journal = here / "run-timeline.png"
    journal.write_text('{"kind":"header"}\n')
    done = tco(here, "summarize", journal.name, "--png", "run.png")
    assert (done.returncode, "it would replace what is read" in done.stderr) == (2, True), done.stderr
    assert journal.read_text() == '{"kind":"header"}\n'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"seed":1', '"seed":"one"'),
        ('"slo":"', '"slo":"ttft_p200=1s,'),
        ('"speedup":', '"speedup_was":'),
        ('"index":3,', '"index":99999999999999999999,'),
    ],
)
def test_an_edited_journal_is_told(here: Path, old: str, new: str) -> None:
    plain = Path(__file__).parent / "fixtures" / "replay" / "plain.journal.jsonl"
    text = plain.read_text()
    (here / "edited.jsonl").write_text(text.replace(old, new))
    done = tco(here, "summarize", "edited.jsonl")
    assert done.returncode in (0, 2), done.stderr  # a line that is no request is left out and counted
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or "edited.jsonl" in done.stderr
