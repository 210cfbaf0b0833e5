"""Compiled programs in a folder that processes share: keys, files, and who may write them."""

import os
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import jax
import numpy as np
import pytest
from cases import slow, slow_but
from jax.experimental.compilation_cache.compilation_cache import reset_cache
from sklearn.base import clone

from skae import AutoencoderTransformer, DenoisingAutoencoder, VariationalAutoencoder
from skae._engine import _jax, clear_programs, compile_cache, program_info
from skae._engine.programs import compile_program
from skae.architectures import Conv

KEY = compile_cache.key_of(["a program"])


@contextmanager
def jax_caching_in(path):
    """JAX's own persistent cache, which the tests have on, in another folder or off."""
    before = jax.config.jax_compilation_cache_dir
    try:
        jax.config.update("jax_compilation_cache_dir", path)
        reset_cache()
        yield
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
        reset_cache()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, in use."""
    monkeypatch.setenv(compile_cache.SWITCH, str(tmp_path / "programs"))
    monkeypatch.setattr(compile_cache, "_warned", set())
    clear_programs()
    with jax_caching_in(None):
        yield compile_cache.folder()
    clear_programs()


def compiled(function, *arguments, cpu_options=None):
    """`function` as a program, made anew as in another process, and what was done for it."""
    clear_programs()
    program = compile_program(
        "test", id(function), lambda: function, arguments, cpu_options=cpu_options
    )
    made = program_info()
    return program, [made["compiled"], made["loaded"]]


# The folder


@pytest.mark.parametrize("switch", [None, "", "off"])
def test_nothing_is_shared_unless_a_folder_is_named(switch, monkeypatch):
    monkeypatch.delenv(compile_cache.SWITCH, raising=False)
    if switch is not None:
        monkeypatch.setenv(compile_cache.SWITCH, switch)
    assert compile_cache.folder() is None


def test_the_folder_is_made_for_its_user_alone(folder):
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    compile_cache.write(folder, KEY, b"program")
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_folder_in_which_others_may_write_is_not_used(tmp_path, monkeypatch):
    tmp_path.chmod(0o770)
    monkeypatch.setenv(compile_cache.SWITCH, str(tmp_path))
    with pytest.warns(UserWarning, match="others may write to it"):
        assert compile_cache.folder() is None
    assert compile_cache.folder() is None  # which is said once


def test_a_folder_of_another_user_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv(compile_cache.SWITCH, str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.warns(UserWarning, match="others may write to it"):
        assert compile_cache.folder() is None


def test_a_path_that_each_worker_would_understand_differently_is_not_used(monkeypatch):
    monkeypatch.setenv(compile_cache.SWITCH, "programs")
    with pytest.warns(UserWarning, match="absolute path"):
        assert compile_cache.folder() is None


def test_a_folder_that_cannot_be_made_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(compile_cache.SWITCH, str(tmp_path / "file" / "programs"))
    with pytest.warns(UserWarning, match="it cannot be used"):
        assert compile_cache.folder() is None


# Files


def test_a_program_comes_back_as_it_was(folder):
    program = np.random.default_rng(0).bytes(1000)
    assert compile_cache.read(folder, KEY) is None
    compile_cache.write(folder, KEY, program)
    assert compile_cache.read(folder, KEY) == program
    assert compile_cache.read(folder, compile_cache.key_of(["another"])) is None


def test_a_damaged_file_is_none(folder):
    compile_cache.write(folder, KEY, b"program" * 100)
    (path,) = folder.iterdir()
    content = path.read_bytes()
    for position in range(len(content)):
        path.write_bytes(content[:position])
        assert compile_cache.read(folder, KEY) is None
        damaged = bytearray(content)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        assert compile_cache.read(folder, KEY) is None
    other = compile_cache.key_of(["another"])
    path.write_bytes(content)
    path.rename(folder / f"{other}{compile_cache.SUFFIX}")
    assert compile_cache.read(folder, other) is None


def test_a_file_that_others_may_have_written_is_not_read(folder):
    compile_cache.write(folder, KEY, b"program")
    (path,) = folder.iterdir()
    path.chmod(0o620)
    assert compile_cache.read(folder, KEY) is None
    path.chmod(0o600)
    assert compile_cache.read(folder, KEY) == b"program"


def test_writers_at_once_leave_one_complete_file(folder):
    programs = [bytes([number]) * 100_000 for number in range(8)]
    threads = [
        threading.Thread(target=compile_cache.write, args=(folder, KEY, program))
        for program in programs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(folder.iterdir())) == 1
    assert compile_cache.read(folder, KEY) in programs


def test_a_folder_that_is_gone_or_full_costs_nothing_but_the_file(folder, monkeypatch):
    def fails(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fails)
    compile_cache.write(folder, KEY, b"program")
    assert list(folder.iterdir()) == []
    folder.rmdir()
    compile_cache.write(folder, KEY, b"program")
    assert compile_cache.read(folder, KEY) is None


def test_the_folder_is_bounded(folder, monkeypatch):
    keys = [compile_cache.key_of([number]) for number in range(4)]
    for age, key in enumerate(keys):
        compile_cache.write(folder, key, np.random.default_rng(age).bytes(1000))
        then = time.time() - 1000 + 10 * age
        os.utime(folder / f"{key}{compile_cache.SUFFIX}", (then, then))
    for name, age in (("killed", 2 * compile_cache.ABANDONED_SECONDS), ("running", 0)):
        path = folder / f"{name}{compile_cache.PART}"
        path.touch()
        os.utime(path, (time.time() - age, time.time() - age))
    assert compile_cache.read(folder, keys[0]) is not None  # used: now it is the newest
    monkeypatch.setattr(compile_cache, "MAX_BYTES", 2500)
    compile_cache._sweep(folder)
    left = [compile_cache.read(folder, key) is not None for key in keys]
    assert left == [True, False, False, True]
    assert [path.name for path in folder.glob(f"*{compile_cache.PART}")] == ["running.part"]


def test_one_compiles_while_the_others_wait(folder):
    compiled_by = []

    def worker(name):
        with compile_cache.turn_of(folder, KEY):
            if compile_cache.read(folder, KEY) is None:
                time.sleep(0.05)  # compiling, in which the others ask for their turn
                compiled_by.append(name)
                compile_cache.write(folder, KEY, b"program")

    threads = [threading.Thread(target=worker, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(compiled_by) == 1
    assert [path.suffix for path in folder.iterdir()] == [compile_cache.SUFFIX]


HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "ab")
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(100)
"""


