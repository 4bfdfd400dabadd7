"""Which address leads where."""

from django.contrib import admin
from django.urls import include, path

from pages import views

# {%- if cookiecutter.files|string|lower in cookiecutter._yes +%}
from runtime.storage import media

# {%- endif +%}

urlpatterns = [
    path("", views.home, name="home"),
    path("accounts/", include("accounts.urls")),
    path("admin/", admin.site.urls),
]
# {% if cookiecutter.files|string|lower in cookiecutter._yes %}
urlpatterns += [path("files/", include("files.urls"))]
urlpatterns += media()
# {% endif %}

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_error
