"""What waits between two threads, and what is dropped."""

import threading

import pytest

from integral_action.live import Background, Mailbox


def test_the_oldest_are_dropped_and_counted():
    taken = threading.Event()

    def numbers():
        yield from range(10)
        taken.wait(10)
        yield 10

    background = Background(numbers(), 3)
    while background.dropped < 7:
        pass
    assert background.ready() == [7, 8, 9] and background.ready() == []
    taken.set()
    assert list(background) == [10] and background.dropped == 7


def test_an_error_comes_behind_what_was_before_it():
    def numbers():
        yield 1
        raise OSError('gone')

    background = Background(numbers(), 3)
    assert next(background) == 1
    with pytest.raises(OSError, match='gone'):
        next(background)


def test_a_closed_one_ends_with_its_next_item():
    going = threading.Semaphore(0)

    def numbers():
        while True:
            going.acquire()
            yield 0

    background = Background(numbers(), 3)
    background.close(timeout=0)
    going.release()
    assert list(background) == []


def test_a_mailbox_without_a_size_keeps_all():
    box = Mailbox(None)
    for number in range(1000):
        box.put(number)
    box.end()
    assert list(box) == list(range(1000)) and box.dropped == 0
