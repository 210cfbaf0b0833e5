"""Ctrl-C: where it waits, and where it is noted by a flag."""

import signal
import threading

from .memory import THREAD_BYTES, check_memory


def uninterrupted(function):
    """Call `function` where no Ctrl-C breaks it off, which is raised when it is done.

    That is for what leaves the process broken if it ends halfway: imports, whose half-imported
    modules make every later import fail, and JAX's tracing, after which the process may crash.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    return in_a_thread(function) if in_main_thread else function()


def in_a_thread(function):
    """Call `function` in a thread of its own, and wait for its end even through a Ctrl-C.

    Python delivers signals to the main thread alone. The thread is waited for by an event: until
    Python 3.12, a `join` that an interrupt breaks off takes a thread that is still running for one
    that has ended. It would go on beside what comes next, and end the process at exit.
    """
    # A thread that gets no memory for its first frame would be waited for for ever, in `start`.
    check_memory(THREAD_BYTES, "A thread in which networks are built or programs compiled")
    outcome, done, first = {}, threading.Event(), threading.Lock()
    thread, interrupt = None, None

    def call():
        if not first.acquire(blocking=False):  # of a second start, where Ctrl-C came in the first
            return
        try:
            outcome["result"] = function()
        except BaseException as error:  # raised again in the thread that waits
            outcome["error"] = error
        finally:
            done.set()

    while not done.is_set():
        try:
            if thread is None:
                started = threading.Thread(target=call)
                started.start()
                thread = started
            done.wait()
            thread.join()
        except KeyboardInterrupt as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt
    if "error" in outcome:
        raise outcome.pop("error")  # which would else keep itself alive, by its traceback
    return outcome["result"]


class Interrupts:
    """Context in which the first Ctrl-C is noted, and the second raises `KeyboardInterrupt`.

    A training hands its state over to a compiled call, which deletes it: an interrupt inside would
    leave none. Outside the main thread, or where the program has a handler of its own, nothing is
    changed.

    Attributes
    ----------
    noted : bool
        Whether there was a Ctrl-C.
    """

    def __init__(self):
        self.noted = False
        self._is_on = False

    def __enter__(self):
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._is_on = True
        return self

    def __exit__(self, *error):
        if self._is_on:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _note(self, number, frame):
        if self.noted:
            raise KeyboardInterrupt
        self.noted = True
