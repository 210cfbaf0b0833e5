"""Load files that damage or strangers made: by hand, and by chance from each kind of estimator.

    python docs/benchmarks/bad_files.py

Each is loaded in a child process with an audit hook, which tells of files that are written, of
sockets, subprocesses and pickles. What is loaded all the same must be usable: its methods give
numbers, or refuse in words.
"""

import argparse
import copy
import io
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]

HUGE = 10**9


# Files, and what is in them


def members_of(content):
    """The members of a zip file by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members, **options):
    """A zip file of members, a dict or pairs."""
    buffer = io.BytesIO()
    pairs = members.items() if isinstance(members, dict) else members
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", **options) as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, data in pairs:
            archive.writestr(zipfile.ZipInfo(name), data, archive.compression)
    return buffer.getvalue()


def npy(array):
    """An array in NumPy's format."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asanyarray(array), (1, 0), allow_pickle=True)
    return buffer.getvalue()


def header(shape, kind="<f4"):
    """The header of an array in NumPy's format, without its numbers."""
    buffer = io.BytesIO()
    content = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, content)
    return buffer.getvalue()


def with_document(members, change):
    """Members with a changed document."""
    document = json.loads(members["skae.json"])
    change(document)
    return {**members, "skae.json": json.dumps(document).encode()}


def list_of(item, n):
    """A list of an item many times, as JSON."""
    return f"[{','.join([item] * n)}]"


def with_text(members, text):
    """Members with a parameter that is some JSON."""
    document = json.loads(members["skae.json"])
    document["estimator"]["params"]["verbose"] = "HERE"
    return {**members, "skae.json": json.dumps(document).replace('"HERE"', text).encode()}


def fitted(document):
    return document["estimator"]["fitted"]


def network(document):
    return fitted(document)["_network"]["record"][1]


def recipe(document):
    return network(document)["recipe"]["record"][1]


def architecture(name, **params):
    return {"object": [f"skae.architectures.{name}", params]}


# Files made by hand


def sized(n):
    """Lie about the number of features, everywhere."""

    def change(document):
        fitted(document)["n_features_in_"] = recipe(document)["n_features"] = n

    return change


def wide_table(members, n):
    """A table of many columns, without the constant that tells which levels are of one column."""
    members = dict(members)
    document = json.loads(members.pop("skae.json"))
    columns, width = (
        fitted(document)["_table"]["record"][1]["columns"],
        recipe(document)["n_features"],
    )
    text = json.dumps(next(one for one in columns if one["record"][0] == "CategoryColumn"))
    for name, data in members.items():
        array = np.load(io.BytesIO(data))
        shape = [size + n if size == width else size for size in array.shape]
        members[name] = npy(np.resize(array, shape))
    for _ in range(n):
        columns.append(json.loads(text))
        columns[-1]["record"][1] |= {"levels": ["a"], "declared": None}
        columns[-1]["record"][1]["shares"] = {"array": len(members)}
        members[f"{len(members)}.npy"] = npy(np.ones(1))
    fitted(document)["n_features_in_"] = len(columns)
    recipe(document)["n_features"] = width + n
    return {**members, "skae.json": json.dumps(document).encode()}


def aliased(members, n):
    """References to one large array, as weights of many layers."""
    members = {**members, f"{len(members) - 1}.npy": npy(np.zeros(4_000_000, np.float32))}
    reference = {"array": len(members) - 2}

    def change(document):
        recipe(document)["architecture"] = architecture("Conv", image_shape=[4, 4], filters=[2])
        network(document)["trainable"] = [reference] * n

    return with_document(members, change)


def extended(members, array):
    return {**members, f"{len(members) - 1}.npy": npy(array)}


def many_members(n, name="{}.npy"):
    pairs = [("skae.json", b"{}"), *((name.format(number), b"") for number in range(n))]
    return packed(pairs)


def colliding_levels(document):
    """Levels whose hashes are all the same."""
    for column in fitted(document)["_table"]["record"][1]["columns"]:
        if column["record"][0] == "CategoryColumn":
            column["record"][1]["others"] = [number * (2**61 - 1) for number in range(100_000)]


