"""Keys: equal for values that are the same by content, and for no others."""

import copy
import enum
import functools
import itertools
import logging
import math
import re
import sys
import textwrap
import threading
import types
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy import special
from sklearn.base import BaseEstimator, clone

from skae._engine import keys
from skae._engine.backend import load_keras
from skae._engine.keys import UserCode, content_key, is_own


class W(BaseEstimator):
    def __init__(self, value=None, other=None):
        self.value = value
        self.other = other

    def twice(self, x):
        return 2 * x


class Colliding(W):
    def __hash__(self):
        return 0


class Slotted:
    __slots__ = ("__hidden", "value")

    def __init__(self, value, hidden=0):
        self.value = value
        self.__hidden = hidden

    def hide(self, value):
        self.__hidden = value


class Color(enum.Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True)
class Point:
    x: float
    y: tuple = ()


class ListOfOurs(list):
    pass


class IntOfOurs(int):
    pass


def run(source, **names):
    """The namespace of a script, as a notebook or a module of a user's would have it."""
    namespace = {"__name__": "users_script", **names}
    exec(textwrap.dedent(source), namespace)
    return namespace


def differ(*values):
    return all(a != b for a, b in itertools.combinations(map(content_key, values), 2))


def same(*values):
    pairs = itertools.combinations(map(content_key, values), 2)
    return all(a == b and hash(a) == hash(b) for a, b in pairs)


def type_name(value):
    return type(value).__name__


# Numbers and containers

DIFFERENT = [
    *(1, True, 1.0, 1 + 0j, np.float32(1), np.float64(1), np.int64(1), np.True_, "1", b"1"),
    *(np.array(1), np.array([1]), np.array([[1]]), np.array([1.0]), np.array([1], np.int32)),
    *((1,), [1], {1}, frozenset({1}), {1: 1}, (True,), [1.0], ListOfOurs([1]), range(1), slice(1)),
    *(None, ..., NotImplemented, 0, 0.0, -0.0, "", (), [], {}, set(), math.nan, math.inf),
    *(np.float64(0.0), np.float64(-0.0), np.float64("nan"), np.float32("nan"), 2**70, 2.0**70),
    *(int, float, np.dtype("float32"), np.dtype(">f4"), Color.RED, Color.BLUE, Color, W(), W),
]


def test_values_that_differ():
    assert differ(*DIFFERENT)


@pytest.mark.parametrize("value", DIFFERENT, ids=type_name)
def test_copies_are_the_same(value):
    assert same(value, copy.deepcopy(value))
    assert same(W(value), W(copy.deepcopy(value)), clone(W(value)))


def test_every_nan_is_the_same():
    assert same(math.nan, -math.nan, math.inf - math.inf)
    assert same(np.float32("nan"), -np.float32("nan"))


def test_parameters_are_told_apart_by_type():
    assert differ(W(1), W(True), W(1.0), W(np.float32(1)), W([1]), W((1,)), W(other=1))
    assert differ(W((0.0, 1)), W((-0.0, 1)), W((0, 1)), W((0.0, True)))


def test_attributes_beside_the_parameters_count():
    value = W(1)
    value.extra = 2
    assert differ(value, W(1))


def test_arrays_differ_by_any_entry_their_type_and_their_shape():
    array = np.arange(100_000.0)
    other = array.copy()
    other[50_000] += 1e-9
    assert repr(array) == repr(other)
    assert differ(W(array), W(other), W(array.reshape(10, -1)), W(array.astype(">f8")))
    assert differ(np.zeros(3), np.zeros(3, int), np.zeros(3, "M8[s]"), np.zeros(3, "M8[D]"))


def test_the_layout_of_an_array_does_not_matter(tmp_path):
    array = np.arange(12.0).reshape(3, 4)
    on_disk = np.memmap(tmp_path / "array", array.dtype, "w+", shape=array.shape)
    on_disk[:] = array
    assert same(array, np.asfortranarray(array), np.repeat(array, 2, axis=1)[:, ::2])
    assert same(on_disk, np.memmap(tmp_path / "array", array.dtype, "r", shape=array.shape))


def test_arrays_of_objects_and_masked_arrays():
    assert same(np.array([1, "a", None], object), np.array([1, "a", None], object))
    assert differ(np.array([1, "a"], object), np.array([True, "a"], object))
    masked = [np.ma.masked_array([1.0, 2.0], mask) for mask in ([0, 1], [1, 0])]
    assert differ(*masked, masked[0].data)


