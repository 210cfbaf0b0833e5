"""What `verbose` shows of a fit that is under way: a bar, or a line an epoch."""

import multiprocessing
import shutil
import sys
import threading
import time

LEAST_SECONDS = 0.1
"""Time between two drawings of a bar: a terminal takes longer to show one than a small epoch."""

BAR_WIDTH = 20
"""Characters of a bar."""


class Report:
    """Shows each epoch of a fit, those of pretraining included.

    Parameters
    ----------
    verbose : bool or int
        0 shows nothing; 1 a bar in a terminal or notebook, else a line an epoch; 2 or more a line
        an epoch.
    n_layers : int
        Number of layers that are pretrained, each for `n_layer_epochs`.
    n_layer_epochs : int
        Maximum number of epochs of a layer.
    n_epochs : int
        Maximum number of epochs of the whole network.
    n_earlier : int, default=0
        Epochs of earlier fits, from which the numbers go on.
    """

    def __init__(self, verbose, n_layers, n_layer_epochs, n_epochs, *, n_earlier=0):
        self._is_shown = bool(verbose)
        self._is_bar = verbose == 1 and shows_bars()
        self._n_layers, self._n_layer_epochs = n_layers, n_layer_epochs
        self._n_epochs, self._n_earlier = n_epochs, n_earlier
        self._stage, self._first = None, (0.0, 0)
        self._drawn, self._width, self._text = 0.0, 0, ""

    def epoch(self, training, layer=None):
        """Show an epoch that ended.

        Parameters
        ----------
        training : Training
        layer : int, default=None
            Number of the layer that is trained, from 0; None for the whole network.
        """
        if not self._is_shown:
            return
        now, n_done = time.monotonic(), training.n_epochs
        if layer is None:
            n_done -= self._n_earlier
        if self._stage != (training, layer):
            self._end_line()
            self._stage, self._first = (training, layer), (now, n_done)
        line = self._line(layer, training, self._seconds_left(now, n_done, layer))
        if not self._is_bar:
            print(line, flush=True)
            return
        n_full = round(BAR_WIDTH * n_done / self._most(layer))
        self._text = f"[{'#' * n_full}{'.' * (BAR_WIDTH - n_full)}] {line}"
        if now - self._drawn >= LEAST_SECONDS:
            self._drawn = now
            self._draw()

    def trial(self, number, most):
        """Show that a trial of `alpha` begins.

        Parameters
        ----------
        number : int
            From 0.
        most : int
            Most trials of this fit.
        """
        if self._is_shown:
            self._end_line()
            name = f"Choosing alpha on rows held out: trial {number + 1} of at most {most}"
            print(name, flush=True)

    def close(self):
        """The fit ended, or failed."""
        self._end_line()

    def _most(self, layer):
        return self._n_epochs if layer is None else self._n_layer_epochs

    def _seconds_left(self, now, n_done, layer):
        """Seconds that all epochs which are left take; None after a single epoch.

        The first epoch of a network is left out, because it compiles the program. Epochs of other
        layers are taken to last as long as those of this one.
        """
        start, first = self._first
        if n_done == first:
            return None
        n_left = self._most(layer) - n_done
        if layer is not None:
            n_left += (self._n_layers - layer - 1) * self._n_layer_epochs + self._n_epochs
        return n_left * (now - start) / (n_done - first)

    def _line(self, layer, training, seconds):
        if layer is None:
            name, most = "Epoch", self._n_earlier + self._n_epochs
        else:
            name = f"Pretraining of layer {layer + 1} of {self._n_layers}: epoch"
            most = self._n_layer_epochs
        return f"{name} {training.n_epochs} of {most}, {losses(training)}{in_words(seconds)}"

    def _draw(self):
        text = self._text[: shutil.get_terminal_size((120, 24)).columns - 1]
        # Blanks wipe out what is left of a longer text.
        print("\r" + text.ljust(self._width), end="", flush=True)
        self._width, self._text = len(text), ""

    def _end_line(self):
        if self._text:  # of the last epoch, for which it was too early
            self._draw()
        if self._width:
            print(flush=True)
        self._width, self._drawn = 0, 0.0


def losses(training):
    """The losses of the last epoch in words."""
    history = training.history
    text = f"loss = {history['loss'][-1]:.6g}"
    if "val_loss" in history:
        text += f", validation loss = {history['val_loss'][-1]:.6g}"
    return text


def shows_bars():
    """Whether output goes to a terminal or notebook, and from one fit at a time.

    Workers of a search share a terminal, where their bars would overwrite each other.
    """
    out = sys.stdout
    is_shown = type(out).__module__.startswith("ipykernel") or (
        hasattr(out, "isatty") and out.isatty()
    )
    is_alone = threading.current_thread() is threading.main_thread()
    return is_shown and is_alone and multiprocessing.parent_process() is None


def in_words(seconds):
    """Seconds that are left, at most because a training may end earlier; nothing if unknown."""
    if not seconds:
        return ""
    if seconds < 1:
        return ", less than 1 s left"
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f", at most {seconds / size:.1f} {unit} left"
    return f", at most {seconds:.0f} s left"
