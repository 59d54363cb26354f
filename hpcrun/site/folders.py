"""Where profiles are looked for; does not read them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from hpcrun import resources
from hpcrun.loading.site_file import ENDINGS


def profile_folders(environment: Mapping[str, str], *, root: Path = Path("/")) -> tuple[Path, ...]:
    """Give the folders with profiles, the first to win: chosen, the site's, sandboxes', shipped."""
    chosen = [Path(part) for part in environment.get("HPCRUN_SITE_PATH", "").split(":") if part]
    sandboxes = sandbox_state_folder(environment)
    every = [
        *chosen,
        root / "etc" / "hpcrun" / "sites",
        *sorted(sandboxes.glob("*/sites")),
        resources.site_profiles_folder(),
    ]
    return tuple(folder for folder in dict.fromkeys(every) if folder.is_dir())


def sandbox_state_folder(environment: Mapping[str, str]) -> Path:
    """Give the folder of all sandboxes, as `hpcrun.sandbox.places` has it (a test holds both)."""
    chosen = environment.get("HPCRUN_SANDBOX_DIR")
    if chosen:
        return Path(chosen).expanduser().resolve()
    from platformdirs import user_data_path

    return (user_data_path("hpcrun") / "sandbox").resolve()


def list_profiles(folders: Iterable[Path]) -> dict[str, Path]:
    """Give the profiles by name; a name in two folders is the first one's."""
    profiles: dict[str, Path] = {}
    for folder in folders:
        # A folder that cannot be listed holds nothing for us; glob says nothing about it either.
        for path in sorted(p for e in ENDINGS for p in folder.glob(f"*{e}") if p.is_file()):
            profiles.setdefault(path.stem, path)
    return profiles
