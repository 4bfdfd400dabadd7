"""No framework, and no database: nothing to close before the fork."""


def disconnect() -> None:
    pass
