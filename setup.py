"""The description for a package index: README.md with absolute links.

Everything else is in setup.cfg. The links lead to its ``url``, the address of
the repository; as long as it has none, they are left out.
"""

import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
RELATIVE_LINK = re.compile(r'(!?)\[([^]]*)\]\((?!https?:|#)([^)]+)\)')


def absolute_links(text: str, url: str) -> str:
    """Return Markdown whose relative links and pictures lead to ``url``."""

    def replace(link):
        picture, label, target = link.groups()
        if not url:
            return '' if picture else label
        kind = 'raw' if picture else 'blob'
        return f'{picture}[{label}]({url}/{kind}/HEAD/{target})'

    return RELATIVE_LINK.sub(replace, text)


if __name__ == '__main__':
    config = ConfigParser()
    config.read(ROOT / 'setup.cfg')
    setup(
        long_description=absolute_links(
            (ROOT / 'README.md').read_text(encoding='utf-8'),
            config.get('metadata', 'url', fallback=''),
        )
    )
