"""A model of how sbatch reads the options of a script; for tests of the quoting only.

After get_argument() and _opt_batch_script() in src/sbatch/opt.c of Slurm 24.11.5.
"""

MAGIC = "#SBATCH"


class SbatchFatalError(Exception):
    """sbatch would end with a fatal error."""


def read_options(script: str) -> list[str]:
    """Return the words that sbatch takes from the #SBATCH lines of a script."""
    words: list[str] = []
    for line in script.split("\n"):
        if line.startswith(MAGIC):
            words += read_line(line.removeprefix(MAGIC))
        elif line.strip(" \t\v\f\r") and not line.lstrip(" \t\v\f\r").startswith("#"):
            break
    return words


def read_line(line: str) -> list[str]:
    """Return the words of one line."""
    words: list[str] = []
    rest = line + "\0"
    while True:
        word, n_read = _read_word(rest)
        if word is None:
            return words
        words.append(word)
        rest = rest[n_read:]


def _read_word(line: str) -> tuple[str | None, int]:  # noqa: C901  as the original has it
    at = 0
    while line[at] in " \t\v\f\r":
        at += 1
    if line[at] == ":":
        raise SbatchFatalError("unexpected `:`")
    word: str | None = None
    quote, is_escaped = "", False
    while (quote or line[at] not in " \t\v\f\r\n") and line[at] not in "\n\0":
        if is_escaped:
            is_escaped = False
        elif line[at] == "\\":
            at += 1
            if line[at] == " ":
                word, at = (word or "") + " ", at + 1
            else:
                is_escaped = True
            continue
        elif quote:
            if line[at] == quote:
                quote, at = "", at + 1
                continue
        elif line[at] in "\"'":
            quote, at = line[at], at + 1
            continue
        elif line[at] == "#":
            break
        word, at = (word or "") + line[at], at + 1
    if quote:
        raise SbatchFatalError(f"unmatched {quote}")
    return word, at
