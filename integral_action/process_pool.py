"""A process pool that outlives the files on which a library crashes."""

import os
import pickle
import signal
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import parent_process
from typing import Any, Callable, Iterable, Iterator, Tuple


def _prepare_worker() -> None:
    """An interrupt is the parent's to handle; a worker dies with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow_parent() -> None:
        parent_process().join()
        os._exit(1)

    threading.Thread(target=follow_parent, daemon=True).start()


def run_in_processes(
    function: Callable[[Any], Any],
    items: Iterable[Any],
    workers: int,
    crashed: Callable[[Any], Any],
) -> Iterator[Tuple[Any, Any]]:
    """Call a function on each item, in processes.

    Some broken files crash the library that reads them, and the process with
    it. The items at hand are then tried again, each in a process of its own.

    Args:
        function: must be picklable.
        items: its arguments.
        workers: number of processes; 0 for this one.
        crashed: result for an item on which its process dies.

    Yields:
        Each item with its result, in the order in which they are done.
    """
    if workers == 0:
        for item in items:
            yield item, function(item)
        return
    pickle.dumps(function)  # a pool that cannot send it never ends
    waiting = deque(items)
    while waiting:
        running = {}
        pool = ProcessPoolExecutor(workers, initializer=_prepare_worker)
        try:
            while waiting or running:
                while waiting and len(running) < 4 * workers:
                    task = pool.submit(function, waiting[0])
                    running[task] = waiting.popleft()
                for task in wait(running, None, FIRST_COMPLETED).done:
                    result = task.result()
                    yield running.pop(task), result
            pool.shutdown()  # a process that exits before it never ends
        except BrokenProcessPool:
            for item in running.values():
                yield item, _run_alone(function, item, crashed)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _run_alone(function: Callable, item: Any, crashed: Callable) -> Any:
    with ProcessPoolExecutor(1, initializer=_prepare_worker) as pool:
        try:
            return pool.submit(function, item).result()
        except BrokenProcessPool:
            return crashed(item)
