"""Download of one file over HTTP.

A small file is kept in memory until it is verified, a large one is written part by part by the caller; an
interrupted download therefore leaves no file behind. The body is read in small parts and the rate is checked,
because the timeout of a socket does not stop a download from a server that sends a few bytes now and then.
"""

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aevb.console.progress import bar
from aevb.data.local_files import LIMIT

if TYPE_CHECKING:
    from requests import Response

__all__ = ["SLOWEST", "TIMEOUT", "Unreachable", "fetch", "fetch_into"]

TIMEOUT = 20.0
"""Seconds to wait for an answer, and seconds over which the rate is measured."""
SLOWEST = 1024
"""The rate in bytes per second below which a download counts as stalled."""


class Unreachable(Exception):
    """Raised if a file could not be downloaded; the message gives the reason in a few words."""


def fetch(url: str, timeout: float = TIMEOUT) -> bytes:
    """Download a small file into memory (see `fetch_into`).

    Args:
        url: The address of the file.
        timeout: See `fetch_into`.

    Returns:
        The bytes of the file, at most LIMIT.

    Raises:
        Unreachable: If the file could not be downloaded.
    """
    body = bytearray()
    fetch_into(url, body.extend, LIMIT, timeout)
    return bytes(body)


def fetch_into(url: str, write: Callable[[bytes], object], limit: int, timeout: float = TIMEOUT) -> None:
    """Download a file part by part and show a progress bar.

    Args:
        url: The address of the file.
        write: Called with each part of the body.
        limit: Size in bytes above which the download stops.
        timeout: Seconds after which the download stops if there is no answer, or if the rate stays below
            SLOWEST bytes per second.

    Raises:
        Unreachable: If the file could not be downloaded.
    """
    import requests
    from urllib3.exceptions import HTTPError

    # identity: the server must send the published bytes without another compression
    headers = {"Accept-Encoding": "identity"}
    try:
        with requests.get(url, stream=True, timeout=timeout, headers=headers) as response:
            if not response.ok:
                raise Unreachable(f"answered {response.status_code} {response.reason}")
            _copy(response, write, limit, timeout)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise Unreachable(_reason(error, timeout)) from error


def _copy(response: "Response", write: Callable[[bytes], object], limit: int, timeout: float) -> None:
    length = int(response.headers.get("Content-Length") or 0)
    size, last_check, checked_size = 0, monotonic(), 0
    name = urlsplit(response.url).path.rpartition("/")[2]
    with bar(length, f"downloading {name}", unit="bytes") as progress:
        while chunk := response.raw.read1(1 << 16):
            size += len(chunk)
            if size > limit:
                raise Unreachable(f"sends more than {limit:,} bytes")
            write(chunk)
            progress.advance(len(chunk))
            if (now := monotonic()) - last_check > timeout:
                if size - checked_size < SLOWEST * (now - last_check):
                    raise Unreachable(f"stalled: less than {SLOWEST} bytes per second over {timeout:g} s")
                last_check, checked_size = now, size


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
