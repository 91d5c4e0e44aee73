"""Labels of a camera or a network stream, as it runs."""

from .background import Background, Mailbox
from .picture import LivePicture, evenly
from .recognition import LiveRecognizer
from .source import LiveSource

__all__ = [
    'Background',
    'LivePicture',
    'LiveRecognizer',
    'LiveSource',
    'Mailbox',
    'evenly',
]
