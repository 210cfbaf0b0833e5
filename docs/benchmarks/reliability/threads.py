"""Many threads on one estimator, on their own, and on copies while another one fits."""

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .subjects import NAMES, bits, data, subject
from .tally import Tally

PROMISE = "bits equal to those of one thread; the old or the new state, never a mixture"

N_THREADS = 8


def campaign(n_calls=100, seed=0):
    """Share, fit and copy the estimators of every class in threads."""
    X, y = data()
    tally = Tally()
    for name in NAMES:
        fitted = subject(name).fit(X, y)
        expected = bits(fitted, X)
        with ThreadPoolExecutor(N_THREADS) as pool:
            shared = pool.map(lambda _, e=fitted: bits(e, X), range(N_THREADS * n_calls))
            count(tally, f"{name}, shared", shared, {expected})
            own = pool.map(lambda _, n=name: bits(subject(n).fit(X, y), X), range(N_THREADS))
            count(tally, f"{name}, own fits", own, {expected})
        while_refitted(name, fitted, expected, tally)
    return tally


def while_refitted(name, fitted, expected, tally):
    """Transform and copy an estimator that another thread fits to other rows."""
    X, y = data()
    other = np.ascontiguousarray(X[::-1] ** 2)
    possible = {expected, bits(subject(name).fit(other, y), X)}
    done = threading.Event()

    def refit():
        for rows in (other, X) * 3:
            fitted.fit(rows, y)
        done.set()

    thread = threading.Thread(target=refit)
    thread.start()
    ways = (lambda e: e, copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e)))
    found = []
    while not done.is_set():
        found += [bits(way(fitted), X) for way in ways]
    thread.join()
    count(tally, f"{name}, during a refit", found, possible)


def count(tally, case, results, possible):
    """Note which results are among those that are possible."""
    for result in results:
        if result in possible:
            tally.note(case.split(", ", 1)[1])
        else:
            tally.fault("other bits", case)
