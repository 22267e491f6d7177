from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durably_tui.filters import KEYS, Filter, Term, matches, needs, only_status, parse
from durably_tui.protocol import Run, RunStatus

NOW = datetime(2026, 5, 14, 12, tzinfo=UTC)


def run(**fields) -> Run:
    given = {
        "id": "01HZR5GRKXM7",
        "job_name": "import-csv",
        "status": RunStatus.FAILED,
        "input": {"customer": 42, "rows": [{"name": "Ada"}]},
        "labels": {"env": "prod"},
        "error": "Timeout after 30 s",
        "created_at": NOW - timedelta(minutes=30),
    }
    return Run(**(given | fields))


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("status:failed,cancelled", (Term("status", ("failed", "cancelled")),)),
        ("status:leased", (Term("status", ("running",)),)),
        ("JOB:import*", (Term("job", ("import*",)),)),
        ("-job:noisy", (Term("job", ("noisy",), negated=True),)),
        ('error:"disk is full" now', (Term("error", ("disk is full",)), Term("", ("now",)))),
        ('label:"a,b=c",d', (Term("label", ("a,b=c", "d")),)),
        ("http://x/y", (Term("", ("http://x/y",)),)),
        ('"unclosed quote', (Term("", ("unclosed quote",)),)),
        ("-", (Term("", ("-",)),)),
    ],
)
def test_a_text_means_these_terms(text, terms):
    found = parse(text)
    assert found.terms == terms
    assert found.problems == ()


@pytest.mark.parametrize(
    ("text", "terms", "said"),
    [
        ("state:failed", (Term("", ("state:failed",)),), "There is no key 'state'"),
        ("status:bogus", (), "'bogus' is not a status"),
        ("status:failed,bogus", (Term("status", ("failed",)),), "'bogus' is not a status"),
        ("age:soon", (), "'soon' is not an age"),
        ("job:", (), "job: needs a value"),
        ("-Status=failed", (Term("", ("Status=failed",), True),), "status:failed has a colon"),
        ("x" * 3000, (Term("", ("x" * 2000,)),), "cut after 2000"),
    ],
)
def test_what_makes_no_sense_is_told(text, terms, said):
    found = parse(text)
    assert found.terms == terms
    assert any(said in problem for problem in found.problems)


@given(st.text(max_size=300))
def test_any_text_is_understood_the_same_when_written_again(text):
    found = parse(text)
    again = parse(str(found))
    assert again.terms == found.terms
    matches(found, run(), NOW.timestamp())


@given(st.text(alphabet='status:job,"-label=input*?<1h ', max_size=80))
def test_texts_made_of_the_language_too(text):
    found = parse(text)
    assert parse(str(found)).terms == found.terms
    needed = needs(found)
    assert set(needed.here.terms) <= set(found.terms)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("status:failed", True),
        ("status:completed,failed", True),
        ("-status:failed", False),
        ("job:import*", True),
        ("job:import", False),
        ("label:env=prod", True),
        ("label:env", True),
        ("label:env=staging", False),
        ("input:customer=42", True),
        ("input:rows.0.name=Ada", True),
        ("input:rows.7.name=Ada", False),
        ("input:ada", True),
        ("error:timeout", True),
        ("age:<1h", True),
        ("age:>1h", False),
        ("age:<5m,>20m", True),
        ("id:GRKX", True),
        ("CSV prod", True),
        ("csv staging", False),
    ],
)
def test_a_run_is_what_is_wanted(text, wanted):
    assert matches(parse(text), run(), NOW.timestamp()) is wanted


def test_a_bracket_in_a_job_is_no_pattern():
    assert matches(parse("job:list[int]*"), run(job_name="list[int]s"), 0.0)


def test_the_server_is_asked_for_what_it_knows():
    needed = needs(parse("status:failed job:a,b label:env=prod error:x job:c* -label:k=v"))
    assert needed.statuses == (RunStatus.FAILED,)
    assert needed.job_names == ("a", "b")
    assert needed.labels == (("env", "prod"),)
    assert str(needed.here) == "error:x job:c* -label:k=v"


@given(st.sampled_from(sorted(KEYS)), st.booleans())
def test_what_both_sides_search_is_what_the_whole_filter_wants(key, negated):
    text = f"{'-' if negated else ''}{key}:failed,import-csv,env=prod,<1h"
    wanted, subject = parse(text), run()
    needed = needs(wanted)
    at_server = (
        (not needed.job_names or subject.job_name in needed.job_names)
        and (not needed.statuses or subject.status in needed.statuses)
        and all(subject.labels.get(k) == v for k, v in needed.labels)
    )
    here = matches(needed.here, subject, NOW.timestamp())
    assert (at_server and here) is matches(wanted, subject, NOW.timestamp())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "status:failed"),
        ("job:report disk", "status:failed job:report disk"),
        ("job:report status:running,failed -status:cancelled", "status:failed job:report"),
        ("status:failed", ""),
        ("job:report status:failed", "job:report"),
        ("-status:failed", "status:failed"),
    ],
)
def test_one_status_only_and_any_again(before, after):
    assert str(only_status(parse(before), "failed")) == after


def test_an_empty_filter_wants_everything():
    assert not Filter()
    assert matches(Filter(), run(), 0.0)
