"""What answers in the namespace that stands for the internet (peers.py): `peer.py NAMES PORT`.

Web, on every address at PORT: GET /size/N gives N bytes, GET /wait holds the connection open, all else says where it
was reached. Names, at NAMES:53 by UDP and TCP: the zone below; everything else does not exist."""

import http.server
import socket
import struct
import sys
import threading
import time

ZONE = {
    ("api.example.com", 1): ["93.184.216.34"],
    ("api.example.com", 28): ["2600:9::34"],
    ("four.example.com", 1): ["93.184.216.34"],
    ("rebind.example.com", 1): ["10.9.9.9"],
    ("mixed.example.com", 1): ["93.184.216.34", "10.9.9.9", "127.0.0.1"],
    ("own.example.com", 1): ["93.184.216.99"],
    ("metadata.example.com", 1): ["169.254.169.254"],
    ("mapped.example.com", 28): ["::ffff:10.9.9.9"],
    ("nat64.example.com", 28): ["64:ff9b::a09:909"],
    ("db.internal", 1): ["10.9.9.9"],
    ("big.example.com", 1): [f"93.184.217.{i}" for i in range(1, 101)],
    ("text.example.com", 16): [b"\x05hello"],
}


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/wait":
            time.sleep(3600)
        if self.path.startswith("/size/"):
            size = int(self.path.removeprefix("/size/"))
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            piece = b"x" * 65536
            while size > 0:
                self.wfile.write(piece[:size])
                size -= len(piece)
            return
        body = f"reached {self.connection.getsockname()[0].removeprefix('::ffff:')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        size = len(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", str(len(str(size))))
        self.end_headers()
        self.wfile.write(str(size).encode())

    def log_message(self, *arguments):
        pass


class WebServer(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True
    request_queue_size = 1024


def answer(query, limit):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    kind, = struct.unpack("!H", query[at + 1:at + 3])
    question = query[12:at + 5]
    name = ".".join(labels)
    known = any(owner == name for owner, _ in ZONE)
    records = b""
    found = ZONE.get((name, kind), [])
    for value in found:
        data = value if kind == 16 else socket.inet_pton(socket.AF_INET if kind == 1 else socket.AF_INET6, value)
        records += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 120, len(data)) + data
    cut = len(records) + len(question) + 12 > limit
    flags = 0x8180 | (0 if known else 3) | (0x0200 if cut else 0)
    header = query[:2] + struct.pack("!HHHHH", flags, 1, 0 if cut else len(found), 0, 0)
    return header + question + (b"" if cut else records)


def serve_datagrams(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((address, 53))
        while True:
            query, peer = s.recvfrom(4096)
            s.sendto(answer(query, 1232), peer)


def serve_streams(address):
    listener = socket.create_server((address, 53))
    while True:
        connection, _ = listener.accept()
        with connection:
            length, = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))
            reply = answer(connection.recv(length, socket.MSG_WAITALL), 65535)
            connection.sendall(struct.pack("!H", len(reply)) + reply)


if __name__ == "__main__":
    names, port = sys.argv[1], int(sys.argv[2])
    web = WebServer(("::", port), Web)
    for action in (web.serve_forever, lambda: serve_datagrams(names), lambda: serve_streams(names)):
        threading.Thread(target=action, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()