def colliding_tuples(document):
    """Declared levels that are tuples of -1 and -2, whose hashes are all the same."""
    for column in fitted(document)["_table"]["record"][1]["columns"]:
        if column["record"][0] == "CategoryColumn":
            column["record"][1]["declared"] = [
                {"tuple": [-1 - (number >> bit & 1) for bit in range(15)]}
                for number in range(2**15)
            ]


def with_level(tag, *parts):
    """Declare a level that is a label."""

    def change(document):
        for column in fitted(document)["_table"]["record"][1]["columns"]:
            if column["record"][0] == "CategoryColumn":
                column["record"][1]["declared"] = [{"label": [tag, list(parts)]}]

    return change


def with_params(**params):
    return lambda document: document["estimator"]["params"].update(params)


def with_fit(**values):
    return lambda document: fitted(document).update(values)


def with_network(**values):
    return lambda document: network(document).update(values)


def with_recipe(**values):
    return lambda document: recipe(document).update(values)


def with_dense(**params):
    return with_recipe(architecture=architecture("Dense", **params))


def with_conv(**params):
    return with_recipe(architecture=architecture("Conv", **params))


NESTED = "[" * 80 + "]" * 80

DOCUMENTS = {
    **{f"{n:.0e} features": ("transformer", sized(n)) for n in (500_000_000, 10**10, 10**25)},
    **{
        f"{n:.0e} features of a {kind}": (kind, with_fit(n_features_in_=n))
        for n in (500_000_000, 10**25)
        for kind in ("table", "classifier", "detector", "imputer")
    },
    "code of a convolution": ("convolutional", with_network(n_code_features=HUGE)),
    "code of a head": ("classifier", with_network(n_code_features=HUGE)),
    "components": ("transformer", with_recipe(n_components=HUGE)),
    "targets": ("classifier", with_recipe(n_targets=HUGE)),
    "too few weights": (
        "convolutional",
        lambda d: network(d).update(trainable=network(d)["trainable"][:-1]),
    ),
    "no layer": ("convolutional", with_network(trainable=[], fixed=[])),
    "widths": ("transformer", with_dense(hidden_layer_sizes=[HUGE])),
    "100,000 layers": ("transformer", with_dense(hidden_layer_sizes=[1] * 100_000)),
    "100,000 activations": ("transformer", with_dense(activation=["relu"] * 100_000)),
    "infinite width": ("transformer", with_dense(hidden_layer_sizes=[{"float": "inf"}])),
    "array as width": ("transformer", with_dense(hidden_layer_sizes={"array": 0})),
    "array as tied": ("contractive", with_dense(tied={"array": 0})),
    "filters": ("convolutional", with_conv(image_shape=[2, 2], filters=[HUGE])),
    "kernel": ("convolutional", with_conv(image_shape=[2, 2], filters=[2], kernel_size=HUGE)),
    "infinite kernel": (
        "convolutional",
        with_conv(image_shape=[2, 2], filters=[2], kernel_size={"float": "inf"}),
    ),
    "image": ("convolutional", with_conv(image_shape=[HUGE, HUGE], filters=[2])),
    "image of many digits": (
        "convolutional",
        with_conv(image_shape=[10**3000, 10**3000], filters=[2]),
    ),
    "normalisation": ("denoising", with_dense(hidden_layer_sizes=[3], normalization=None)),
    "extra weights": (
        "variational",
        with_recipe(extra_weights={"tuple": [{"tuple": ["x", {"tuple": [HUGE]}]}]}),
    ),
    "array as parameter": ("transformer", with_params(alpha={"array": 0})),
    "infinite parameter": ("transformer", with_params(n_components={"float": "inf"})),
    "number of epochs": ("transformer", with_fit(n_iter_=HUGE)),
    "seed": ("transformer", with_fit(_seed=10**3000)),
    "function as class": ("transformer", with_params(architecture={"object": ["os.system", {}]})),
    "estimator inside itself": (
        "detector",
        lambda d: fitted(d).update(
            estimator_=json.loads(json.dumps({"estimator": d["estimator"]}))
        ),
    ),
    "levels of one hash": ("table", colliding_levels),
    "tuples of one hash": ("table", colliding_tuples),
    "time zone that is a file": (
        "table",
        with_level("pandas.Timestamp", "2020-01-01", "s", "dateutil//etc/hostname"),
    ),
    "long date": ("table", with_level("pandas.Timestamp", "2020-01-01 " * 150_000, "s", None)),
    "keys of one hash": (
        "transformer",
        with_params(
            column_weights={"dict": [[number * (2**61 - 1), 1.0] for number in range(50_000)]}
        ),
    ),
    "number that is an array": (
        "transformer",
        lambda d: fitted(d).update(best_loss_={"numpy": ["float64", fitted(d)["mean_"]]}),
    ),
    "head on a head": (
        "classifier",
        lambda d: recipe(d)["architecture"]["object"][1].update(
            architecture=copy.deepcopy(recipe(d)["architecture"])
        ),
    ),
    "wide table": (
        "table",
        lambda d: fitted(d)["_table"]["record"][1].update(
            columns=fitted(d)["_table"]["record"][1]["columns"] * 20_000
        ),
    ),
    "long name": ("transformer", with_params(solver="x" * 10**7)),
    "factors": ("imputer", with_fit(normal_=None)),
}
"""Documents that lie, and of which kind of estimator."""

