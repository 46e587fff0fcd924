"""
Within the machine: an application of four workers that share a socket, each with a cache from which
nothing is ever removed. The request `/?keep=N` leaves N sessions more in that of the one that
answers, and every answer is the pid of that.

main() is a worker that was given the socket as its standard input.
"""

import os

CACHE = {"sessions": {}, "templates": {}}
FIRST = 30


class Session:
    pass


def keep(count):
    sessions = CACHE["sessions"]
    for number in range(len(sessions), len(sessions) + count):
        sessions[number] = Session()


keep(FIRST)


def application(environ, start_response):
    keep(int(environ["QUERY_STRING"].rpartition("keep=")[2] or 0))
    text = b"%d" % os.getpid()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text]


def main():
    import socket
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

    class Handler(WSGIRequestHandler):
        def get_environ(self):
            # Of a unix socket it is empty.
            self.client_address = ("client", 0)
            return super().get_environ()

        def log_message(self, *_):
            pass

    class Server(WSGIServer):
        def server_bind(self):
            self.socket.close()
            self.socket = socket.socket(fileno=os.dup(0))
            self.server_name, self.server_port = "localhost", 0
            self.setup_environ()

        def server_activate(self):
            pass

    with Server(("", 0), Handler) as server:
        server.set_app(application)
        server.serve_forever()
