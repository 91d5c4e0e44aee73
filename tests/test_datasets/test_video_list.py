"""Text lists of videos."""

import codecs
import logging

import pytest
from mmengine.logging import MMLogger

from integral_action.datasets.label_map import LabelMap
from integral_action.datasets.video_list import (
    label_of,
    number_labels,
    read_video_list,
)


def read(path, text, encoding='utf-8'):
    path.write_bytes(text.encode(encoding))
    return [line[1:] for line in read_video_list(path)]


@pytest.mark.parametrize(
    ('line', 'parsed'),
    [
        ('run/a.mp4 0', ('run/a.mp4', '0')),
        ('run/a.mp4\t0', ('run/a.mp4', '0')),
        ('run/a.mp4', ('run/a.mp4', None)),
        ('my run/b c.mp4', ('my run/b c.mp4', None)),
        ('my run/b c.mp4  high jump', ('my run/b c.mp4', 'high jump')),
        ('clip.v2.mp4 3', ('clip.v2.mp4', '3')),
        ('a.mp4 (1).avi 5', ('a.mp4 (1).avi', '5')),
        ('no ending 7', ('no ending', '7')),
        ('a b\thigh jump', ('a b', 'high jump')),
        ('alone', ('alone', None)),
    ],
)
def test_a_line(tmp_path, line, parsed):
    for text in (line, f'\n{line} \n\n', f'{line}\r\n'):
        assert read(tmp_path / 'list.txt', text) == [parsed]
        assert read(tmp_path / 'list.txt', text, 'utf-8-sig') == [parsed]


@pytest.mark.parametrize(
    ('text', 'encoding', 'words'),
    [
        ('a.mp4 0', 'utf-16', 'list.txt: UTF-16 text, save it as UTF-8'),
        ('\u00fcben.mp4 0', 'latin-1', 'list.txt: not UTF-8 text'),
        ('a.mp4 0\nb.mp4 40 3\n', 'utf-8', "line 2: 'b.mp4 40 3', expected"),
        ('a.mp4\t40\t3\n', 'utf-8', 'list.txt, line 1'),
        (' \n', 'utf-8', 'list.txt: no videos'),
    ],
)
def test_what_is_no_list(tmp_path, text, encoding, words):
    with pytest.raises(ValueError) as error:
        read(tmp_path / 'list.txt', text, encoding)
    assert words in str(error.value)


def test_labels_are_numbers_or_names(tmp_path, caplog):
    def labels(text, names=None):
        (tmp_path / 'list.txt').write_text(text)
        lines = read_video_list(tmp_path / 'list.txt')
        names = number_labels({'list.txt': lines}, names)
        return [label_of(line, names) for line in lines], names.names

    names = LabelMap(['walk', 'run', '7'], 'names.txt')
    assert labels('a.mp4 run\nb.mp4 high_jump') == (
        [1, 0],
        ['high_jump', 'run'],
    )
    assert labels('a.mp4 0\nb.mp4 2')[0] == [0, 2]
    assert labels('a.mp4 Run\nb.mp4 0\nc.mp4 7', names)[0] == [1, 0, 2]
    for wrong, words in (
        ('a.mp4 jump', "line 1: label 'jump' is none of the 3 class names"),
        ('a.mp4 3', "label '3' .* in names.txt, nor a number from 0 to 2"),
        ('a.mp4', "list.txt, line 1: 'a.mp4' has no label"),
    ):
        with pytest.raises(ValueError, match=words):
            labels(wrong, names)

    logger = MMLogger.get_current_instance()
    with caplog.at_level(logging.WARNING, logger.name):
        logger.addHandler(caplog.handler)
        labels('a.mp4 1\nb.mp4 2\n')
        logger.removeHandler(caplog.handler)
    assert 'list.txt: labels go from 1 to 2, but labels count from 0' in (
        caplog.text
    )


def test_the_marks_of_windows(tmp_path):
    """JSON lines in other encodings."""
    from integral_action.fileio import read_annotations

    path = tmp_path / 'list.jsonl'
    path.write_bytes(codecs.BOM_UTF8 + b'{"a": 1}\r\n{"a": 2}\r\n')
    assert read_annotations(path) == [dict(a=1), dict(a=2)]
    assert read_annotations(path)[1] == dict(a=2)
    path.write_bytes('{"a": 1}\n'.encode('utf-16'))
    with pytest.raises(ValueError, match='list.jsonl: UTF-16 text'):
        read_annotations(path)
    (tmp_path / 'list.json').write_text('[{"a": 1}]', encoding='utf-8-sig')
    assert read_annotations(tmp_path / 'list.json') == [dict(a=1)]