FILES = {
    "empty": lambda seeds: b"",
    "text": lambda seeds: b"no estimator",
    "pickle": lambda seeds: b"\x80\x04cos\nsystem\n(S'touch trap'\ntR.",
    "end of a zip file alone": lambda seeds: packed({}),
    "20,000 members": lambda seeds: many_members(20_000),
    "65,000 members": lambda seeds: many_members(65_000),
    "20,000 names": lambda seeds: many_members(20_000, "x{}"),
    "200,000 members": lambda seeds: many_members(200_000),
    "8,000 references": lambda seeds: packed(aliased(seeds["transformer"], 8_000)),
    "a table of 9,000 columns": lambda seeds: packed(wide_table(seeds["table"], 9_000)),
    "9,900 members": lambda seeds: many_members(9_900),
    "100 MB that belong to nothing": lambda seeds: packed(
        extended(seeds["transformer"], np.zeros(25_000_000, np.float32))
    ),
    "100 MB in place of a bias": lambda seeds: packed(
        {**seeds["transformer"], "1.npy": npy(np.zeros(25_000_000, np.float32))}
    ),
    "a header that promises more": lambda seeds: packed(
        {**seeds["transformer"], "0.npy": header((10**12, 3))}
    ),
    "a header of no numbers": lambda seeds: packed(
        {**seeds["transformer"], "0.npy": header((0, 10**30))}
    ),
    "a header of many dimensions": lambda seeds: packed(
        {**seeds["transformer"], "0.npy": header((1,) * 5000) + b"\0" * 4}
    ),
    "a header of objects": lambda seeds: packed(
        {**seeds["transformer"], "0.npy": npy(np.array([print], object))}
    ),
    "truth that is neither": lambda seeds: packed(
        {
            name: data.replace(b"\1" * 4, b"\x80" * 4) if b"|b1" in data else data
            for name, data in seeds["imputer"].items()
        }
    ),
    "compressed zeros": lambda seeds: packed(
        {**seeds["transformer"], "0.npy": b"\0" * 10**8}, compression=zipfile.ZIP_DEFLATED
    ),
    "brackets": lambda seeds: packed({**seeds["transformer"], "skae.json": b"[" * 10**6}),
    "4 million lists": lambda seeds: packed(
        with_text(seeds["transformer"], list_of("[]", 4_000_000))
    ),
    "2 million dicts": lambda seeds: packed(
        with_text(seeds["transformer"], list_of("{}", 2_000_000))
    ),
    "100,000 objects": lambda seeds: packed(
        with_text(
            seeds["transformer"],
            list_of('{"object": ["skae.architectures.Dense", {}]}', 100_000),
        )
    ),
    "7 million numbers": lambda seeds: packed(
        with_text(seeds["transformer"], list_of("0.1", 7_000_000))
    ),
    "30 MB of signs of four bytes": lambda seeds: packed(
        with_text(seeds["transformer"], '"' + "\U0001f600" * 7_500_000 + '"')
    ),
    "80 lists in one another": lambda seeds: packed(with_text(seeds["transformer"], NESTED)),
    "400 lists in one another": lambda seeds: packed(with_text(seeds["transformer"], NESTED * 5)),
    "a number of many digits": lambda seeds: packed(with_text(seeds["transformer"], "9" * 10**6)),
}
"""Files that are no such archives, or such of other sizes."""