def test_the_turn_of_a_killed_process_is_over(folder, monkeypatch):
    path = str(folder / f"{KEY}{compile_cache.LOCK}")
    command = [sys.executable, "-c", HOLD, path]
    monkeypatch.setattr(compile_cache, "WAITING_SECONDS", 100)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "locked\n"
        killed = []
        threading.Timer(0.1, lambda: (killed.append(True), process.kill())).start()
        with compile_cache.turn_of(folder, KEY):
            assert killed


def test_waiting_for_a_turn_has_an_end(folder, monkeypatch):
    monkeypatch.setattr(compile_cache, "WAITING_SECONDS", 0.05)
    with compile_cache.turn_of(folder, KEY), compile_cache.turn_of(folder, KEY):
        pass


# Keys


def test_what_compiling_depends_on_is_in_the_key(monkeypatch):
    def key():
        return compile_cache.key_of(["text"])

    plain = key()
    assert plain == key()
    assert compile_cache.key_of(["te", "xt"]) != plain
    with monkeypatch.context() as patch:
        patch.setenv("XLA_FLAGS", "--xla_of_another_kind=true")
        assert key() != plain
    with monkeypatch.context() as patch:
        patch.setattr(compile_cache, "_processor", lambda: "flags: sse2")
        assert key() != plain
    with monkeypatch.context() as patch:
        patch.setattr(os, "sched_getaffinity", lambda pid: set(range(1000)))
        assert key() != plain
    monkeypatch.setenv("LANG", "another")
    assert key() == plain


def test_the_processor_is_known_by_its_instructions():
    if os.path.exists("/proc/cpuinfo"):
        names = [line.split(":")[0].strip() for line in compile_cache._processor().splitlines()]
        assert {"flags", "Features"} & set(names)
        assert len(names) == len(set(names))  # one processor, and nothing that changes, as MHz


# Programs


def test_a_program_is_compiled_once_for_all_processes(folder):
    x = np.linspace(0, 1, 30, dtype=np.float32).reshape(5, 6)

    def compute(x):
        return jax.numpy.tanh(x @ x.T).sum(axis=0)

    first, made = compiled(compute, x)
    assert made == [1, 0]
    again, made = compiled(compute, x)
    assert made == [0, 1]
    np.testing.assert_array_equal(first(x), again(x))
    _, made = compiled(compute, x[:4])
    assert made == [1, 0]


def test_options_of_the_compiler_make_another_program(folder):
    x = np.ones(3, np.float32)
    compiled(jax.numpy.sin, x)
    _, made = compiled(jax.numpy.sin, x, cpu_options=_jax.QUICK_COMPILE)
    assert made == [1, 0]


def test_unused_arguments_are_not_mistaken_for_others(folder):
    """Both have the same text: JAX leaves out what a program does not use."""
    a, b = np.float32(1), np.float32(2)
    first, _ = compiled(lambda a, b: 10 * a, a, b)
    second, made = compiled(lambda a, b: 10 * b, a, b)
    assert made == [1, 0]
    assert (first(a, b), second(a, b)) == (10, 20)


def test_constants_are_in_the_key_with_all_their_numbers(folder):
    constants = np.zeros((2, 100_000), np.float32)
    constants[1, 50_000] = 1
    x = np.float32(0)
    sums = [compiled(lambda x, c=c: (jax.numpy.asarray(c) + x).max(), x)[0](x) for c in constants]
    assert sums == [0, 1]


