"""What a check of ``make doctor`` raises."""


class CheckError(Exception):
    """Something that is wrong, and what to do about it."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem} {cure}".strip())
