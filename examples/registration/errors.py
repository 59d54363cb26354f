"""The one error that is told without a traceback: the input or the number of ranks does not fit."""


class RegistrationError(Exception):
    """What the caller can mend; every rank raises it at the same place."""
