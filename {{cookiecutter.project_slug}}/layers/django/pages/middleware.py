"""What every request of Django's goes through, as far as it concerns the pages."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed

from pages import views


def explain_wrong_method(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Gives the words that all errors have to a method that a view does not take: Django leaves that answer empty."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if not isinstance(response, HttpResponseNotAllowed) or response.content:
            return response
        explained: HttpResponse = views.error(request, 405)
        explained.headers["Allow"] = response.headers["Allow"]
        return explained

    return answer
