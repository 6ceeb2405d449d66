"""The tags, the text and the downloads of an HTML page, and whether its elements are nested properly."""

import base64
import gzip
from html.parser import HTMLParser

__all__ = ["HOSTILE", "Page", "download", "unpacked"]

HOSTILE = "</script><img src=x onerror=alert(1)>"

VOID = {"meta", "input", "img", "br"}
OPTIONAL = {"td", "th", "tr", "p", "li"}


class Page(HTMLParser):
    """Tags with attributes, and whether the elements are nested properly."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self.open[-1] != tag and self.open[-1] in OPTIONAL:
            self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def unpacked(page: str, name: str) -> str:
    """The content of a file that a page offers, packed or not."""
    links = {
        str(attributes.get("download")): str(attributes["href"]) for tag, attributes in Page(page).tags if tag == "a"
    }
    packed = f"{name}.gz" in links
    raw = base64.b64decode(links[f"{name}.gz" if packed else name].partition("base64,")[2])
    return (gzip.decompress(raw) if packed else raw).decode()


def download(page: str, name: str) -> str:
    """The content of a file that a page offers as it is."""
    links = [attributes for tag, attributes in Page(page).tags if tag == "a" and attributes.get("download") == name]
    return base64.b64decode(str(links[0]["href"]).partition("base64,")[2]).decode()