def by_hand(seeds):
    """Yield name and bytes of each file that was made by hand."""
    for name, (kind, change) in DOCUMENTS.items():
        yield name, packed(with_document(seeds[kind], change))
    for name, make in FILES.items():
        yield name, make(seeds)


def sparse_files(folder, seed):
    """Files of 200 GB that take no space on the disk: of zeros, and of zeros inside a zip file."""
    zeros = Path(folder, "200 GB of zeros")
    with open(zeros, "wb") as file:
        file.truncate(200 * 2**30)
    inside = Path(folder, "200 GB of zeros in a zip file")
    with open(inside, "wb") as file:
        file.write(seed)
        file.truncate(200 * 2**30)
        file.seek(0, os.SEEK_END)
        file.write(seed[-22:])
    return [zeros, inside]


# Files made by chance

STRANGE = [
    *(None, True, -1, 0, 1, 3, 2**31, 2**63, 10**9, 10**30, 0.5, -1.0, 1e308, "", "x", "relu"),
    *([], {}, [1], {"tuple": []}, {"float": "nan"}, {"float": "inf"}, {"dict": []}),
    *({"array": 0}, {"array": 1}, {"strings": ["a"]}, {"numpy": ["float32", 1.0]}),
]


def places(value, found=None):
    """All containers of a JSON value with each of their keys or indices."""
    found = [] if found is None else found
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            found.append((value, key))
            places(item, found)
    return found


def changed_document(members, chance):
    """Some values of the document changed, left out, repeated or swapped."""

    def change(document):
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            where = places(document["estimator"])
            container, key = chance.choice(where)
            way = chance.randrange(5)
            if way == 0:
                del container[key]
            elif way == 1:
                other, at = chance.choice(where)
                container[key] = json.loads(json.dumps(other[at]))
            elif way == 2 and isinstance(container, list):
                container.append(container[key])
            else:
                container[key] = chance.choice(STRANGE)

    return packed(with_document(members, change))


def changed_array(members, chance):
    """An array of another shape, type or value, or in another place."""
    name = f"{chance.randrange(len(members) - 1)}.npy"
    array = np.load(io.BytesIO(members[name]))
    way = chance.randrange(7)
    if way == 0:
        array = array.astype(chance.choice(["f2", "f4", "f8", "i4", "u1", "?", ">f4"]))
    elif way == 1:
        array = np.resize(array, chance.choice([(), (0,), (1,), (7,), (2, 2), (1, 1, 1)]))
    elif way == 2:
        array = np.flip(array.T).copy()
    elif way == 3:
        other = f"{chance.randrange(len(members) - 1)}.npy"
        return packed({**members, name: members[other], other: members[name]})
    elif array.size and array.dtype.kind == "f":
        array = array.copy()
        values = [np.nan, np.inf, -np.inf, 0.0, -1.0, 1e300, 1e30, -1e-300]
        with np.errstate(over="ignore"):
            array.flat[chance.randrange(array.size)] = chance.choice(values)
            if way == 6:
                array[...] = array.flat[0]
    return packed({**members, name: npy(array)})


def changed_bytes(content, chance):
    """Bytes flipped, cut off, left out, inserted or set to zero."""
    content = bytearray(content)
    at = chance.randrange(len(content))
    way = chance.randrange(5)
    if way == 0:
        for _ in range(chance.choice([1, 1, 3, 10])):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif way == 1:
        del content[at:]
    elif way == 2:
        del content[at : at + chance.randrange(1, 100)]
    elif way == 3:
        content[at:at] = chance.randbytes(chance.randrange(1, 100))
    else:
        content[at : at + 100] = bytes(len(content[at : at + 100]))
    return bytes(content)


