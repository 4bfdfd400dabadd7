"""How large the body of a request may be: what the settings say, or for a view what it says itself."""

import functools
from collections.abc import Callable


def takes_files[**P, R](megabytes: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Lets a view take a body of that size. It belongs below the route.

    Of a class of Django's it decorates ``dispatch``, by ``method_decorator``; of a ModelAdmin in the same way
    ``add_view`` and ``change_view``.
    """

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(view)
        def marked(*arguments: P.args, **options: P.kwargs) -> R:
            return view(*arguments, **options)

        marked.max_body = megabytes * 1_000_000  # type: ignore[attr-defined]
        return marked

    return mark
