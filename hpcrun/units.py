"""Durations and memory in Slurm's forms and in words; does not know what they are used for."""

import re
from decimal import ROUND_CEILING, Decimal

from hpcrun.errors import InputError

DURATION_HELP = "write minutes (`90`), `HH:MM:SS`, `D-HH`, `D-HH:MM:SS`, or words (`90 min`, `2 h`)"
MEMORY_HELP = "write a number and a unit, for example `2 GiB` or `4000 MiB`; without unit it is MiB"

# So many digits that no sum passes 2^31 seconds: Slurm counts minutes in 32 bits, and a walltime
# of more than 68 years is a slip of the finger. The patterns stand in the JSON Schemas too.
_DAYS, _HOURS, _MINUTES, _SECONDS = "[0-9]{1,4}", "[0-9]{1,5}", "[0-9]{1,7}", "[0-9]{1,7}"
_FRACTION = r"(\.[0-9]{1,6})?"

SLURM_DURATION_PATTERN = (
    f"{_MINUTES}(:{_SECONDS})?|{_HOURS}:{_MINUTES}:{_SECONDS}"
    f"|{_DAYS}-{_HOURS}(:{_MINUTES}(:{_SECONDS})?)?"
)
"""Forms of sbatch(1), `--time`: min, min:s, h:min:s, d-h, d-h:min, d-h:min:s."""

WORDY_DURATION_PATTERN = (
    f"({_DAYS}{_FRACTION} ?(d|days?))? ?({_HOURS}{_FRACTION} ?(h|hours?))?"
    f" ?({_MINUTES}{_FRACTION} ?(min|minutes?))? ?({_SECONDS}{_FRACTION} ?(s|sec|seconds?))?"
)

MEMORY_PATTERN = rf"[0-9]{{1,7}}{_FRACTION} ?([KMGT](i?B)?)?"

_UNIT_S = {"d": 86400, "h": 3600, "min": 60, "s": 1}

# Slurm reads K, M, G and T, with or without a B, as powers of 1024 (sbatch(1), `--mem`). `MB` is
# read like that here too: the job gets a little more than with powers of 1000, never less.
_UNIT_KIB = {"K": 1, "M": 1024, "G": 1024**2, "T": 1024**3}


def parse_duration_s(text: str) -> int:
    """Give the seconds of a duration in Slurm's forms or in words, rounded up."""
    if re.fullmatch(SLURM_DURATION_PATTERN, text):
        return _slurm_duration_s(text)
    if re.search("[0-9]", text) and re.fullmatch(WORDY_DURATION_PATTERN, text):
        return _wordy_duration_s(text)
    raise InputError(f"`{text[:40]}` is not a duration", help=[DURATION_HELP])


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
    pairs = re.findall(r"([0-9.]+) ?(d|h|min|s)", text)
    total = sum((Decimal(number) * _UNIT_S[unit] for number, unit in pairs), start=Decimal(0))
    return int(total.to_integral_value(ROUND_CEILING))


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
    for unit, unit_s in _UNIT_S.items():
        count, rest = divmod(rest, unit_s)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"


def parse_memory_mib(text: str) -> int:
    """Give the MiB of a memory size, rounded up, so that a job never gets less."""
    match = re.fullmatch(MEMORY_PATTERN, text)
    if match is None:
        raise InputError(f"`{text[:40]}` is not a memory size", help=[MEMORY_HELP])
    number = re.split("[ KMGT]", text)[0]
    unit = match[2][0] if match[2] else "M"
    mib = Decimal(number) * _UNIT_KIB[unit] / 1024
    return int(mib.to_integral_value(ROUND_CEILING))


def format_memory(memory_mib: int) -> str:
    """Write a memory size for people, for example `2 GiB`; `parse_memory_mib` reads it back."""
    gib, rest = divmod(memory_mib, 1024)
    return f"{gib} GiB" if gib and not rest else f"{memory_mib} MiB"
