"""The filter language: what runs are wanted, as a person types it. Pure; no I/O.

``status:failed,cancelled job:import* label:env=prod input:customer=42 error:timeout age:<1h words``
"""

from .language import KEYS, Filter, Term, only_status, parse
from .match import Needs, matches, needs

__all__ = ["KEYS", "Filter", "Needs", "Term", "matches", "needs", "only_status", "parse"]