def test_dicts_are_compared_in_order():
    assert same({"a": 1, "b": 2}, {"a": 1, "b": 2})
    assert same(*(types.MappingProxyType({"a": n}) for n in (1, 1)))
    assert differ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1, "b": 2.0}, {"a": 1})


def test_attributes_are_compared_in_any_order():
    one, other = W(), W()
    one.a, one.b = 1, 2
    other.b, other.a = 2, 1
    assert same(one, other)


def test_sets_are_compared_without_order():
    numbers = [
        0,
        8,
        16,
        24,
    ]  # which collide in a small table, so that their order is that of adding
    assert list(set(numbers)) != list(set(reversed(numbers)))
    assert same(set(numbers), set(reversed(numbers)))
    items = [(0, W), (8, W), (16, W)]
    assert same(set(items), set(reversed(items)))
    assert differ({1, 2}, {1, 2, 3}, {1, True + 1.0, "2"})


def test_a_sets_items_are_compared_without_order_also_where_they_share_objects():
    def make():
        shared = W()
        return [Colliding(shared, 1), Colliding(shared, 2)]

    one, other = make(), make()
    assert [item.other for item in {*one}] != [item.other for item in {*reversed(other)}]
    assert same({*one}, {*reversed(other)})
    assert same(frozenset(one), frozenset(reversed(other)))


def test_a_sets_equal_items_are_counted():
    def make():
        return lambda x: x

    assert differ({make(), 1}, {make(), make(), 1})


def test_containers_and_copies_of_them_are_the_same():
    part = [1, 2]
    assert same([part, part], [part, part[:]])
    assert same(W(part, part), clone(W(part, part)))


@pytest.mark.parametrize("value", [Point(1.0), Point(2.0, (3,)), Slotted(1), W(Point(1.0))])
def test_objects_are_the_same_as_their_copies(value):
    assert same(value, copy.deepcopy(value))


def test_objects_differ_by_their_attributes():
    assert differ(Point(1.0), Point(1), Point(1.0, (2,)), Slotted(1), Slotted(1, 2), Slotted(1.0))
    slotted = Slotted(1)
    before = content_key(slotted)
    slotted.hide(3)
    assert content_key(slotted) != before


def test_subclasses_of_builtin_types_differ_by_content_and_attributes():
    named = ListOfOurs([1])
    named.name = "a"
    assert differ(ListOfOurs([1]), ListOfOurs([2]), ListOfOurs([True]), [1], named)
    assert differ(IntOfOurs(1), IntOfOurs(2), 1)
    assert same(IntOfOurs(1), IntOfOurs(1))


def test_what_an_object_remembers_for_speed_does_not_matter():
    path = Path("a")
    before = content_key(path)
    assert str(path) == "a"
    assert content_key(path) == before


def test_objects_with_a_state_in_c_by_what_pickle_stores():
    assert differ(deque([1, 2]), deque([2, 1]), deque([1, 2], 5), defaultdict(int), OrderedDict())
    assert differ(re.compile("a"), re.compile("b"), re.compile("a", re.IGNORECASE))
    assert same(np.random.RandomState(0), np.random.RandomState(0))
    drawn = np.random.RandomState(0)
    drawn.rand()
    assert differ(np.random.RandomState(0), np.random.RandomState(1), drawn)


# Functions


def test_functions_of_equal_content_are_the_same():
    source = """
        scale = 2.0
        def function(x, shift=1, *, factor=3):
            def inner(y):
                return scale * y + factor
            return inner(x) + shift
    """
    later = "\n\n\n" + source.replace("def function", "def renamed")
    assert same(run(source)["function"], run(source)["function"], run(later)["renamed"])


FUNCTION = "def function(x, shift=1, *, factor=3): return factor * x.mean() + shift"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("shift=1", "shift=1.0"),
        ("factor=3", "factor=4"),
        ("x.mean()", "x.sum()"),
        ("* x", "+ x"),
        ("return factor", "return 2 * factor"),
        ("return factor", "return (lambda: 2)() * factor"),
        ("return factor", "return (0.0, -0.0)[0] * factor"),
    ],
)
def test_functions_differ_by_their_code_and_defaults(old, new):
    assert old in FUNCTION
    changed = FUNCTION.replace(old, new)
    assert differ(run(FUNCTION)["function"], run(changed)["function"])


