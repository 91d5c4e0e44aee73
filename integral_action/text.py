"""Names from files, on a terminal and in Markdown."""

import re

# what moves a cursor or turns the direction of writing
_CONTROLS = re.compile(
    '[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]'
)


def printable(text: str) -> str:
    """Return text in which control characters are replaced.

    Example:
        >>> printable('wave\\x1b[2J')
        'wave\ufffd[2J'
    """
    return _CONTROLS.sub('\ufffd', text)


def one_line(error: BaseException) -> str:
    """Return what an error says in one printable line, or its class's name.

    Example:
        >>> one_line(ValueError('a\\nb')), one_line(ValueError())
        ('a b', 'ValueError')
    """
    text = ' '.join(str(error).split())
    return printable(text) or type(error).__name__


def in_markdown(text: str) -> str:
    """Return text that stands in Markdown, and in a table's cell, as it is.

    Example:
        >>> in_markdown('[a](b)|<i>')
        '\\\\[a\\\\](b)\\\\|&lt;i>'
    """
    text = re.sub(r'[\\\[\]|]', r'\\\g<0>', printable(text))
    return text.replace('<', '&lt;')
