"""A mirror on 127.0.0.1 that can fail in every way a real one does."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["LocalMirror", "running"]


class LocalMirror(ThreadingHTTPServer):
    """Serves `files` (name: (bytes, manner)); anything else is 404.

    manner: whole; breaks (half of the promised bytes); stalls (half, then silence); drips (half, then a byte now
    and then); mute (no answer at all); eager (packs for the journey whatever a client lets it pack); chunked
    (whole, without a length); gathers (whole, once `party` ask for it). Silence ends after 30 s, drips after 5.
    """

    daemon_threads = False

    def __init__(self, party: int = 1) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, tuple[bytes, str]] = {}
        self.asked: list[str] = []
        self.halfway, self.end = threading.Event(), threading.Event()
        self.gathered = threading.Barrier(party)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/pub"


class _Handler(BaseHTTPRequestHandler):
    server: LocalMirror
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        self.close_connection = True
        name = self.path.removeprefix("/pub/")
        self.server.asked.append(name)
        if name not in self.server.files:
            self.send_error(404)
            return
        raw, behaviour = self.server.files[name]
        if behaviour == "mute":
            self.server.end.wait(30)
            return
        if behaviour == "gathers":
            self.server.gathered.wait(60)
        self.send_response(200)
        if behaviour == "eager" and "gzip" in self.headers.get("Accept-Encoding", ""):
            self.send_header("Content-Encoding", "gzip")
            raw = gzip.compress(raw)
        if behaviour == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            raw = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (raw[:5], raw[5:], b""))
        else:
            self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):
            half = len(raw) // 2 if behaviour in ("breaks", "stalls", "drips") else len(raw)
            self.wfile.write(raw[:half])
            self.wfile.flush()
            self.server.halfway.set()
            if behaviour == "stalls":
                self.server.end.wait(30)
            if behaviour == "drips":
                for byte in raw[half : half + 250]:
                    if self.server.end.wait(0.02):
                        break
                    self.wfile.write(bytes([byte]))


@contextmanager
def running(party: int = 1) -> Iterator[LocalMirror]:
    """A mirror for as long as the block runs."""
    with LocalMirror(party) as mirror:
        thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield mirror
        finally:
            mirror.end.set()
            mirror.gathered.abort()
            mirror.shutdown()
            thread.join()
