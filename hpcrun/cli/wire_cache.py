"""Picks the real store of facts read earlier; apart from wire.py, whose imports would cost time."""

import os

from hpcrun.model.memory import Memory


def facts_cache() -> Memory | None:
    """Return the user's cache of passports; None where there is no place for one."""
    from hpcrun.store.facts_cache import FactsCache, cache_folder

    folder = cache_folder(os.environ)
    return FactsCache(folder) if folder is not None else None
