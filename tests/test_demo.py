"""`python -m skae`: its table, its picture, its exit status and its messages."""

import io
import re
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

import skae
from skae import _demo
from skae.__main__ import main

QUICK = ["--n-components", "2", "--no-picture"]


@pytest.fixture
def images():
    """Fifteen noisy copies of each of four images of 4 x 4 bytes, with their classes."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(4), 15)
    X = rng.integers(0, 200, size=(4, 4, 4))[y] + rng.integers(0, 50, size=(60, 4, 4))
    return X.astype(np.uint8), y


def _table(out):
    """The table's numbers, by method, input and code size."""
    rows = re.findall(r"^(\S.*?) +(clean|noisy) +(\d+) +([\d.]+)(?: +([\d.]+))?$", out, re.M)
    return {
        (method, kind, int(size)): (float(mse), float(accuracy) if accuracy else None)
        for method, kind, size, mse, accuracy in rows
    }


def _fails(arguments, capsys):
    """The one line of an error of use."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    prefix = "python -m skae: error: "
    assert captured.err.startswith(prefix)
    return captured.err.removeprefix(prefix).rstrip()


def test_digits(tmp_path, capsys):
    """The table agrees with a calculation by hand, and PCA is beaten."""
    plt = pytest.importorskip("matplotlib.pyplot")
    path = tmp_path / "picture.png"
    assert main(["--n-components", "2", "--max-iter", "60", "--output", str(path)]) == 0
    captured = capsys.readouterr()
    table = _table(captured.out)
    assert list(table) == [
        ("raw features", "clean", 64),
        ("raw features", "noisy", 64),
        ("PCA", "clean", 2),
        ("PCA", "noisy", 2),
        ("AutoencoderTransformer", "clean", 2),
        ("DenoisingAutoencoder", "noisy", 2),
    ]
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, random_state=0, stratify=y)
    pca = PCA(2).fit(X)
    code = pca.transform(X_test)
    mse = ((pca.inverse_transform(code) - X_test) ** 2).mean()
    accuracy = KNeighborsClassifier(5).fit(pca.transform(X), y).score(code, y_test)
    assert table["PCA", "clean", 2] == pytest.approx((mse, accuracy), abs=6e-4)
    assert table["raw features", "clean", 64][0] == 0
    assert table["raw features", "noisy", 64][0] == pytest.approx(0.3**2, rel=0.02)
    assert table["AutoencoderTransformer", "clean", 2][0] < mse
    assert "AutoencoderTransformer, 2 components: 60 epochs in" in captured.err
    assert f"picture: {path}" in captured.out
    image = plt.imread(path)
    assert image.shape[0] > 500
    assert image[..., :3].std() > 0.05


def test_no_better_than_pca(capsys):
    arguments = ["--n-components", "16", "--no-picture", "--corruption-level", "0"]
    assert main([*arguments, "--max-iter", "1"]) == 1
    captured = capsys.readouterr()
    table = _table(captured.out)
    pca = table["PCA", "clean", 16][0]
    assert table["AutoencoderTransformer", "clean", 16][0] > pca
    for method, kind in {
        "AutoencoderTransformer": "clean",
        "DenoisingAutoencoder": "noisy",
    }.items():
        line = (
            rf"^{method} with a code of 16: test MSE ([\d.]+) on {kind} input does not beat PCA's "
        )
        mse = re.search(line + rf"{pca:.2g}", captured.err, re.M)[1]
        assert float(mse) == pytest.approx(table[method, kind, 16][0], abs=1e-4)
    assert "picture" not in captured.out


def test_picture_shows_the_data_and_the_models(images, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    X, y = images
    np.savez(tmp_path / "data.npz", X=X, y=y)
    figures, savefig = [], Figure.savefig

    def recording(figure, *arguments, **keywords):
        figures.append(figure)
        savefig(figure, *arguments, **keywords)

    monkeypatch.setattr(Figure, "savefig", recording)
    dataset = _demo.load("data", tmp_path / "data.npz")
    comparison = _demo.Comparison(dataset, 0.1, max_iter=2)
    comparison.run(3, lambda estimator, X: estimator.fit(X))
    _demo.draw(comparison, tmp_path / "picture.png")
    (figure,) = figures
    plain, denoising, pca, code, losses = figure.axes
    np.testing.assert_array_equal(
        plain.images[0].get_array(), dataset.X_test[0].reshape(4, 4).astype(np.float32)
    )
    assert len(plain.images) == 20
    assert len(denoising.images) == 30
    model = comparison.models["AutoencoderTransformer", 3]
    assert code.collections[0].get_offsets().shape == (len(dataset.X_test), 2)
    assert code.get_xlabel() == "Principal component 0"
    assert pca.get_legend() is None
    assert len(code.get_legend().get_texts()) == 4
    np.testing.assert_array_equal(losses.lines[0].get_ydata(), model.loss_curve_)


def test_npz_of_bytes_is_divided_by_255(images, tmp_path):
    X, y = images
    np.savez(tmp_path / "data.npz", X=X, y=y[:, np.newaxis])
    data = _demo.load("data", tmp_path / "data.npz")
    assert data.image_shape == (4, 4)
    assert data.X_train.shape == (45, 16)
    both = np.concatenate([data.X_train, data.X_test])
    expected = X.reshape(60, 16) / np.float32(255)
    np.testing.assert_array_equal(np.unique(both, axis=0), np.unique(expected, axis=0))
    assert np.bincount(data.y_test).min() >= 3


def test_npz_of_keras_keeps_its_own_test_rows(images, tmp_path, capsys):
    X, y = images
    parts = {"x_train": X[::2], "y_train": y[::2], "x_test": X[1::2, ..., np.newaxis]}
    parts["x_train"] = parts["x_train"][..., np.newaxis]
    path = tmp_path / "mnist.npz"
    np.savez(path, **parts, y_test=y[1::2])
    data = _demo.load("mnist", path)
    assert data.image_shape == (4, 4)
    np.testing.assert_array_equal(data.X_test, X[1::2].reshape(30, 16) / np.float32(255))
    np.testing.assert_array_equal(data.y_test, y[1::2])
    main(["--data", "mnist", "--mnist", str(path), "--max-iter", "1", *QUICK])
    assert "mnist: 30 training rows, 30 test rows, 16 features" in capsys.readouterr().out


def test_other_data_are_scaled_on_the_training_rows(tmp_path):
    rng = np.random.default_rng(0)
    x_train, x_test = rng.normal(size=(30, 3)), np.array([[-99.0, 0.0, 99.0]])
    np.savez(tmp_path / "data.npz", x_train=x_train, x_test=x_test)
    data = _demo.load("data", tmp_path / "data.npz")
    low, high = x_train.min(axis=0), x_train.max(axis=0)
    np.testing.assert_allclose(data.X_train, (x_train - low) / (high - low), atol=1e-6)
    np.testing.assert_allclose(data.X_test[0, [0, 2]], [0, 1])
    assert data.image_shape is None


@pytest.mark.parametrize("target", [None, "species"])
def test_csv(target, tmp_path, capsys):
    rng = np.random.default_rng(0)
    rows = [
        f"{a:.3f},{'setosa' if a > 0 else 'other'},{2 * a:.3f},{b:.3f}" if target
        else f"{a:.3f},{2 * a:.3f},{b:.3f}"
        for a, b in rng.normal(size=(60, 2))
    ]  # fmt: skip
    path = tmp_path / "flowers.csv"
    path.write_text("\n".join(["a,species,c,d" if target else "a,c,d", *rows]), encoding="utf-8")
    arguments = ["--data", str(path), "--max-iter", "1", *QUICK]
    main(arguments + (["--target", target] if target else []))
    out = capsys.readouterr().out
    assert "flowers.csv: 45 training rows, 15 test rows, 3 features" in out
    accuracy = _table(out)["raw features", "clean", 3][1]
    assert accuracy is None if target is None else accuracy > 0.8


def test_numbers_are_no_classes(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", X=rng.normal(size=(40, 5)), y=rng.normal(size=40))
    data = _demo.load("data", tmp_path / "data.npz")
    assert data.y_train is None
    assert data.y_test is None


def test_without_matplotlib(images, tmp_path, monkeypatch, capsys):
    X, y = images
    np.savez(tmp_path / "data.npz", X=X, y=y)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.chdir(tmp_path)
    main(["--data", "data.npz", "--max-iter", "1", "--n-components", "2"])
    captured = capsys.readouterr()
    assert "no picture: matplotlib is missing (pip install skae[plot])" in captured.err
    assert ("PCA", "clean", 2) in _table(captured.out)
    assert not list(tmp_path.glob("*.png"))


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("callbacks", [True, False])
def test_progress_on_a_terminal(callbacks, images, tmp_path, monkeypatch):
    X, y = images
    np.savez(tmp_path / "data.npz", X=X, y=y)
    if callbacks:
        pytest.importorskip("sklearn.callback")
    else:  # as on scikit-learn before 1.9

        def refuse(self, *callbacks):
            raise ImportError

        monkeypatch.setattr(skae.AutoencoderTransformer, "set_callbacks", refuse)
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    main(["--data", str(tmp_path / "data.npz"), "--max-iter", "3", *QUICK])
    lines = terminal.getvalue().split("\n")[0].split("\r")
    if callbacks:
        label = "AutoencoderTransformer, 2 components: epoch {} of at most 3"
        assert lines[1:4] == [label.format(i) for i in (1, 2, 3)]
    assert lines[-1].startswith("AutoencoderTransformer, 2 components: 3 epochs in ")


def test_info(capsys):
    assert main(["info"]) == 0
    lines = dict(re.split(r": +", line) for line in capsys.readouterr().out.splitlines())
    assert lines["skae"] == skae.__version__
    assert lines["numpy"] == np.__version__
    assert lines["python"] == ".".join(map(str, sys.version_info[:3]))
    assert lines["backend"] == "jax"
    assert "(" in lines["devices"]
    assert {"scikit-learn", "keras", "jax", "scipy", "matplotlib"} <= lines.keys()


def test_info_of_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr("skae.__main__.PACKAGES", ("nothing",))
    assert main(["info"]) == 0
    assert re.search(r"^nothing: +not installed$", capsys.readouterr().out, re.M)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "absent.csv"], "no such file: absent.csv"),
        (["--data", "text.txt"], "text.txt is neither an .npz nor a .csv file"),
        (["--data", "mnist"], "--data mnist needs --mnist PATH"),
        (["--mnist", "table.csv"], "--mnist goes with --data mnist"),
        (["--target", "a"], "--target goes with --data FILE.csv"),
        (["--data", "table.csv"], "column 'kind' is not numeric; .* --target kind"),
        (["--data", "table.csv", "--target", "sort"], "no column 'sort'; it has a, b, kind"),
        (["--data", "table.csv", "--target", "kind", "--n-components", "2"], "at most 1 here"),
        (["--data", "empty.csv"], "empty.csv needs a header"),
        (["--data", "ragged.csv"], "has 2 columns but a row of 3 values"),
        (["--data", "short.csv"], "the data have 1 rows; 20 are needed"),
        (["--data", "gaps.csv"], "missing or infinite values"),
        (["--data", "text.npz"], "cannot read text.npz"),
        (["--data", "other.npz"], "other.npz has neither an array X nor"),
        (["--data", "uneven.npz"], r"y has shape \(3,\)"),
        (["--data", "other.npz", "--target", "a"], "--target names a column of a .csv"),
        (["--output", "absent/picture.png"], "cannot write a picture to absent/picture.png"),
        (["--max-iter", "0"], "--max-iter: must be a whole number from 1, got '0'"),
        (["--n-components", "two"], "--n-components: must be a whole number from 1, got 'two'"),
        (["--corruption-level", "-1"], "--corruption-level: must be a number from 0, got '-1'"),
        (["--random-state", "x"], "--random-state: must be a whole number"),
        (["--n-components", "64"], "--n-components can be at most 63 here, got 64"),
        (["wash"], "invalid choice: 'wash'"),
    ],
)
def test_errors_of_use(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    texts = {
        "text.txt": "a", "text.npz": "a", "empty.csv": "", "ragged.csv": "a,b\n1,2,3",
        "short.csv": "a,b\n1,2", "gaps.csv": "a,b\n" + "1,nan\n" * 30,
        "table.csv": "a,b,kind\n" + "1,2,x\n2,1,y\n" * 20,
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    np.savez(tmp_path / "other.npz", Z=np.ones((30, 2)))
    np.savez(tmp_path / "uneven.npz", X=np.ones((30, 2)), y=np.ones(3))
    assert re.search(message, _fails(arguments, capsys))
