"""The forms in which Apptainer takes mounts and variables; does not render.

Read in Apptainer 1.4.5: ParseMountString in pkg/runtime/engine/apptainer/config/mount.go,
injectEnvHandler in internal/pkg/runtime/engine/apptainer/process_linux.go.
"""

import csv
import io
from pathlib import PurePath

from hpcrun.errors import InputError
from hpcrun.model.plan import PlannedMount


def mount_text(mount: PlannedMount) -> str:
    """Return the value of `--mount`: a CSV record, so paths may hold colons, commas, quotes."""
    for path in (mount.host, mount.container):
        if any(letter in str(path) for letter in "\r\n"):
            raise InputError(f"a mounted path cannot hold a line break: {str(path)!r}")
    fields = ["type=bind", f"source={mount.host}", f"destination={mount.container}"]
    if mount.mode == "ro":
        fields.append("ro")
    record = io.StringIO()
    csv.writer(record, lineterminator="").writerow(fields)
    return record.getvalue()


def variable_prefix(runtime_command: str) -> str:
    """Return what stands before the name of a variable that is meant for the container."""
    if PurePath(runtime_command).name.startswith("singularity"):
        return "SINGULARITYENV_"
    return "APPTAINERENV_"
