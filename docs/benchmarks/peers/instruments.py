"""Instruments of the measured processes: clocks, and a gauge of memory."""

import io
import os
import threading
import time
from pathlib import Path

import numpy as np


class EpochClock(io.TextIOBase):
    """Takes the time at the end of each epoch.

    Those who have callbacks call `tick`. Those who only print a line an epoch print it here: as a
    stream, the clock ticks at each such line.
    """

    def __init__(self):
        self._times = []

    def tick(self, *_):
        """Take the time."""
        self._times.append(time.perf_counter())

    def write(self, text):
        """Take the time where the text is the line of an epoch."""
        if text.startswith(("Epoch ", "Iteration ")):
            self.tick()
        return len(text)

    def seconds_an_epoch(self):
        """Median time of an epoch after the first, in which programs are compiled."""
        return float(np.median(np.diff(self._times)))


class PeakMemory:
    """Highest anonymous memory of this process while entered, beyond that at the start.

    Anonymous memory leaves out the pages of memory-mapped files, which the system takes back when
    it needs them.

    Attributes
    ----------
    mb : float
        In 10^6 bytes.
    """

    interval = 0.002

    def __enter__(self):
        self._start = self._peak = anonymous_bytes()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()
        self.mb = (self._peak - self._start) / 1e6

    def _watch(self):
        while not self._done.is_set():
            self._peak = max(self._peak, anonymous_bytes())
            self._done.wait(self.interval)
        self._peak = max(self._peak, anonymous_bytes())


def anonymous_bytes():
    """Resident memory of this process that no file is behind; Linux alone says it."""
    _, resident, shared, *_ = Path("/proc/self/statm").read_text().split()
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def seconds_elsewhere():
    """Processor time that this machine has spent on anything but this process and its children."""
    ticks = Path("/proc/stat").read_text().split()[1:9]
    user, nice, system, _idle, _waiting, *interrupts = map(int, ticks)
    busy = (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
    own = os.times()
    return busy - own.user - own.system - own.children_user - own.children_system


def call_times(function, argument, *, max_calls, max_seconds):
    """Seconds of each of many calls, at least three and as many as the limits allow."""
    seconds = []
    while len(seconds) < 3 or (len(seconds) < max_calls and sum(seconds) < max_seconds):
        start = time.perf_counter()
        function(argument)
        seconds.append(time.perf_counter() - start)
    return np.array(seconds)