def changed_members(members, chance):
    """Members left out, renamed, repeated, in another order, or with another header."""
    pairs = list(members.items())
    number = chance.randrange(len(pairs))
    name, data = pairs[number]
    way = chance.randrange(6)
    if way == 0:
        del pairs[number]
    elif way == 1:
        pairs[number] = (f"../{name}", data)
    elif way == 2:
        pairs.append((name, data))
    elif way == 3:
        chance.shuffle(pairs)
    elif way == 4:
        pairs[number] = (name, data[: chance.randrange(len(data))])
    else:
        head = bytearray(data)
        head[chance.randrange(min(128, len(head)))] = chance.choice(b"0123456789(),' \n")
        pairs[number] = (name, bytes(head))
    return packed(pairs)


def changed_directory(content, chance):
    """Bytes of the zip file's directory and of its end changed, which have no checksum."""
    content = bytearray(content)
    start = content.index(b"PK\1\2")
    for _ in range(chance.choice([1, 1, 2, 8])):
        content[chance.randrange(start, len(content))] = chance.choice([0, 1, 0xFF, 0x80])
    return bytes(content)


BY_CHANCE = {
    "document": lambda content, chance: changed_document(members_of(content), chance),
    "array": lambda content, chance: changed_array(members_of(content), chance),
    "member": lambda content, chance: changed_members(members_of(content), chance),
    "directory": changed_directory,
    "bytes": changed_bytes,
}
"""Ways in which a file of `save` is changed by chance."""


def by_chance(content, way, number):
    """A file changed in some way; the same number gives the same file."""
    return BY_CHANCE[way](content, random.Random(f"{way} {number}"))


# Loading, in a child process


FORBIDDEN = (
    *("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system"),
    *("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.remove", "os.rename"),
    *("os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.putenv"),
    *("shutil.rmtree", "pickle.find_class", "marshal.loads", "exec", "compile", "ctypes.dlopen"),
)
"""Events of Python's audit hooks that reading a file has no part in."""


def watch(events):
    """Add forbidden events to a list as they happen, while it has a first entry, "watching"."""

    def hook(event, arguments):
        if events and events[0] == "watching":
            writes = event == "open" and set(str(arguments[1])) & set("wax+")
            if (writes or event in FORBIDDEN) and not imports():
                events.append(f"{event} {arguments!r:.80}")

    def imports():  # a module of the libraries that is first needed here
        frame = sys._getframe()
        while frame is not None and "importlib" not in frame.f_code.co_filename:
            frame = frame.f_back
        return frame is not None

    sys.addaudithook(hook)


