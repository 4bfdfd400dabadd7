"""How long anything may take, in seconds. The router gives up on a request, and the platform kills, at 30.

A client is held to progress, never to a duration: a download of an hour is as healthy as one of a second, as long as
a byte moves every ``STALL`` seconds. The application is held to producing something every ``REQUEST`` seconds, which
WEB_TIMEOUT moves, and the limit of a statement follows.
"""

from runtime import env

# To reach a service: a database, a cache, a mail server.
CONNECT = 3
# For a stopping worker to hear that the whole server stops, before it accepts no more.
HESITATION = 1
# For a client to send the next request on a connection that a stopping worker has kept; and for a client that was
# refused to read the refusal and hang up.
LINGER = 2
# For a client to send the head of a request, from its first byte.
HEAD = 10
# For a client to send or take the next byte.
STALL = 20
# For the application to produce the next piece of its response.
REQUEST = env.number("WEB_TIMEOUT", 20, least=5, most=24)
STATEMENT = REQUEST * 3 // 4
# For requests in flight when the server stops.
GRACEFUL = 26
ROUTER = 30
# For the next request of a connection: longer than the router keeps one (90), or it would send one down a closed one.
KEEPALIVE = 95
