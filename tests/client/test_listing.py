"""Which requests answer a query on which server, and the page made of their answers."""

from datetime import UTC, datetime

from support.replay08 import replay08

from durably_tui.client import DurablyClient
from durably_tui.client.listing import merged, needed_abilities, requests_for
from durably_tui.protocol import ABILITIES, Abilities, Run, RunsQuery, RunStatus

OLD, NEW = ABILITIES["0.8"], ABILITIES["0.15"]
PAGE = [("limit", "50"), ("offset", "0")]


def test_a_new_server_takes_everything_in_one_request() -> None:
    query = RunsQuery(
        job_names=("a", "b"),
        statuses=(RunStatus.RUNNING, RunStatus.FAILED),
        labels=(("env", "prod"), ("team/x", "1")),
        limit=7,
        offset=14,
    )

    assert requests_for(query, NEW) == [
        [
            ("jobName", "a"),
            ("jobName", "b"),
            ("status", "leased"),
            ("status", "failed"),
            ("label.env", "prod"),
            ("label.team/x", "1"),
            ("limit", "7"),
            ("offset", "14"),
        ]
    ]


def test_an_old_server_is_asked_once_for_each_combination_from_the_start() -> None:
    query = RunsQuery(
        job_names=("a", "b"),
        statuses=(RunStatus.RUNNING, RunStatus.FAILED),
        limit=7,
        offset=14,
    )

    page = [("limit", "21"), ("offset", "0")]
    assert requests_for(query, OLD) == [
        [("jobName", name), ("status", word), *page]
        for name in ("a", "b")
        for word in ("running", "failed")
    ]


def test_one_name_and_one_status_are_one_request_anywhere() -> None:
    query = RunsQuery(job_names=("a", "a"), statuses=(RunStatus.FAILED,), offset=3)

    for abilities in (OLD, NEW, Abilities()):
        assert requests_for(query, abilities) == [
            [("jobName", "a"), ("status", "failed"), ("limit", "50"), ("offset", "3")]
        ]


def test_all_statuses_are_none() -> None:
    query = RunsQuery(statuses=tuple(RunStatus))

    assert requests_for(query, OLD) == requests_for(RunsQuery(), OLD) == [PAGE]


def test_what_can_match_nothing_is_not_asked() -> None:
    assert requests_for(RunsQuery(limit=0), NEW) == []
    assert requests_for(RunsQuery(statuses=(RunStatus.UNKNOWN,)), NEW) == []
    assert requests_for(RunsQuery(labels=(("env", "prod"),)), OLD) == []
    assert merged([], RunsQuery()) == []


def test_a_negative_offset_is_the_first_page() -> None:
    assert requests_for(RunsQuery(offset=-5), NEW) == [PAGE]


def test_only_what_depends_on_the_server_needs_a_look() -> None:
    assert needed_abilities(RunsQuery(job_names=("a",), statuses=(RunStatus.FAILED,))) == ()
    assert needed_abilities(RunsQuery(statuses=(RunStatus.RUNNING,))) == ("leased",)
    assert needed_abilities(RunsQuery(job_names=("a", "b"))) == ("many",)
    assert needed_abilities(RunsQuery(labels=(("a", "b"),))) == ("labels",)


def run(id_: str, minute: int | None) -> Run:
    at = None if minute is None else datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
    return Run(id=id_, job_name="a", status=RunStatus.FAILED, created_at=at)


def test_answers_are_merged_newest_first_and_cut_to_the_page() -> None:
    lists = [[run("c", 3), run("a", 1)], [run("e", 3), run("c", 3), run("b", 2)], [run("z", None)]]

    everything = merged(lists, RunsQuery())

    assert [r.id for r in everything] == ["e", "c", "b", "a", "z"]
    assert merged(lists, RunsQuery(limit=2, offset=1)) == everything[1:3]


def test_one_answer_is_the_page_as_the_server_ordered_it() -> None:
    assert [r.id for r in merged([[run("a", 1), run("b", 1)]], RunsQuery(offset=9))] == ["a", "b"]


async def test_pages_of_a_real_merge_fit_together() -> None:
    async with replay08() as peer, DurablyClient(peer.url) as client:
        everything = [r for r in await client.get_runs() if r.job_name in {"steps", "fails"}]
        assert len(everything) >= 2

        paged = [
            found
            for offset in range(len(everything) + 1)
            for found in await client.get_runs(
                RunsQuery(job_names=("steps", "fails"), limit=1, offset=offset)
            )
        ]

    assert paged == everything


def test_going_on_after_a_run_names_it_as_the_server_does() -> None:
    at = datetime(2026, 5, 14, 12, 0, 0, 7_000, tzinfo=UTC)
    (params,) = requests_for(RunsQuery(limit=5, after=(at, "01X")), ABILITIES["python"])
    assert ("after", "2026-05-14T12:00:00.007Z,01X") in params
