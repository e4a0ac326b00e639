"""A soft time limit for a learner's code, in the kernel itself; works on Windows too."""

import _thread
import contextlib
import signal
import sys
import threading


class TimeLimitError(BaseException):
    """The code ran too long. A BaseException, so that an `except Exception` in that code does not swallow it."""


def _interrupt_main() -> None:
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:  # a real signal, which also ends a sleep
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@contextlib.contextmanager
def time_limit(seconds: float):
    """Raises TimeLimitError in the body once it has run for so long; the learner's own stop button works as ever.

    The interrupt is repeated until the body ends: a bare `except:` in a loop can swallow one, not all of them. Outside
    the main thread, where Python delivers no interrupts, there is no limit. A single long call into C is only ended
    when it returns.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    over = threading.Event()  # the body has ended
    expired = threading.Event()

    def on_interrupt(_signal, _frame):
        if over.is_set():
            return  # came too late to matter
        if expired.is_set():
            raise TimeLimitError
        raise KeyboardInterrupt

    def watch():
        if not over.wait(seconds):
            expired.set()
            _interrupt_main()
            while not over.wait(0.05):
                _interrupt_main()

    before = signal.signal(signal.SIGINT, on_interrupt)
    watcher = threading.Thread(target=watch, daemon=True)
    try:
        watcher.start()
        yield
    finally:
        over.set()
        watcher.join()
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)
