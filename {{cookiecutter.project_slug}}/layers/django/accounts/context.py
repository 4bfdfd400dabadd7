"""What every template can use."""

from django.conf import settings
from django.http import HttpRequest


def sign_up(request: HttpRequest) -> dict[str, bool]:
    """Whether visitors may make accounts."""
    return {"sign_up": settings.SIGN_UP}
