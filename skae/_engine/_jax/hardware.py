"""Which devices and processes there are, and the device that programs of a thread run on."""


def on_cpu():
    """Whether programs run on a CPU."""
    import jax

    return jax.default_backend() == "cpu"


def devices():
    """The devices programs run on, as text, the default one first."""
    import jax

    return [f"{device.platform}:{device.id} ({device.device_kind})" for device in jax.devices()]


def n_devices():
    """Number of devices, those of other processes included."""
    import jax

    return jax.device_count()


def n_processes():
    """Number of processes that work together, and the number of this one."""
    import jax

    return jax.process_count(), jax.process_index()


def on_this_device(function):
    """`function`, to be called in another thread, on what is the default device in this one."""
    import jax

    device = jax.config.jax_default_device

    def call():
        with jax.default_device(device):
            return function()

    return call
