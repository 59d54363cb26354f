"""The first word of a line of ssh's configuration, as ssh itself finds it; reads no file.

OpenSSH (misc.c, strdelim; readconf.c, process_config_line_depth) takes `"Include" x`, `=Include x`
and `Include"x"` too, so what looks like another keyword may be this one.
"""

_BLANKS = " \t\r\n"
_AT_THE_END = _BLANKS + "\f"


def first_word(line: str) -> tuple[str, str]:
    """Return the keyword of a line and the rest; an empty keyword where ssh sees none."""
    rest = line.split("\0", 1)[0].rstrip(_AT_THE_END)
    word, rest = _cut(rest)
    if not word:
        word, rest = _cut(rest)
    return word, rest.lstrip(_BLANKS)


def _cut(text: str) -> tuple[str, str]:
    """Cut a word off: up to blanks or one `=`, or the end of the first quotation in it."""
    at = next((place for place, sign in enumerate(text) if sign in _BLANKS + '"='), len(text))
    before, after = text[:at], text[at + 1 :]
    if text[at : at + 1] == '"':
        quoted, quote, after = after.partition('"')
        return (before + quoted, after.lstrip(_BLANKS)) if quote else ("", "")
    had_equals = text[at : at + 1] == "="
    after = after.lstrip(_BLANKS)
    if not had_equals and after.startswith("="):
        after = after[1:].lstrip(_BLANKS)
    return before, after