def test_functions_differ_by_constants_of_functions_inside_them():
    sources = [f"function = lambda x: (lambda y: (lambda: {n})())(x)" for n in (1, 1.0, True, 2)]
    assert differ(*(run(source)["function"] for source in sources))


def test_a_closures_content_is_seen():
    def make(scale):
        def function(x):
            return scale * x

        def change(value):
            nonlocal scale
            scale = value

        return function, change

    function, change = make(1.0)
    before = content_key(function)
    assert before == content_key(make(1.0)[0])
    change(2.0)
    assert content_key(function) not in (before, content_key(make(2)[0]))
    change(1.0)
    assert content_key(function) == before


def test_what_a_closure_holds_is_seen_when_it_changes_in_place():
    held = W([1, 2])
    wrapped = W(lambda x: held.twice(x))
    before = content_key(wrapped)
    held.value.append(3)
    assert content_key(wrapped) != before


@pytest.mark.parametrize(
    "source",
    [
        "def function(x): return scale * x",
        "def function(x): return (lambda y: [scale * z for z in y])(x)",
        "def helper(x): return scale * x\ndef function(x): return helper(x)",
        "def function(x):\n  class Inner:\n    y = scale\n  return x * Inner.y",
        "class Function:\n  def __call__(self, x): return scale * x\nfunction = Function()",
        "class Function:\n  def method(self, x): return scale * x\nfunction = Function().method",
        "class F:\n  @staticmethod\n  def method(x): return scale * x\nfunction = F().method",
        "class F:\n  @classmethod\n  def method(cls, x): return scale * x\nfunction = F.method",
        "class F:\n  @property\n  def y(self): return scale\nfunction = F()",
        "import functools\nclass F:\n  @functools.cached_property\n  def y(self): return scale\n"
        "function = F()",
        "class A:\n  def m(self): return scale\nclass B(A): pass\nfunction = lambda x: B().m() * x",
        "import functools\nfunction = functools.partial(lambda a, x: scale * x, 1)",
        "import functools\n@functools.lru_cache\ndef function(x): return scale * x",
        "import functools\n@functools.wraps(len)\ndef function(x): return scale * x",
        "import numpy\nfunction = numpy.vectorize(lambda x: scale * x)",
    ],
)
def test_a_global_is_seen_wherever_it_is_read(source):
    script = run(source, scale=1.0)
    before = [content_key(script["function"]), content_key(W([script["function"]]))]
    assert before == [content_key(script["function"]), content_key(W([script["function"]]))]
    script["scale"] = 2.0
    changed = [content_key(script["function"]), content_key(W([script["function"]]))]
    assert all(old != new for old, new in zip(before, changed, strict=True))


def test_a_logger_is_no_hindrance():
    source = "def function(x):\n  logger.info('called')\n  return x"
    one, other = (run(source, logger=logging.getLogger(name))["function"] for name in "ab")
    assert same(one, one)
    assert differ(one, other)


def test_a_global_that_is_not_read_does_not_matter():
    script = run("def function(x): return x.data", data=1, other=(i for i in ()))
    before = content_key(script["function"])
    script["data"] = 2  # only an attribute has this name
    assert content_key(script["function"]) == before


@pytest.mark.parametrize(
    "source",
    [
        "import users_module\ndef function(x): return users_module.part.scale * x",
        "import users_module as m\ndef function(x): return m.helper(x)",
        "import users_module\ndef function(x): return (lambda: users_module.part.scale * x)()",
        "def function(x):\n  import users_module\n  return users_module.part.scale * x",
        "def function(x):\n  from users_module import helper\n  return helper(x)",
        "def function(x):\n  import users_module.part as p\n  return p.scale * x",
        "def function(x):\n  import users_module.part as p\n  return (lambda: p.scale * x)()",
        "def function(x):\n  import users_module.part\n  return users_module.helper(x)",
        "def function(x):\n  from .part import scale\n  return scale * x",
        "def function(x):\n  from . import helper\n  return helper(x)",
        "def function(x):\n  from . import part\n  return part.scale * x",
        "def function(x):\n  from .. import users_module\n  return users_module.part.scale * x"
        "\n__package__ = 'users_module.part'",
    ],
)
def test_attributes_that_are_read_of_a_users_module_are_seen(source, monkeypatch):
    part = types.ModuleType("users_module.part")
    module = types.ModuleType("users_module")
    part.scale, part.module, module.part, module.unread = 1.0, module, part, 1
    exec("def helper(x): return part.scale * x", vars(module))
    monkeypatch.setitem(sys.modules, "users_module", module)
    monkeypatch.setitem(sys.modules, "users_module.part", part)
    function = run(source, __package__="users_module")["function"]
    before = content_key(function)
    module.unread = 2
    assert content_key(function) == before
    part.scale = 2.0
    assert content_key(function) != before


