import threading
from collections import deque
from typing import Any, Iterable, Iterator, List, Optional


class Mailbox:
    """Items that one thread puts and another takes.

    Whoever is too slow to take all of them gets the newest, so that nothing
    waits for ever longer.

    Args:
        size: number of items that wait; the oldest is dropped for one more.
            None for all.

    Attributes:
        dropped: number of items that were dropped.

    Example:
        >>> box = Mailbox(2)
        >>> for item in 'abc':
        ...     box.put(item)
        >>> box.end()
        >>> list(box), box.dropped
        (['b', 'c'], 1)
    """

    def __init__(self, size: Optional[int]) -> None:
        self.dropped = 0
        self._size, self._items = size, deque()
        self._changed = threading.Condition()
        self._ended, self._error = False, None

    def put(self, item: Any) -> None:
        """Add an item."""
        with self._changed:
            if len(self._items) == self._size:
                self._items.popleft()
                self.dropped += 1
            self._items.append(item)
            self._changed.notify()

    def end(self, error: Optional[BaseException] = None) -> None:
        """Say that no item follows, and what is raised in its place."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify()

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        with self._changed:
            # a timeout lets Ctrl-C through on Windows
            while not (self._items or self._ended):
                self._changed.wait(0.5)
            if self._items:
                return self._items.popleft()
        if self._error is not None:
            raise self._error
        raise StopIteration

    def ready(self) -> List:
        """Take the items that wait, without waiting for one.

        Raises:
            Exception: that with which it has ended, behind the last item.
        """
        with self._changed:
            items = list(self._items)
            self._items.clear()
        if not items and self._error is not None:
            raise self._error
        return items


class Background(Mailbox):
    """Iterate over something in a thread of its own.

    Args:
        items: what is iterated over; its error is raised to whoever takes.
        size: as of :class:`Mailbox`.

    Example:
        >>> list(Background(range(3), size=None))
        [0, 1, 2]
    """

    def __init__(self, items: Iterable, size: Optional[int]) -> None:
        super().__init__(size)
        self._closed = False
        self._thread = threading.Thread(
            target=self._run, args=(items,), daemon=True
        )
        self._thread.start()

    def _run(self, items: Iterable) -> None:
        error = None
        try:
            for item in items:
                if self._closed:
                    break
                self.put(item)
        except BaseException as raised:
            error = raised
        self.end(error)

    def close(self, timeout: float = 2.0) -> None:
        """End the thread behind its next item, and wait for it.

        Args:
            timeout: seconds to wait at most.
        """
        self._closed = True
        self._thread.join(timeout)
