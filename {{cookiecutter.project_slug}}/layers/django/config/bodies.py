"""How much a request may send: little, unless its view asks for more."""

import functools
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import Resolver404, resolve

from pages import errors


def takes_files[**P, R](megabytes: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Lets a view take a body of that size.

    Of a class it decorates ``dispatch``, by ``method_decorator``; of a ModelAdmin in the same way ``add_view`` and
    ``change_view``.
    """

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(view)
        def marked(*arguments: P.args, **options: P.kwargs) -> R:
            return view(*arguments, **options)

        marked.max_body = megabytes * 1_000_000  # type: ignore[attr-defined]
        return marked

    return mark


class Limit:
    """Refuses a request that is too large before anything reads it, and also where nobody would.

    Django itself counts no files, and nothing of what comes in chunks: it takes such a body for empty.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent = request.META.get("CONTENT_LENGTH") or ""
        size = int(sent) if sent.isdecimal() else 0
        most: int | None = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if most is not None and size > most and size > getattr(view_of(request), "max_body", most):
            return HttpResponse(errors.page(413), status=413)
        return self.get_response(request)


def view_of(request: HttpRequest) -> Any:
    try:
        return resolve(request.path_info).func
    except Resolver404:
        return None
