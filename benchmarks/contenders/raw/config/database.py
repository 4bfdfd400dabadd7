"""No database: nothing to close before the fork."""


def disconnect() -> None:
    pass
