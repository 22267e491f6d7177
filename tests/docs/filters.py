"""``filters.md``, from the filter language."""

from __future__ import annotations

import inspect

from durably_tui.filters import KEYS, language, parse

from .markdown import block, code, document, table

EXAMPLES = {
    "status:failed": "runs that failed",
    "status:failed,cancelled": "runs that failed or were cancelled",
    "job:import* -label:env=test": "of these jobs, and not with this label",
    "input:customer.id=42": "whose input has this value at this place",
    'error:"timed out" age:<1h': "that failed so in the last hour",
    "csv": "with this word in id, job, labels, input or error",
}


def page() -> str:
    """The grammar, the keys, and examples, each of which is understood without a problem."""
    assert not [problem for text in EXAMPLES for problem in parse(text).problems]
    grammar = (inspect.getdoc(language) or "").partition("::\n\n")[2].partition("\n\nKeys:")[0]
    return document(
        "The filter language",
        "durably_tui/filters/language.py",
        "One language says which runs are meant: after `/` and `:filter` in the monitor, as the "
        "argument of `durably-tui runs`, in `--filter` of the commands that act, and under "
        "`[filters]` in the configuration. What the server can search for is left to it; the rest "
        "is filtered here. What makes no sense is reported, and searched for as a word.",
        block(inspect.cleandoc("    " + grammar.lstrip()), "text"),
        table(("key", "takes"), [(code(key), takes) for key, takes in KEYS.items()]),
        "On a command line, terms that begin with `-` come after `--`: "
        "`durably-tui runs -- status:failed -job:nightly`.",
        "## Examples",
        table(("filter", "runs"), [(code(text), about) for text, about in EXAMPLES.items()]),
    )
