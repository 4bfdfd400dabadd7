"""How Gunicorn serves this project. Each variable is in .env.example; GUNICORN_CMD_ARGS overrides any line below."""

import os
import sys

from config import settings
from runtime import env, server, services, timeouts, worker

# The platform's `web: gunicorn config.wsgi`, and a bare `gunicorn` too.
wsgi_app = "config.wsgi"

# IPv6 networks included; only this machine where no platform sets PORT.
bind = server.bind()

# Cores × 2 + 1 would be 17 workers on a 512 MB dyno, which shows 8 cores.
workers, _ = server.workers()

# Threads that run the application and never wait for a client. Its epoll is Linux's; elsewhere Gunicorn's own serves.
worker_class = worker.Worker if sys.platform == "linux" else "gthread"
threads = services.THREADS

# Connections a worker keeps. Beyond it the idle ones are closed, first those that never sent a byte, the oldest first.
worker_connections = 1000

# Past it a body is refused before anybody has read it. A view should allow far less.
worker.Worker.body_mb = env.number("WEB_MAX_BODY_MB", 32, least=1, most=10_000)

# Our middleware answers a refused body with the page that all errors have.
worker.Worker.refusals = None

# Workers share the memory of what is imported before the fork, but then a reloader would not see a change.
preload_app = env.flag("WEB_PRELOAD", default=not settings.DEBUG)
reload = settings.DEBUG and not preload_app

# A heartbeat only; the worker watches the requests themselves.
timeout = timeouts.REQUEST

# Requests in flight may finish before the platform kills at 30 s.
graceful_timeout = timeouts.GRACEFUL

# Longer than the router keeps an idle connection (90 s), or it would send a request down a closed one.
keepalive = timeouts.KEEPALIVE

# Heroku's remedy for leaks costs every worker what it remembers. Unset, only one that has outgrown its memory leaves.
max_requests = env.number("WEB_MAX_REQUESTS", 0, least=0, most=1_000_000)
worker.Worker.memory_mb = None if env.text("WEB_MAX_REQUESTS") else server.memory_mb()[0] // workers
# Spread, so that workers are not replaced all at once.
max_requests_jitter = max_requests // 4

# Every five minutes the log says what a worker takes, and when another number of them, or of threads, would be better.
worker.Worker.resources = server.memory_mb()[0], server.usable_cpus()

# Each worker would have a queue of its own, dropped when it is replaced.
reuse_port = False

# A socket in the home directory that nobody asked for, and an ERROR where it cannot be written.
control_socket_disable = True

# A heartbeat must not wait for a disk.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108

# TLS ends at the platform's router, which alone can reach this process; without trust the redirect to HTTPS would loop.
forwarded_allow_ips = env.text("FORWARDED_ALLOW_IPS", "*")

# Trusted as above, a visitor's own SCRIPT_NAME header would move the whole application.
forwarder_headers = ""

# For access lines too, which are of level info.
loglevel = env.log_level().lower()
accesslog = "-"
access_log_format = (
    "method=%(m)s path=%(U)s status=%(s)s duration_ms=%(M)s "
    "request_id=%({x-request-id}o)s client=%(h)s fwd=%({x-forwarded-for}i)s"
)
logger_class = server.Logger

child_exit = server.child_exit
on_starting = server.on_starting
post_request = server.post_request
post_worker_init = server.post_worker_init
pre_fork = server.pre_fork
pre_request = server.pre_request
when_ready = server.when_ready

# A query outlives the request that asked for it unless the database ends it. Only here: a migration may take longer.
os.environ["PGOPTIONS"] = env.text(
    "PGOPTIONS",
    f"-c statement_timeout={timeouts.STATEMENT}s -c idle_in_transaction_session_timeout={timeouts.REQUEST}s",
)
