"""Which site is meant, and its profile; does not talk to the site."""

from hpcrun.site.identify import FoundSite, find_profile_path, find_site, identify_site

__all__ = ["FoundSite", "find_profile_path", "find_site", "identify_site"]