@pytest.mark.parametrize(
    "source",
    [
        "import users_module\ndef function(x): return getattr(users_module, 'scale') * x",
        "import users_module\ndef function(x): return helper(users_module) * x",
        "import users_module\ndef function(x): return (lambda: helper(users_module))() * x",
        "import users_module as m\ndef function(x): return [n for n in (m,)][0].scale * x",
        "import users_module as m\ndef function(x): return m.me.scale * helper(m.me)",
        "def function(x):\n  import users_module as m\n  return helper(m)",
        "def function(x):\n  import users_module as m\n  return (lambda: helper(m))()",
        "def function(x):\n  from users_module import me as m\n  return helper(m)",
    ],
)
def test_a_users_module_that_is_handed_on_cannot_be_read(source, monkeypatch):
    module = types.ModuleType("users_module")
    module.scale, module.me = 1.0, module
    monkeypatch.setitem(sys.modules, "users_module", module)
    function = run("def helper(module): return module.scale\n" + source)["function"]
    assert differ(function, function)


def test_attributes_of_functions_are_seen():
    script = run("def function(x): return x * function.scale\nfunction.scale = 1.0")
    before = content_key(script["function"])
    script["function"].scale = 2.0
    assert content_key(script["function"]) != before


def test_partials_differ_by_every_part():
    def function(*args, **kwargs):
        return args, kwargs

    partial = functools.partial
    assert same(partial(function, 1, a=2), partial(function, 1, a=2))
    assert differ(function, partial(function, 1), partial(function, True), partial(function, a=1))
    assert differ(partial(function, a=1), partial(function, a=2), partial(function, b=1))
    assert differ(partial(min, 1), partial(max, 1))


def test_bound_methods_and_callable_objects_differ_by_their_object():
    assert same(W(1).twice, W(1).twice)
    assert differ(W(1).twice, W(2).twice, W.twice)
    value = W(1)
    before = content_key(value.twice)
    value.value = 2
    assert content_key(value.twice) != before
    assert differ([1].append, [2].append, [1].extend)


# Classes

CLASS = """
    class Layer:
        units = 3
        def call(self, x):
            return self.units * x + super().__init__ is None
"""


def test_a_class_that_is_defined_again_is_the_same():
    one, other = run(CLASS)["Layer"], run("\n\n" + textwrap.dedent(CLASS))["Layer"]
    assert one is not other
    assert same(one, other)
    assert same(one(), other())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("units = 3", "units = 3.0"),
        ("* x", "/ x"),
        ("class Layer:", "class Layer(dict):"),
        ("class Layer:", "class Layer(metaclass=type('Meta', (type,), {})):"),
        ("call", "build"),
        ("class Layer:", "import abc\n    class Layer(abc.ABC):"),
    ],
)
def test_a_class_that_is_defined_otherwise_is_not(old, new):
    one, other = run(CLASS)["Layer"], run(CLASS.replace(old, new))["Layer"]
    assert differ(one, other)
    assert differ(one(), other())


def test_a_class_attribute_is_seen_also_in_a_base():
    script = run(CLASS + "    class Sub(Layer): pass")
    instance = script["Sub"]()
    before = content_key(instance)
    script["Layer"].units = 4
    changed = content_key(instance)
    assert changed != before
    script["Layer"].call = lambda self, x: x
    assert content_key(instance) not in (before, changed)


def test_dataclasses_and_enums_that_are_defined_again():
    source = """
        import dataclasses, enum
        @dataclasses.dataclass
        class Point:
            x: float = 0.0
        class Color(enum.Enum):
            RED = 1
    """
    one, other, changed = run(source), run(source), run(source.replace("= 1", "= 2"))
    assert same(one["Point"](1.0), other["Point"](1.0))
    assert same(one["Color"].RED, other["Color"].RED)
    assert differ(one["Color"].RED, changed["Color"].RED)


