"""Interruptions: what ends a sequence of steps before its end."""

from flows.surroundings import Ended


class SuspendedError(Exception):
    """The run waits for something that has not come. It is begun again, over the same journal, when it has."""

    def __init__(self, what: str, *, until: float | None = None) -> None:
        super().__init__(what)
        self.until = until
        """When it is begun again at the latest, in Unix seconds; None: only what it waits for wakes it."""


class LostError(Exception):
    """The run is not this process's any more: it was cancelled or paused, or another process carries it out."""


class StepFailedError(Exception):
    """A step could not be carried out."""

    def __init__(self, path: str, message: str, kind: str = "refused") -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message
        self.kind = kind


class StoppedError(Exception):
    """A `stop` step was reached. Carries how."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.message)
        self.ended = ended
