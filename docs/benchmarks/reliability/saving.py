"""`save` that is killed, or has no room: at sizes that files may have, and on a full disk."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from .tally import Tally

PROMISE = "the earlier file or the new one, complete; an error; no stray files after the next save"

ESTIMATORS = """
import sys, warnings
import numpy as np
import skae
warnings.simplefilter("ignore")
generator = np.random.default_rng(0)
earlier, new = (
    skae.AutoencoderTransformer(8, hidden_layer_sizes=(width,), max_iter=1, random_state=0)
    .fit(generator.uniform(size=(20, 1000)))
    for width in (150, 250)
)
folder = sys.argv[1]
"""

FILES = """
skae.save(earlier, f"{folder}/earlier")
skae.save(new, f"{folder}/new")
"""

OVER_AND_OVER = """
earlier, new = skae.load(f"{folder}/earlier"), skae.load(f"{folder}/new")
print("ready", flush=True)
while True:
    skae.save(new, f"{folder}/model")
    skae.save(earlier, f"{folder}/model")
"""

LIMITED = """
import os, pathlib, resource
path = pathlib.Path(folder, "model")
skae.save(new, path)
size = path.stat().st_size
skae.save(earlier, path)
whole = path.read_bytes()
for number in range(int(sys.argv[2])):
    limit = int(size * number / int(sys.argv[2]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        skae.save(new, path)
        outcome = "saved beyond the limit"
    except OSError as error:
        outcome = "OSError"
    except Exception as error:
        outcome = repr(error)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    if path.read_bytes() != whole or os.listdir(folder) != ["model"]:
        outcome = f"the earlier file is not left alone, after {outcome}"
    print(f"limit of {limit} bytes: {outcome}")
"""

FULL = """
import errno, os, pathlib
path = pathlib.Path(folder, "model")
skae.save(earlier, path)
whole, rest = path.read_bytes(), pathlib.Path(folder, "rest")
for share in (0.0, 0.2, 0.5, 0.9):
    with open(rest, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(2**12))
        except OSError:
            file.truncate(file.tell() - int(share * len(whole)))
    try:
        skae.save(new, path)
        outcome = "saved on a full disk"
    except OSError as error:
        outcome = "OSError" if error.errno == errno.ENOSPC else repr(error)
    if path.read_bytes() != whole or sorted(os.listdir(folder)) != ["model", "rest"]:
        outcome = f"the earlier file is not left alone, after {outcome}"
    print(f"room for {share:.0%}: {outcome}")
os.unlink(rest)
skae.save(new, path)
assert os.listdir(folder) == ["model"]
"""


def campaign(n_kills=50, n_sizes=20, seed=0):
    """Kill `save`, and let it run out of room."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        kills(folder, n_kills, np.random.default_rng(seed), tally)
    with tempfile.TemporaryDirectory() as folder:
        done = run(program(ESTIMATORS + LIMITED, folder, n_sizes))
        note_lines(done, "a file-size limit", tally)
    with tempfile.TemporaryDirectory() as folder:
        on_small_disk(folder, tally)
    return tally


def program(code, folder, *arguments):
    """The command that runs a program in a child process."""
    return [sys.executable, "-c", code, str(folder), *map(str, arguments)]


def run(command):
    """A child process that has ended."""
    return subprocess.run(command, capture_output=True, text=True)


def kills(folder, n_kills, generator, tally):
    """Kill processes that save in turns two estimators of different size under one name."""
    run(program(ESTIMATORS + FILES, folder)).check_returncode()
    path, whole = Path(folder, "model"), {}
    for name in ("earlier", "new"):
        whole[Path(folder, name).read_bytes()] = name
    shutil.copy(Path(folder, "earlier"), path)
    head = ESTIMATORS.partition("generator")[0] + "folder = sys.argv[1]\n"
    for number in range(n_kills):
        with subprocess.Popen(
            program(head + OVER_AND_OVER, folder), stdout=subprocess.PIPE, text=True
        ) as child:
            child.stdout.readline()
            time.sleep(generator.uniform(0, 0.2))
            child.kill()
        found, left = whole.get(path.read_bytes()), len(os.listdir(folder)) - 3
        if found is None:
            tally.fault("a file that is neither", f"kill {number}")
        else:
            tally.note(f"killed, the {found} file{' and a part' * bool(left)}")
    import skae

    skae.save(skae.load(Path(folder, "new")), path)
    if sorted(os.listdir(folder)) != ["earlier", "model", "new"]:
        tally.fault("litter", str(sorted(os.listdir(folder))))


def on_small_disk(folder, tally):
    """Save on a file system of 8 MB in memory, where the system lets its users mount one."""
    mounted = f'mount -t tmpfs -o size=8m tmpfs {folder} && exec "$@"'
    command = ["unshare", "--mount", "--map-root-user", "sh", "-c", mounted, "sh"]
    if shutil.which("unshare") is None or run([*command, "true"]).returncode:
        tally.note("a full disk: not tried, because nothing can be mounted here")
        return
    note_lines(run([*command, *program(ESTIMATORS + FULL, folder)]), "a full disk", tally)


def note_lines(done, kind, tally):
    """Note what a child process printed of each of its cases."""
    if done.returncode:
        tally.fault(kind, f"exit {done.returncode}: {done.stderr[-300:]}")
    for line in done.stdout.splitlines():
        case, _, outcome = line.partition(": ")
        if outcome == "OSError":
            tally.note(f"{kind}: OSError")
        else:
            tally.fault(kind, f"{case}: {outcome}")
