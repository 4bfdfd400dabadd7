"""How long anything may take, in seconds, each limit below the next.

The router gives up on a request, and the platform kills a stopping process, at 30 seconds; whoever waits longer waits
for nothing. WEB_TIMEOUT moves the limit of a request, and the limit of a statement follows.
"""

from config import env

CONNECT = 3
REQUEST = env.number("WEB_TIMEOUT", 20, least=5, most=24)
STATEMENT = REQUEST * 3 // 4
GRACEFUL = 26
ROUTER = 30
