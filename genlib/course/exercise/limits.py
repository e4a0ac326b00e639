"""A soft time limit for a learner's code, in the kernel itself; works on Windows too."""

import _thread
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any


class TimeLimitError(BaseException):
    """The code ran too long. A BaseException, so that an `except Exception` in that code does not swallow it."""


def _interrupt_main() -> None:
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:  # a real signal, which also ends a sleep
        main = threading.main_thread().ident
        assert main is not None  # it has been started
        signal.pthread_kill(main, signal.SIGINT)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises TimeLimitError in the body once it has computed for so long; the learner's own stop button works as ever.

    What counts is the processor's time, so that a busy machine refuses nobody; ten times as much on the clock ends an
    answer that only waits.

    The interrupt is repeated until the body ends, as a bare `except:` in a loop can swallow it. If it was swallowed,
    the next ones raise a few lines further on, where the `try` does not reach. Outside the main thread, where Python
    delivers no interrupts, there is no limit. A single long call into C is only ended when it returns.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    over = threading.Event()  # the body has ended
    expired = threading.Event()
    tracing, attempts = sys.gettrace(), 0

    def on_interrupt(_signal: int, frame: Any) -> None:
        nonlocal attempts
        if over.is_set():
            return  # came too late to matter
        if not expired.is_set():
            raise KeyboardInterrupt
        attempts += 1
        if attempts == 1:
            raise TimeLimitError
        lines = attempts % 7

        def trace(_frame: Any, event: str, _argument: Any) -> Any:
            nonlocal lines
            lines -= event == "line"
            if lines < 0:
                raise TimeLimitError
            return trace

        while frame is not None and frame.f_code.co_filename != __file__:
            frame.f_trace = trace
            frame = frame.f_back
        sys.settrace(trace)

    def watch() -> None:
        computing, waiting = time.process_time() + seconds, time.monotonic() + 10 * seconds
        while not over.wait(0.05):
            if time.process_time() > computing or time.monotonic() > waiting:
                expired.set()
                _interrupt_main()

    before = signal.signal(signal.SIGINT, on_interrupt)
    watcher = threading.Thread(target=watch, daemon=True)
    try:
        watcher.start()
        yield
    finally:
        over.set()
        sys.settrace(tracing)
        watcher.join()
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)
