"""A WSGI application whose answer follows from path and body; load_wsgi.py knows it, too."""

import hashlib


def application(environ, start_response):
    path = environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    number = int(path.rpartition("/")[2])
    text = hashlib.sha256(path.encode() + body).hexdigest() * (1 + number % 200)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text.encode()]