# Values that refer to themselves


def test_functions_that_call_each_other():
    source = """
        def even(n): return n == 0 or odd(n - 1)
        def odd(n): return n == 1 or even(n - 1)
        def own(n): return own
    """
    script, again = run(source), run(source)
    assert same(script["even"], again["even"])
    assert differ(script["even"], script["odd"], script["own"])
    before = content_key(script["even"])
    script["odd"].__defaults__ = (1,)
    assert content_key(script["even"]) != before


def ring(n, last=None):
    nodes = [W() for _ in range(n)]
    for node, following in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
        node.value = following
    nodes[-1].other = last
    return nodes[0]


def test_objects_that_refer_to_each_other():
    assert same(ring(3), ring(3))
    assert differ(ring(1), ring(2), ring(3), ring(3, last=1), ring(3, last=True))


def test_lists_that_hold_themselves():
    def nested(depth, value):
        inner = outer = [value]
        for _ in range(depth):
            outer = [outer]
        inner.append(outer)
        return outer

    holds_outer, holds_itself = [[]], [[]]
    holds_outer[0].append(holds_outer)
    holds_itself[0].append(holds_itself[0])
    assert differ(holds_outer, holds_itself)
    assert same(nested(1, 1), nested(1, 1))
    assert differ(nested(0, 1), nested(1, 1), nested(2, 1), nested(1, True))


def test_which_of_two_values_is_referred_to():
    one, other = W(1), W(1)
    assert differ([one, other, W(one)], [one, other, W(other)], [one, other, W(W(1))])
    one, other = W(), W()
    one.value, other.value = one, other
    crossed = [W(), W()]
    crossed[0].value, crossed[1].value = crossed[1], crossed[0]
    assert differ([one, other], crossed)


def test_many_values_that_all_refer_to_each_other():
    def network():
        nodes = [W() for _ in range(50)]
        for node in nodes:
            node.value = nodes
        return nodes[0]

    assert same(network(), network())


def test_a_long_chain_of_functions():
    source = "\n".join(f"def f{i}(x): return f{i + 1}(x)" for i in range(2000))
    script, again = run(source, f2000=1), run(source, f2000=1)
    assert same(script["f0"], again["f0"])
    again["f2000"] = 2
    assert differ(script["f0"], again["f0"])


# Values that cannot be read


def deep():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


class Refuses:
    def __getattr__(self, name):
        raise RuntimeError("no")


class CountsInC(itertools.count):
    pass


@pytest.mark.parametrize(
    "value",
    [
        (i for i in ()),
        threading.Lock(),
        sys.stdout.write,
        np.frompyfunc(lambda x: x, 1, 1),
        Refuses(),
        CountsInC(),
        deep(),
        types.ModuleType("users_module"),
    ],
    ids=type_name,
)
@pytest.mark.parametrize("wrap", [lambda v: v, W, lambda v: lambda: v, lambda v: {"a": (v,)}])
def test_what_cannot_be_read_is_the_same_as_nothing(value, wrap):
    value = wrap(value)
    key = content_key(value)
    assert key == key
    assert differ(value, value)
    assert len({key, content_key(value), key}) == 2
    assert not is_own((1, key))


def test_lists_of_too_many_lists_are_not_read(monkeypatch):
    value = [1]
    for _ in range(60):
        value = [value, value]
    monkeypatch.setattr(keys, "MAX_CONTAINERS", 1000)
    assert differ(value, value)
    nodes = {W() for _ in range(50)}
    for node in nodes:
        node.value = nodes
    assert differ(nodes, nodes)
    assert same([[1]] * 900, [[1]] * 900)


# Libraries


def test_functions_and_classes_of_libraries_are_the_same_each_time():
    for value in (
        np.tanh,
        np.sum,
        special.expit,
        len,
        math.sqrt,
        np.ndarray,
        BaseEstimator,
        "".join,
    ):
        assert same(value, value)
        assert is_own(content_key(value))
    assert differ(np.tanh, np.sin, special.expit, np.sum, np.mean, math.sqrt, math.sin, np, math)


def test_keras_and_jax_functions():
    import jax

    keras = load_keras()
    ops, activations = keras.ops, keras.activations
    values = [ops.relu, ops.tanh, activations.relu, jax.numpy.tanh, jax.nn.relu, jax.numpy.float32]
    assert differ(*values)
    for value in values:
        assert same(value, value)
        assert is_own(content_key(value))


