"""Ctrl-C in a training: noted by a flag that is read between calls of compiled programs."""

import signal
import threading


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
