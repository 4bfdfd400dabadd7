"""The project as Granian serves it behind a router: it believes whoever is connected only where it is told to."""

from granian.utils.proxies import wrap_wsgi_with_proxy_headers

from probe import application as project

application = wrap_wsgi_with_proxy_headers(project, trusted_hosts="*")