def memory():
    """Megabytes of memory in use now, and at most since the last `forget_peak`."""
    with open("/proc/self/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    return tuple(int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))


def forget_peak():
    """Let the most memory in use begin at what is in use now."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def attempt(path, events, use):
    """Load a file; what came of it, seconds, megabytes, and forbidden events."""
    import skae

    forget_peak()
    before, _ = memory()
    estimator, found = None, "refused"
    events[:] = ["watching"]
    start, start_of_cpu = time.perf_counter(), time.process_time()
    try:
        estimator = skae.load(path)
        found = "loaded"
    except skae.LoadError as error:
        if len(str(error)) > 1000:
            found = "long message"
    except BaseException as error:
        found = f"{type(error).__name__}: {error}"[:200]
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_of_cpu
    events[0] = "resting"
    peak = memory()[1] - before
    if estimator is not None and use:
        found = used(estimator)
    measured = {"seconds": seconds, "cpu": cpu, "megabytes": peak}
    return {"found": found, **measured, "events": events[1:]}


METHODS = ("transform", "predict", "score_samples", "reconstruct", "reconstruction_error")


def used(estimator):
    """What methods of a loaded estimator do: give numbers, or refuse in words."""
    table = getattr(estimator, "_table", None)
    if table is not None or not hasattr(estimator, "n_features_in_"):
        return "loaded"  # tables need rows of their own types
    rows = np.random.default_rng(0).uniform(1, 2, size=(3, estimator.n_features_in_))
    for name in METHODS:
        if hasattr(estimator, name):
            try:
                getattr(estimator, name)(rows)
            except (ValueError, TypeError) as error:
                words = str(error)
                if "NaN" not in words and "infinite" not in words and "single" not in words:
                    return f"unusable: {name} {words}"[:200]
            except Exception as error:
                return f"unusable: {name} {type(error).__name__} {error}"[:200]
    return "loaded"


def child(paths, use):
    """Load files in this process, and print what came of each."""
    import skae  # noqa: F401

    warnings.simplefilter("ignore")
    events = []
    watch(events)
    attempt(paths[0], events, False)  # which imports what reading needs
    limit = 4 * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for path in paths:
        print(json.dumps({"path": path, **attempt(path, events, use)}), flush=True)


def tried(paths, use=False):
    """What came of files, each loaded in a child process for all of them."""
    command = [sys.executable, __file__, "--child", *(["--use"] if use else [])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        command, input="\n".join(map(str, paths)), text=True, capture_output=True, env=environment
    )
    records = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    if run.returncode or len(records) != len(paths):
        raise RuntimeError(
            f"The child ended at {len(records)} of {len(paths)}: {run.stderr[-500:]}"
        )
    return records


# The campaign

COLUMNS = {
    "kind": "files",
    "count": "number",
    "refused": "LoadError",
    "loaded": "loaded",
    "other": "anything else",
    "events": "forbidden events",
    "seconds": "seconds, at most",
    "cpu": "of the processor",
    "megabytes": "MB, at most",
}

NOTES = [
    "What is loaded differs from what was saved in a way that estimators may differ, such as "
    "another parameter, or not at all. It was used, but for tables: its methods gave numbers, or "
    "refused in words.",
    "Seconds and MB are those of `load`, beyond the libraries and above what the process held "
    "before. The seconds are those of a clock, on a machine that did other things too. Forbidden "
    "events are files written, sockets, subprocesses, pickles and the like, as "
    "Python's audit hooks report them.",
]


def summary(kind, records):
    """A line of the table."""
    found = Counter(record["found"] for record in records)
    other = {name: n for name, n in found.items() if name not in ("refused", "loaded")}
    return {
        "kind": kind,
        "count": len(records),
        "refused": found["refused"],
        "loaded": found["loaded"],
        "other": sum(other.values()),
        "events": sum(len(record["events"]) for record in records),
        "seconds": f"{max(record['seconds'] for record in records):.2f}",
        "cpu": f"{max(record['cpu'] for record in records):.2f}",
        "megabytes": f"{max(record['megabytes'] for record in records):.0f}",
        "others": other,
    }


def seeds():
    """Bytes of a file of each kind of estimator; those that are kept for later versions."""
    sys.path.insert(0, str(ROOT / "tests" / "persistence"))
    from make_files import FILES as KEPT
    from make_files import kept_files

    return kept_files(sorted(KEPT.glob("*.tar.xz"))[-1])[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--use", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, default=10_000, help="of files made by chance")
    if "--child" in sys.argv:
        child(sys.stdin.read().splitlines(), parser.parse_args().use)
        return
    from _report import add_output_options, markdown_table, write_results

    add_output_options(parser, "bad_files")
    args = parser.parse_args()
    contents, lines = seeds(), []

    def report(kind, records):
        lines.append(summary(kind, records))
        print(markdown_table(lines[-1:], COLUMNS).splitlines()[-1], lines[-1]["others"], flush=True)
        write_results(args.json, args.markdown, "Bad files", lines, COLUMNS, NOTES)

    with tempfile.TemporaryDirectory() as folder:
        members, paths = {name: members_of(one) for name, one in contents.items()}, []
        for name, content in by_hand(members):
            paths.append(Path(folder, name))
            paths[-1].write_bytes(content)
        paths += sparse_files(folder, contents["transformer"])
        records = tried(paths, use=True)
        for record in records:
            if record["found"] != "refused" or record["seconds"] > 0.5 or record["megabytes"] > 100:
                print(Path(record["path"]).name, record)
        report("made by hand", records)
    n_each = max(1, round(args.number / len(BY_CHANCE) / len(contents)))
    for way in BY_CHANCE:
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for kind, content in contents.items():
                for number in range(n_each):
                    paths.append(Path(folder, f"{kind} {number}"))
                    paths[-1].write_bytes(by_chance(content, way, paths[-1].name))
            report(f"{way} changed by chance", tried(paths, use=True))


if __name__ == "__main__":
    main()
