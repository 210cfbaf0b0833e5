"""Keras layers that Keras does not have, or that it runs slowly on a CPU.

Each is a function that returns the class, because Keras is imported when a network is built.
"""

import functools

from ._engine import LINEAR_PATH, load_keras


@functools.cache
def tied_dense():
    """The layer that multiplies by the transposed kernel of another, with a bias of its own."""
    keras = load_keras()

    class TiedDense(keras.layers.Layer):
        """The mirror image of a dense layer.

        Parameters
        ----------
        mirrored : keras.layers.Dense
            A layer that has been built.
        """

        def __init__(self, mirrored):
            super().__init__()
            self.mirrored = mirrored
            self.bias_initializer = keras.initializers.Zeros()

        def build(self, input_shape):
            """Add the bias."""
            width = self.mirrored.kernel.shape[0]
            self.bias = self.add_weight(
                shape=(width,), initializer=self.bias_initializer, name="bias"
            )

        def call(self, inputs):
            """Outputs of the layer."""
            kernel = keras.ops.transpose(self.mirrored.kernel)
            return keras.ops.matmul(inputs, kernel) + self.bias

    return TiedDense


@functools.cache
def linear_path():
    """The layer that adds a fixed linear function of the input to what other layers give."""
    keras = load_keras()

    @keras.saving.register_keras_serializable("skae")
    class LinearPath(keras.layers.Layer):
        """A matrix beside other layers, whose outputs are each multiplied by a gain.

        Neither is trained. As they are built, the matrix is zero and the gains one, so that the
        outputs are those of the other layers.

        Parameters
        ----------
        n_outputs : int
        """

        def __init__(self, n_outputs, name=LINEAR_PATH, **options):
            super().__init__(name=name, **options)
            self.n_outputs = n_outputs
            self.matrix_initializer = keras.initializers.Zeros()
            self.gain_initializer = keras.initializers.Ones()

        def build(self, shapes):
            """Add matrix and gains."""
            self.matrix = self.add_weight(
                shape=(shapes[0][-1], self.n_outputs),
                initializer=self.matrix_initializer,
                trainable=False,
                name="matrix",
            )
            self.gain = self.add_weight(
                shape=(self.n_outputs,),
                initializer=self.gain_initializer,
                trainable=False,
                name="gain",
            )

        def call(self, inputs):
            """Outputs of the layer, from the network's inputs and the other layers' outputs."""
            rows, others = inputs
            gain = keras.ops.expand_dims(self.gain, 0)  # where ranks are not promoted
            return keras.ops.matmul(rows, self.matrix) + gain * others

        def get_config(self):
            """What Keras needs to save the layer."""
            return {**super().get_config(), "n_outputs": self.n_outputs}

    return LinearPath


def doubled(x, kernel, ops, convolved):
    """What `DoublingConv` computes but for the bias; `ops` is the module that it is computed by."""
    size, _, n_outputs, n_inputs = kernel.shape
    p = max((size - 2) // 2, 0)
    before, after = (size - 1 - p) // 2, (1 + p) // 2
    n_taps = before + after + 1
    lead = 2 * after - p
    margin = (lead, 2 * n_taps - size - lead)
    kernel = ops.pad(kernel, (margin, margin, (0, 0), (0, 0)))
    kernel = ops.reshape(kernel, (n_taps, 2, n_taps, 2, n_outputs, n_inputs))
    kernel = ops.transpose(ops.flip(kernel, (0, 2)), (0, 2, 5, 1, 3, 4))
    kernel = ops.reshape(kernel, (n_taps, n_taps, n_inputs, 4 * n_outputs))
    padded = ops.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))
    pixels = convolved(padded, kernel, 1, "valid")
    _, height, width, _ = x.shape
    pixels = ops.reshape(pixels, (-1, height, width, 2, 2, n_outputs))
    pixels = ops.transpose(pixels, (0, 1, 3, 2, 4, 5))
    return ops.reshape(pixels, (-1, 2 * height, 2 * width, n_outputs))


def halved(x, ops):
    """What `HalvingMax` computes; `ops` is the module that it is computed by."""
    _, height, width, channels = x.shape
    blocks = (-1, height // 2, 2, width // 2, 2, channels)
    return ops.max(ops.reshape(x, blocks), axis=(2, 4))


def _convolved(images, kernel, stride, padding):
    conv = load_keras().ops.conv
    return conv(images, kernel, stride, padding, data_format="channels_last")


@functools.cache
def doubling_conv():
    r"""The transposed convolution of stride 2 as a plain convolution that gives four pixels each.

    Output :math:`y_{2m+r} = \sum_j x_{m-j} k_{2j+r+p}` (on either axis, r = 0 or 1, p as `padding`
    "same" sets it) needs no zeros between the inputs: it is a convolution of x with the kernel's
    even and odd entries side by side. Weights and values are those of `Conv2DTranspose`; forward
    and backward pass took a third of the time on two cores.

    References
    ----------
    .. [1] Shi, W. et al. (2016). Real-time single image and video super-resolution using an
       efficient sub-pixel convolutional neural network. CVPR.
       https://doi.org/10.1109/CVPR.2016.207
    """
    keras = load_keras()

    class DoublingConv(keras.layers.Conv2DTranspose):
        """A `Conv2DTranspose` of stride 2, padding "same", channels last and no dilation."""

        def __init__(self, filters, kernel_size):
            options = {"padding": "same", "data_format": "channels_last"}
            super().__init__(filters, kernel_size, strides=2, **options)

        def call(self, inputs):
            """Outputs of the layer, of twice the height and width."""
            return doubled(inputs, self.kernel, keras.ops, _convolved) + self.bias

    return DoublingConv


@functools.cache
def halving_max():
    """The maximum of each 2 x 2 pixels.

    Keras's `MaxPooling2D` is the same but for its gradient: forward and backward pass took five
    times as long on two cores.
    """
    keras = load_keras()

    class HalvingMax(keras.layers.Layer):
        """Halves height and width, which must be even."""

        def call(self, inputs):
            """Outputs of the layer."""
            return halved(inputs, keras.ops)

    return HalvingMax


@functools.cache
def first_units():
    """The layer that keeps the first units of its input."""
    keras = load_keras()

    class FirstUnits(keras.layers.Layer):
        """What is left of each row when the units behind the first ones are dropped.

        Parameters
        ----------
        n_units : int
        """

        def __init__(self, n_units):
            super().__init__()
            self.n_units = n_units

        def call(self, inputs):
            """The first units of each row."""
            return inputs[:, : self.n_units]

    return FirstUnits


@functools.cache
def rescaled():
    """The layer that gives each unit a centre and a scale, neither of which is trained."""
    keras = load_keras()

    class Rescaled(keras.layers.Layer):
        """Inputs less their centre, times a gain; as it is built, they stay as they are."""

        def __init__(self):
            super().__init__()
            self.centre_initializer = keras.initializers.Zeros()
            self.gain_initializer = keras.initializers.Ones()

        def build(self, input_shape):
            """Add centres and gains."""
            for name in ("centre", "gain"):
                weight = self.add_weight(
                    shape=(input_shape[-1],),
                    initializer=getattr(self, f"{name}_initializer"),
                    trainable=False,
                    name=name,
                )
                setattr(self, name, weight)

        def call(self, inputs):
            """Outputs of the layer."""
            centre, gain = (keras.ops.expand_dims(w, 0) for w in (self.centre, self.gain))
            return (inputs - centre) * gain

    return Rescaled
