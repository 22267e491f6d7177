import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from durably_tui.protocol.models import Progress, RunStatus
from durably_tui.tui.widgets.progress import bar, count, moving_bar, progress_spans


def text(spans):
    return "".join(piece for piece, _ in spans)


@given(
    st.none()
    | st.builds(Progress, current=st.floats(), total=st.none() | st.floats(), message=st.none()),
    st.sampled_from(RunStatus),
    st.integers(1, 60),
    st.integers(0, 1000),
    st.booleans(),
)
def test_progress_has_the_width_it_is_given(progress, status, width, phase, plain):
    spans = progress_spans(progress, status, width, phase=phase, steps=7, plain=plain)
    assert cell_len(text(spans)) == width
    assert text(spans).isascii() or not plain


def test_a_bar_with_a_total():
    spans = progress_spans(Progress(67, 100), RunStatus.RUNNING, 30)
    assert text(spans) == "━━━━━━━━╸────   67%  67/100   "
    assert text(progress_spans(Progress(67, 100), RunStatus.RUNNING, 16)) == "━━━━━━╸───   67%"
    assert text(progress_spans(Progress(67, 100), RunStatus.RUNNING, 4)) == " 67%"


def test_a_run_is_not_complete_before_it_is():
    assert "99%" in text(progress_spans(Progress(9_999, 10_000), RunStatus.RUNNING, 30))


def test_a_completed_run_that_said_nothing_is_full():
    assert text(progress_spans(None, RunStatus.COMPLETED, 16)) == "━━━━━━━━━━  100%"


@pytest.mark.parametrize("total", [None, 0, -3])
def test_without_a_usable_total_the_bar_moves_and_the_count_is_told(total):
    at = [
        text(progress_spans(Progress(31_000, total), RunStatus.RUNNING, 20, phase=phase))
        for phase in range(3)
    ]
    assert len(set(at)) == 3
    assert all(line.endswith("   31k") for line in at)


def test_ascii_only():
    assert text(bar(0.55, 10, plain=True)) == "=====>----"
    assert text(moving_bar(1, 8, plain=True)) == "-==-----"


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0"), (0.5, "0.5"), (67, "67"), (9999, "9999"), (31_000, "31k"), (1_234_567, "1.2M"),
     (999_900, "1.0M"), (-5, "-5"), (math.nan, "?"), (math.inf, "?"), (1e30, "1e+30")],
)  # fmt: skip
def test_count(number, expected):
    assert count(number) == expected
    assert len(count(number)) <= 5
