"""The one error that users are meant to see."""


class InputError(ValueError):
    """Something the user gave is wrong.

    The message says what was given, where (file, line, path in the file, command) and what
    would be right. The command line prints it alone, without a traceback, and exits with 2.
    """


class SimulationError(RuntimeError):
    """A simulation could not go on: a deadlock, or a unit that reported an error."""
