"""What WhiteNoise's answers lack for a server that sends files itself. Each framework's module imports this one."""

from whitenoise import responders


class Part(responders.SlicedFile):
    """The part of a file that a ``Range`` asks for, which the server may send as it sends the whole.

    What it had to read and write instead would keep a thread for as long as a client takes for it.
    """

    def fileno(self) -> int:
        """The file, which stands at the part's first byte; how long that is, the response's length tells."""
        number: int = self.fileobj.fileno()
        return number


responders.SlicedFile = Part  # type: ignore[misc]