def test_keras_objects():
    keras = load_keras()
    Variable, initializers, regularizers = keras.Variable, keras.initializers, keras.regularizers

    # Each draws a seed of its own, which skae does not use.
    assert same(initializers.RandomNormal(), initializers.RandomNormal())
    assert differ(
        initializers.RandomNormal(), initializers.RandomNormal(seed=1), initializers.Zeros()
    )
    assert same(regularizers.L2(0.1), regularizers.L2(0.1))
    assert differ(regularizers.L2(0.1), regularizers.L2(0.2), regularizers.L1(0.1))
    assert same(Variable([1.0, 2.0], name="a"), Variable([1.0, 2.0], name="a"))
    assert differ(Variable([1.0, 2.0]), Variable([1.0, 3.0]), np.array([1.0, 2.0], np.float32))
    # get_config knows an activation by its name alone.
    made = [keras.layers.Dense(2, activation=lambda x, n=n: n * x, name="a") for n in (1, 1, 2)]
    assert same(*made[:2])
    assert differ(*made[1:])


def test_keras_layers_and_models_differ_by_their_weights():
    keras = load_keras()

    def make(value):
        layer = keras.layers.Dense(
            2, kernel_initializer=keras.initializers.Constant(value), name="a"
        )
        layer.build((None, 3))
        return layer

    assert same(make(1.0), make(1.0))
    assert differ(make(1.0), make(2.0))
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    before = content_key(model)
    assert content_key(model) == before
    model.layers[1].bias.assign([1.0])
    assert content_key(model) != before


def test_jax_arrays():
    from jax import numpy as jnp

    assert same(jnp.ones(3), jnp.ones(3))
    assert differ(jnp.ones(3), jnp.ones(4), jnp.ones(3, jnp.bfloat16), np.ones(3, np.float32))
    assert differ(jnp.asarray(1.0), jnp.asarray(1.0, jnp.float32))  # only one promotes other types


def test_a_users_code_inside_a_librarys_wrapper():
    import jax

    source = """
        def plain(x): return scale * x
        vectorized = jax.vmap(plain)
        gradient = jax.grad(plain)
        compiled = jax.jit(plain)
        custom = jax.custom_jvp(plain)
        custom.defjvp(lambda primals, tangents: (scale, tangents[0]))
    """
    script = run(source, jax=jax, scale=1.0)
    names = ["plain", "vectorized", "gradient", "compiled", "custom"]
    before = [content_key(script[name]) for name in names]
    assert len(set(before)) == len(names)
    assert before == [content_key(script[name]) for name in names]
    script["compiled"](1.0), script["vectorized"](np.ones(2)), script["custom"](1.0)
    assert before == [content_key(script[name]) for name in names]
    script["scale"] = 2.0
    after = [content_key(script[name]) for name in names]
    assert all(old != new for old, new in zip(before, after, strict=True))
    assert not any(map(is_own, before))


# Whose code it is


@pytest.mark.parametrize(
    "value",
    [1, "a", np.ones(3), [np.tanh, {"a": len}], math.sqrt, {BaseEstimator}, functools.partial(len)],
    ids=type_name,
)
def test_what_is_skaes_own(value):
    key = content_key(value)
    assert is_own(key)
    assert is_own(((key, 3, (2, "float32")), BaseEstimator, frozenset({key})))


@pytest.mark.parametrize(
    "value",
    [W, W(1), lambda x: x, W(1).twice, Color.RED, [{"a": (W,)}], {W}, functools.partial(W)],
    ids=type_name,
)
def test_what_is_a_users(value):
    key = content_key(value)
    assert not is_own(key)
    assert not is_own((1, (key,)))
    assert not is_own(frozenset({key}))


def test_own_objects_with_a_users_function():
    from skae.penalties import CodeL1, FunctionPenalty

    assert is_own(content_key(CodeL1()))
    assert not is_own(content_key(FunctionPenalty(lambda forward: 0.0)))
    assert is_own(content_key(FunctionPenalty(np.sum)))


def test_other_installed_packages_are_compared_by_identity_but_are_not_own():
    assert content_key(pytest.approx) == (pytest.approx,)
    assert not is_own(content_key(pytest.approx))


def test_a_class_by_itself_is_a_users():
    assert not is_own((W, 1))
    assert any(isinstance(part, UserCode) for part in content_key(W))
