"""May this image be started at the site, whatever is in it; judges no programs."""

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from hpcrun.compat.evidence import asked, fits, in_profile, incompatible, listed, unknown
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts
from hpcrun.model.site import Site
from hpcrun.model.verdict import Force, Reason, Verdict

_ROW = asked("image-allowed")
_SHARED = asked("unpacked-image")
_TARGET = asked("missing-target")
_EVERYWHERE = frozenset(
    PurePosixPath(folder)
    for folder in (
        *(
            "/",
            "/bin",
            "/boot",
            "/dev",
            "/etc",
            "/home",
            "/lib",
            "/lib64",
            "/media",
            "/mnt",
            "/opt",
        ),
        *("/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/usr/local", "/var"),  # noqa: S108
        *("/var/tmp", "/usr/bin", "/usr/lib", "/usr/share"),  # noqa: S108
    )
)
"""Folders that images have: the Filesystem Hierarchy Standard 3.0."""


def check_container(facts: ImageFacts, site: Site) -> Iterator[Verdict]:
    """Judge an image by what the runtime's configuration and the file systems take."""
    checks = (_check_kind, _check_folder, _check_signature, _check_unpacked)
    against = [verdict for check in checks if (verdict := check(facts, site)) is not None]
    if against:
        yield from against
    else:
        runtime = in_profile(site, "runtime")
        yield fits(_ROW, f"{facts.path} is a {facts.kind}", f"{runtime} and `images` take it")


def _check_kind(facts: ImageFacts, site: Site) -> Verdict | None:
    kinds = site.runtime.image_kinds
    if not is_known(kinds) or facts.kind in kinds:
        return None
    key = in_profile(site, "runtime.image_kinds")
    image = f"{facts.path.name} is a {facts.kind}"
    return _forbidden(f"the site starts no images that are a {facts.kind}", image, key, kinds)


def _check_folder(facts: ImageFacts, site: Site) -> Verdict | None:
    folders = site.runtime.image_folders
    if not is_known(folders) or not folders:
        return None
    # Who has no setuid to respect could go round it; Apptainer itself stops all the same.
    if any(facts.path.is_relative_to(folder) for folder in folders):
        return None
    key = in_profile(site, "runtime.image_folders")
    image = f"the image is `{facts.path}`"
    message = "the site starts only images that lie in its own folders"
    return _forbidden(message, image, key, tuple(map(str, folders)))


def _check_signature(facts: ImageFacts, site: Site) -> Verdict | None:
    if site.runtime.signed_images is not True:
        return None
    key = f"{in_profile(site, 'runtime.signed_images')}: {site.runtime.signed_images}"
    signed = f"{facts.path.name} has {len(facts.container.signatures)} signatures"
    if facts.container.signatures:
        reason = Reason(
            code="HPR514",
            message="cannot tell whether the site trusts who signed the image",
            evidence=(key, signed),
            table_row=_ROW,
        )
        return unknown(reason, force=Force.SKIPS)
    reason = Reason(
        code="HPR514",
        message="the site starts only signed images, and this one is not",
        evidence=(key, signed),
        table_row=_ROW,
    )
    return incompatible(reason)


def _check_unpacked(facts: ImageFacts, site: Site) -> Verdict | None:
    unpacked = site.images.unpacked
    if facts.kind != "folder" or unpacked is True:
        return None
    key = in_profile(site, "images.unpacked")
    if not is_known(unpacked):
        reason = Reason(
            code="HPR515",
            message="cannot tell whether the site's file systems take unpacked images",
            evidence=(f"{key} is unknown", f"{facts.path.name} is a folder"),
            table_row=_SHARED,
        )
        return unknown(reason, force=Force.SKIPS)
    reason = Reason(
        code="HPR515",
        message="the site's file systems do not take unpacked images",
        evidence=(f"{key} is false", f"{facts.path.name} is a folder"),
        table_row=_SHARED,
    )
    return incompatible(reason, force=Force.WARNS)


def check_targets(site: Site, targets: Iterable[PurePosixPath]) -> Verdict:
    """Judge the places at which something is mounted: an image may lack them."""
    key = f"{in_profile(site, 'runtime.makes_targets')}: {site.runtime.makes_targets}"
    own = [str(path) for path in targets if path not in _EVERYWHERE]
    if site.runtime.makes_targets is not False or not own:
        return fits(_TARGET, key, f"mounts at {listed(own)}")
    reason = Reason(
        code="HPR518",
        message=f"the image must have `{own[0]}`: the site's runtime makes no place for mounts",
        evidence=(key, f"mounts at {listed(own)}"),
        table_row=_TARGET,
    )
    return unknown(reason, force=Force.WARNS)


def _forbidden(message: str, image: str, key: str, allowed: tuple[str, ...]) -> Verdict:
    reason = Reason(
        code="HPR514",
        message=message,
        evidence=(image, f"{key}: {listed(allowed)}"),
        table_row=_ROW,
    )
    return incompatible(reason)