def test_a_program_with_a_function_of_this_process_is_not_shared(folder):
    shape = jax.ShapeDtypeStruct((), np.float32)

    def call_back(x):
        return jax.pure_callback(lambda x: 2 * x, shape, x)

    for _ in range(2):
        program, made = compiled(call_back, np.float32(3))
        assert made == [1, 0]
        assert program(np.float32(3)) == 6
    assert list(folder.iterdir()) == []


def test_programs_for_several_devices_are_not_shared(folder, monkeypatch):
    text = jax.stages.Lowered.as_text
    several = "mhlo.num_partitions = 2 : i32"
    monkeypatch.setattr(
        jax.stages.Lowered, "as_text",
        lambda lowered: text(lowered).replace("mhlo.num_partitions = 1 : i32", several),
    )  # fmt: skip
    compiled(jax.numpy.sin, np.ones(3, np.float32))
    assert list(folder.iterdir()) == []


def test_what_jax_does_not_take_is_compiled_anew(folder):
    x = np.ones(3, np.float32)
    compiled(jax.numpy.cos, x)
    (path,) = folder.iterdir()
    key = path.name.removesuffix(compile_cache.SUFFIX)
    compile_cache.write(folder, key, b"of another version of JAX")
    with pytest.warns(UserWarning, match="JAX does not take a program"):
        program, made = compiled(jax.numpy.cos, x)
    assert made == [1, 0]
    np.testing.assert_allclose(program(x), np.cos(x), rtol=1e-6)
    assert compiled(jax.numpy.cos, x)[1] == [0, 1]  # the file has been replaced


def test_jaxs_own_switch_is_obeyed(folder):
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        with pytest.warns(UserWarning, match="jax_enable_compilation_cache is off"):
            compiled(jax.numpy.sin, np.ones(3, np.float32))
    finally:
        jax.config.update("jax_enable_compilation_cache", True)
    assert list(folder.iterdir()) == []


def test_where_jax_caches_nothing_is_written(folder, tmp_path):
    """What JAX took from its cache can be written, but another process could not call it."""
    x = np.ones((3, 4), np.float32)
    for _ in range(2):
        with jax_caching_in(str(tmp_path / "jax")), pytest.warns(UserWarning, match="JAX's own"):
            compiled(lambda x: jax.numpy.tanh(x @ x.T).sum(axis=0), x)
        assert list(folder.iterdir()) == []
        compile_cache._warned.clear()
    assert list((tmp_path / "jax").iterdir()) != []


def test_jaxs_settings_are_left_alone(folder):
    def settings():
        return {name: getattr(jax.config, name, None) for name in jax.config.values}

    before = settings()
    assert compiled(jax.numpy.sin, np.ones(3, np.float32))[1] == [1, 0]
    assert settings() == before
    assert sys.modules["jax._src.compilation_cache"]._cache is None


FIT = """
import sys
import numpy as np
from skae import AutoencoderTransformer, DenoisingAutoencoder, VariationalAutoencoder
from skae._engine import program_info
X = np.random.default_rng(0).normal(size=(50, 6))
np.save(sys.argv[1], AutoencoderTransformer(2, max_iter=3, random_state=0).fit_transform(X))
print(program_info()["compiled"], program_info()["loaded"])
"""


@slow
def test_a_new_process_compiles_nothing(folder, tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    outputs, codes = [], []
    for number in range(3):
        path = str(tmp_path / f"{number}.npy")
        environment[compile_cache.SWITCH] = "off" if number == 2 else str(folder)
        command = [sys.executable, "-c", FIT, path]
        done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
        outputs.append([int(word) for word in done.stdout.split()])
        codes.append(np.load(path))
    (n_programs, _), warm, without = outputs
    assert n_programs > 2
    assert warm == [0, n_programs]
    assert without == [n_programs, 0]
    np.testing.assert_array_equal(codes[1], codes[0])
    np.testing.assert_array_equal(codes[2], codes[0])


CONV = Conv((4, 4), (2,), normalization="batch", dropout=0.1)
ESTIMATORS = {
    "dense": AutoencoderTransformer(2, max_iter=2, random_state=0),
    "drawn": VariationalAutoencoder(2, max_iter=2, random_state=0),
    "convolutional": DenoisingAutoencoder(2, architecture=CONV, max_iter=2, random_state=0),
}


@pytest.mark.parametrize("kind", slow_but("dense", of=list(ESTIMATORS)))
def test_an_estimator_has_the_same_bits_from_the_folder(folder, kind):
    X = np.random.default_rng(0).normal(size=(60, 16))
    results = []
    for _ in range(2):
        clear_programs()
        fitted = clone(ESTIMATORS[kind]).fit(X)
        results.append((fitted.transform(X), fitted.reconstruct(X)))
    made = program_info()
    assert made["compiled"] == 0
    assert made["loaded"] >= 3  # an epoch, the code, the reconstruction
    for again, first in zip(results[1], results[0], strict=True):
        np.testing.assert_array_equal(again, first)
