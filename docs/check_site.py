"""Check a built site: each link within it leads somewhere, and nothing is loaded from elsewhere.

python docs/check_site.py docs/_build/html
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page refers to, and the places in it that others may refer to."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.loaded, self.anchors = [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        """Take note of a tag."""
        attributes = dict(attrs)
        self.anchors |= {attributes.get("id"), attributes.get("name")}
        for name in ("href", "src"):
            if attributes.get(name):
                self.targets.append(attributes[name])
                if tag != "a":
                    self.loaded.append(attributes[name])


def broken(root):
    """Yield page and fault: references that lead nowhere, and what is loaded from elsewhere."""
    own = (path for path in sorted(root.rglob("*.html")) if "_static" not in path.parts)
    pages = {path: Page(path) for path in own}
    for path, page in pages.items():
        for target in page.loaded:
            if urlsplit(target).netloc:
                yield path, f"{target} is not part of the site"
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            place = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[place].anchors if place in pages else {parts.fragment}
            if not place.exists() or (parts.fragment and unquote(parts.fragment) not in anchors):
                yield path, f"{target} leads nowhere"


def main():
    root = Path(sys.argv[1]).resolve()
    found = list(broken(root))
    for path, fault in found:
        print(f"{path.relative_to(root)}: {fault}", file=sys.stderr)
    print(f"{len(list(root.rglob('*.html')))} pages, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
