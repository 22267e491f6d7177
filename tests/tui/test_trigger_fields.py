"""What is typed into the dialog of a new run as text: an input, labels, and the name of a job."""

from __future__ import annotations

import pytest

from durably_tui.tui.forms import BadText
from durably_tui.tui.screens.trigger_fields import BadField, read_job, read_labels, write_labels
from durably_tui.tui.widgets.schema_form_editor import read_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {}),
        (" \n\t", {}),
        ("{}", {}),
        ('{"rows": 3, "deep": [null, true, 1.5]}', {"rows": 3, "deep": [None, True, 1.5]}),
        ('  "only a text"  ', "only a text"),
        ("7", 7),
        ("null", None),
        ('{"text": "\\u00fc \\n [b]"}', {"text": "ü \n [b]"}),
    ],
)
def test_input_that_is_json(text: str, value: object) -> None:
    assert read_json(text) == value


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "line 1, column 2"),
        ('{\n  "rows": 3,\n}', "line 3, column 1"),
        ("{'rows': 3}", "line 1, column 2"),
        ('\n {"rows": ', "line 2, column 11"),
        ('{"rows": }', "line 1, column 10"),
        ("rows=3", "line 1, column 1"),
        ('{"rows": 3} {}', "line 1, column 13"),
    ],
)
def test_input_that_is_no_json_says_where(text: str, place: str) -> None:
    with pytest.raises(BadText, match=f"^Is not JSON: .* at {place}[.]$"):
        read_json(text)


@pytest.mark.parametrize("text", ["NaN", '{"rows": Infinity}', "[-Infinity]"])
def test_numbers_that_json_does_not_know_are_refused(text: str) -> None:
    with pytest.raises(BadText, match="Is not JSON: it has no number"):
        read_json(text)


def test_input_that_is_nested_without_end_is_refused_in_a_sentence() -> None:
    with pytest.raises(BadText, match="Is not JSON"):
        read_json("[" * 100_000)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("", {}),
        ("env=prod", {"env": "prod"}),
        ("  env=prod\tteam=ops ", {"env": "prod", "team": "ops"}),
        ("empty=", {"empty": ""}),
        ("formula=a=b=c", {"formula": "a=b=c"}),
        ("a.b/c-d_e=1", {"a.b/c-d_e": "1"}),
        ("env=prod env=staging", {"env": "staging"}),
    ],
)
def test_labels(text: str, labels: dict[str, str]) -> None:
    assert read_labels(text) == labels
    assert read_labels(write_labels(labels)) == labels


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("prod", "The label 'prod' is not key=value."),
        ("env=prod team", "The label 'team' is not key=value."),
        ("=prod", "The label key '' may have only letters, digits and - _ . / in it."),
        ("ümlaut=1", "The label key 'ümlaut' may have only letters, digits and - _ . / in it."),
    ],
)
def test_labels_that_durably_would_refuse(text: str, sentence: str) -> None:
    with pytest.raises(BadField) as told:
        read_labels(text)
    assert (str(told.value), told.value.field) == (sentence, "labels")


def test_a_job_needs_a_name() -> None:
    assert read_job(" held ") == "held"
    with pytest.raises(BadField, match="Name the job"):
        read_job("  ")
