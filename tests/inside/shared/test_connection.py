"""What is sent to a client."""

import socket
import struct
from collections.abc import Iterator

import pytest

from runtime.connection import Connection

# Where TCP_INFO has ``tcpi_segs_out``, and the end of it.
SENT, SIZE = 136, 140


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Connection]]:
    """Both ends of a connection."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        connection = Connection(*server.accept(), server.getsockname())
        yield client, connection
        connection.close()


def packets(connection: Connection) -> int:
    """What has been sent on it, its opening included."""
    info = connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, SIZE)
    return int(struct.unpack_from("=I", info, SENT)[0])


@pytest.mark.parametrize("ends", [False, True])
def test_the_end_goes_with_the_last_bytes(ends: bool, pair: tuple[socket.socket, Connection]) -> None:
    client, connection = pair
    opened = packets(connection)
    connection.sendall(b"a head, ")
    connection.sendall(b"a body")
    assert connection.flush(ends)
    assert packets(connection) == opened + 1
    assert client.recv(100) == b"a head, a body"
    if ends:
        assert client.recv(100) == b""


def test_there_is_an_end_where_all_bytes_have_gone(pair: tuple[socket.socket, Connection]) -> None:
    client, connection = pair
    assert connection.flush(ends=True)
    assert client.recv(100) == b""
