"""The base of the errors that people read."""


class ReadableError(Exception):
    """Says what is wrong, where, and what to do, and quotes no value of a row: fit for screens, logs and alerts."""

    @classmethod
    def names(cls) -> set[str]:
        """The names of all such errors; a failed step is known by the name of its error alone."""
        return {cls.__name__}.union(*(kind.names() for kind in cls.__subclasses__()))
