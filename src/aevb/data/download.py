"""One file over HTTP, into memory.

The largest file of any data set here packs into 10 MB, so nothing touches the disk before it is verified: an
interrupted download has nothing to leave behind. The body is read as it arrives, one read of the socket at a time,
because a time-out of the socket alone would let a server that drips a byte now and then hold us for ever.
"""

from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aevb.console.progress import bar
from aevb.data.local_files import LIMIT

if TYPE_CHECKING:
    from requests import Response

__all__ = ["SLOWEST", "TIMEOUT", "Unreachable", "fetch"]

TIMEOUT = 20.0
"""Seconds to wait for a connection, and over which the rate is taken."""
SLOWEST = 1024
"""Bytes per second under which a download counts as stalled."""


class Unreachable(Exception):
    """The file was not delivered; the message says why in a few words."""


def fetch(url: str, timeout: float = TIMEOUT) -> bytes:
    """The bytes at `url`, with a progress bar.

    timeout: seconds without an answer, or with less than SLOWEST bytes per second, after which it gives up.
    Raises Unreachable.
    """
    import requests
    from urllib3.exceptions import HTTPError

    # identity: bytes must arrive as they were published, not packed once more for the journey
    headers = {"Accept-Encoding": "identity"}
    try:
        with requests.get(url, stream=True, timeout=timeout, headers=headers) as response:
            if not response.ok:
                raise Unreachable(f"answered {response.status_code} {response.reason}")
            return _body(response, timeout)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise Unreachable(_reason(error, timeout)) from error


def _body(response: "Response", timeout: float) -> bytes:
    length = int(response.headers.get("Content-Length") or 0)
    body, mark, seen = bytearray(), monotonic(), 0
    name = urlsplit(response.url).path.rpartition("/")[2]
    with bar(length, f"downloading {name}", unit="bytes") as progress:
        while chunk := response.raw.read1(1 << 16):
            body += chunk
            progress.advance(len(chunk))
            if len(body) > LIMIT:
                raise Unreachable(f"sends more than {LIMIT:,} bytes")
            if (now := monotonic()) - mark > timeout:
                if len(body) - seen < SLOWEST * (now - mark):
                    raise Unreachable(f"stalled: less than {SLOWEST} bytes per second over {timeout:g} s")
                mark, seen = now, len(body)
    return bytes(body)


def _reason(error: Exception, timeout: float) -> str:
    import requests
    from urllib3.exceptions import ProtocolError, ReadTimeoutError

    if isinstance(error, requests.Timeout | ReadTimeoutError | TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy gives no connection"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if isinstance(error, ProtocolError):
        return "broke off"
    return " ".join(str(error).split())
