"""Ctrl-C: where it waits, and where it is noted by a flag."""

import signal
import threading


def out_of_reach(function):
    """Call `function` where no Ctrl-C breaks it off, which is raised when it is done.

    Python delivers signals to the main thread alone, so the call is made in another one. That is
    for what leaves the process broken if it ends halfway: imports, whose half-imported modules make
    every later import fail, and JAX's tracing, after which a later collection of garbage may crash.
    """
    if threading.current_thread() is not threading.main_thread():
        return function()
    outcome = {}

    def call():
        try:
            outcome["result"] = function()
        except BaseException as error:  # raised again in the thread that waits
            outcome["error"] = error

    thread, interrupt = threading.Thread(target=call), None
    thread.start()
    while thread.is_alive():
        try:
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
