import os
import pickle
import signal
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import parent_process
from typing import Callable, Dict, Iterable, Iterator, Tuple

from integral_action.datasets.conversion.video import Video

CRASH = 'reading it crashes'


def _prepare_worker() -> None:
    """An interrupt is the parent's to handle; a worker dies with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow_parent() -> None:
        parent_process().join()
        os._exit(1)

    threading.Thread(target=follow_parent, daemon=True).start()


def convert_all(
    convert_one: Callable, videos: Iterable[Video], workers: int
) -> Iterator[Tuple[Video, Dict]]:
    """Each video with its outcome, in the order in which they are done.

    Some broken files crash the library that reads them, and the process with
    it. The videos at hand are then tried again, each in a process of its own.
    """
    if workers == 1:
        for video in videos:
            yield video, convert_one(video)
        return
    pickle.dumps(convert_one)  # a pool that cannot send it never ends
    waiting = deque(videos)
    while waiting:
        running = {}
        pool = ProcessPoolExecutor(workers, initializer=_prepare_worker)
        try:
            while waiting or running:
                while waiting and len(running) < 4 * workers:
                    task = pool.submit(convert_one, waiting[0])
                    running[task] = waiting.popleft()
                for task in wait(running, None, FIRST_COMPLETED).done:
                    outcome = task.result()
                    yield running.pop(task), outcome
        except BrokenProcessPool:
            for video in running.values():
                yield video, _alone(convert_one, video)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _alone(convert_one: Callable, video: Video) -> Dict:
    with ProcessPoolExecutor(1, initializer=_prepare_worker) as pool:
        try:
            return pool.submit(convert_one, video).result()
        except BrokenProcessPool:
            return dict(
                problem=[
                    CRASH,
                    f'{video.filename}, or its poses {video.poses}: the '
                    f'process that read it died',
                ]
            )
