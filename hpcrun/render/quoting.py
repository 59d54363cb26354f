"""The ways in which text may enter a script, each with a type of its own; does not render.

A header line is read by sbatch's own small parser, a body line by the shell, a comment by people.
The three never mix: each environment of `hpcrun.render.environments` accepts its own types only.
"""

import re
import shlex

from hpcrun.errors import InputError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OPTION_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Quoted(str):
    """Text that is safe in one kind of place."""

    __slots__ = ()


class SbatchText(Quoted):
    """Part of an #SBATCH line."""

    __slots__ = ()


class ShellText(Quoted):
    """Part of a shell command."""

    __slots__ = ()


class Remark(Quoted):
    """Part of a comment line."""

    __slots__ = ()


def sbatch(value: str) -> SbatchText:
    """Quote the value of an #SBATCH option.

    sbatch reads such a line itself (get_argument in src/sbatch/opt.c, Slurm 24.11): quotes group,
    a backslash escapes the next character also inside single quotes, `#` outside quotes ends the
    line. So the shell's quoting is wrong here, and double quotes with two escapes are right for
    everything but control characters, of which a newline would end the line.
    """
    if _CONTROL.search(value):
        raise InputError(
            f"an #SBATCH line cannot hold control characters: {value!r}",
            help=("remove the line break or control character from this value",),
        )
    return SbatchText('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"')


def sbatch_pattern(path: str) -> SbatchText:
    """Quote the path of a file whose name Slurm expands patterns in, such as `%j`.

    Everything before the pattern must stand for itself: `%%` is `%`. A backslash would switch the
    patterns off (remove_path_slashes in src/slurmd/common/fname.c), so it cannot be had.
    """
    folder, _, name = path.rpartition("/")
    if "\\" in folder:
        raise InputError(
            f"Slurm cannot write its output below a folder with a backslash in its name: {folder}",
            help=("choose another folder for runs with `--runs DIR`",),
        )
    return sbatch(folder.replace("%", "%%") + "/" + name)


def option_name(name: str) -> SbatchText:
    """Let the long name of an sbatch option pass, and nothing else."""
    if not _OPTION_NAME.fullmatch(name):
        raise InputError(f"`{name}` is not the long name of an sbatch option")
    return SbatchText(name)


def sh(value: str) -> ShellText:
    """Quote one word for a POSIX shell."""
    if "\0" in value:
        raise InputError(f"a command cannot hold a NUL character: {value!r}")
    return ShellText(shlex.quote(value))


def variable(name: str) -> ShellText:
    """Let the name of a shell variable pass, and nothing else."""
    if not _VARIABLE_NAME.fullmatch(name):
        raise InputError(f"`{name}` is not the name of an environment variable")
    return ShellText(name)


def remark(text: str) -> Remark:
    """Make text safe in a comment: one line, whatever it holds."""
    return Remark(_CONTROL.sub(" ", text))
