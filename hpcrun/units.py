"""Durations and memory in Slurm's forms and in words; does not know what they are used for."""

import re
from decimal import ROUND_CEILING, Decimal

from hpcrun.errors import InputError

MAX_DURATION_S = 2**31 - 1
"""About 68 years. Slurm counts minutes in 32 bits, so anything longer is a slip of the finger."""

MAX_MEMORY_MIB = 2**40
"""One exbibyte; no node comes near."""

DURATION_HELP = "write minutes (`90`), `HH:MM:SS`, `D-HH`, `D-HH:MM:SS`, or words (`90 min`, `2 h`)"
MEMORY_HELP = "write a number and a unit, for example `2 GiB` or `4000 MiB`; without unit it is MiB"

SLURM_DURATION_PATTERN = (
    r"[0-9]{1,10}(:[0-9]{1,10}){0,2}|[0-9]{1,10}-[0-9]{1,10}(:[0-9]{1,10}){0,2}"
)
"""Forms of sbatch(1), `--time`: min, min:s, h:min:s, d-h, d-h:min, d-h:min:s."""

_NUMBER = r"[0-9]{1,10}(?:\.[0-9]{1,6})?"
_TIME_WORDS = {
    "d": ("d", "day", "days"),
    "h": ("h", "hour", "hours"),
    "min": ("min", "minute", "minutes"),
    "s": ("s", "sec", "second", "seconds"),
}
_TIME_UNIT_S = {"d": 86400, "h": 3600, "min": 60, "s": 1}

# Slurm reads K, M, G and T, with or without a B, as powers of 1024 (sbatch(1), `--mem`). `MB` is
# read like that here too: the job gets a little more than with powers of 1000, never less.
_MEMORY_UNIT_KIB = {"K": 1, "M": 1024, "G": 1024**2, "T": 1024**3, "P": 1024**4}

WORDY_DURATION_PATTERN = " *".join(
    f"({_NUMBER} ?({'|'.join(words)}))?" for words in _TIME_WORDS.values()
)
MEMORY_PATTERN = rf"{_NUMBER} ?([KMGTP](i?B)?)?"


def parse_duration_s(text: str) -> int:
    """Give the seconds of a duration in one of Slurm's forms or in words; part seconds are rounded up."""
    cleaned = text.strip(" ")
    if re.fullmatch(SLURM_DURATION_PATTERN, cleaned):
        seconds = _slurm_duration_s(cleaned)
    elif cleaned and re.fullmatch(WORDY_DURATION_PATTERN, cleaned):
        seconds = _wordy_duration_s(cleaned)
    else:
        raise InputError(f"`{text[:40]}` is not a duration", help=[DURATION_HELP])
    if seconds > MAX_DURATION_S:
        raise InputError(f"`{text[:40]}` is longer than 68 years", help=[DURATION_HELP])
    return seconds


def _slurm_duration_s(text: str) -> int:
    days, dash, clock = text.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    if dash:
        hours, minutes, seconds = (*parts, 0, 0)[:3]
        return int(days) * 86400 + hours * 3600 + minutes * 60 + seconds
    if len(parts) == 1:
        return parts[0] * 60
    minutes_and_more = parts if len(parts) == 3 else [0, *parts]  # noqa: PLR2004
    return minutes_and_more[0] * 3600 + minutes_and_more[1] * 60 + minutes_and_more[2]


def _wordy_duration_s(text: str) -> int:
    unit_by_word = {word: unit for unit, words in _TIME_WORDS.items() for word in words}
    pairs = re.findall(rf"({_NUMBER}) ?([a-z]+)", text)
    total = sum(Decimal(number) * _TIME_UNIT_S[unit_by_word[word]] for number, word in pairs)
    return int(Decimal(total).to_integral_value(ROUND_CEILING))


def format_slurm_duration(duration_s: int) -> str:
    """Write a duration as sbatch takes it: `HH:MM:SS`, from one day on `D-HH:MM:SS`."""
    minutes, seconds = divmod(duration_s, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = f"{hours:02}:{minutes:02}:{seconds:02}"
    return f"{days}-{clock}" if days else clock


def format_duration(duration_s: int) -> str:
    """Write a duration for people, for example `1 h 30 min`; `parse_duration_s` reads it back."""
    parts = []
    rest = duration_s
    for unit, unit_s in _TIME_UNIT_S.items():
        count, rest = divmod(rest, unit_s)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"


def parse_memory_mib(text: str) -> int:
    """Give the MiB of a memory size; a part of a MiB is rounded up, so that a job never gets less."""
    cleaned = text.strip(" ")
    if not re.fullmatch(MEMORY_PATTERN, cleaned):
        raise InputError(f"`{text[:40]}` is not a memory size", help=[MEMORY_HELP])
    number, letter = re.findall(rf"({_NUMBER}) ?([KMGTP]?)", cleaned)[0]
    kib = Decimal(number) * _MEMORY_UNIT_KIB[letter or "M"]
    mib = int((kib / 1024).to_integral_value(ROUND_CEILING))
    if mib > MAX_MEMORY_MIB:
        raise InputError(f"`{text[:40]}` is more memory than any node has", help=[MEMORY_HELP])
    return mib


def format_memory_mib(mib: int) -> str:
    """Write a memory size for people, in the largest unit that needs no fraction."""
    size, unit = mib, "MiB"
    for larger in ("GiB", "TiB"):
        if size == 0 or size % 1024:
            break
        size, unit = size // 1024, larger
    return f"{size} {unit}"
