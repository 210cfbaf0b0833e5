"""`python -m skae`: its table, its picture, its exit status and its messages."""

import re
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from cases import slow
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

import skae
from skae.__main__ import main

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.fixture
def plane(tmp_path):
    """A file of 60 points of a plane in three dimensions: PCA of two components is exact."""
    points = np.random.default_rng(0).integers(3, size=(60, 2))
    rows = [f"{a},{b},{a + b},{'left' if a == 0 else 'right'}" for a, b in points]
    path = tmp_path / "plane.csv"
    path.write_text("\n".join(["a,b,c,side", *rows]), encoding="utf-8")
    return path


def _table(text):
    """The table's numbers, by method, input and code size."""
    rows = re.findall(r"^(\S.*?) +(clean|noisy) +(\d+) +([\d.]+)(?: +([\d.]+))?$", text, re.M)
    return {
        (method, kind, int(size)): (float(mse), float(accuracy) if accuracy else None)
        for method, kind, size, mse, accuracy in rows
    }


@slow
def test_digits(tmp_path, capsys):
    """The table is that of README, and PCA's figures are those of a calculation by hand."""
    plt = pytest.importorskip("matplotlib.pyplot")
    path = tmp_path / "picture.png"
    assert main(["--output", str(path)]) == 0
    table, expected = _table(capsys.readouterr().out), _table(README.read_text(encoding="utf-8"))
    assert list(table) == list(expected)
    for row, numbers in expected.items():
        assert table[row] == pytest.approx(numbers, rel=0.15), row
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0, stratify=y)
    pca = PCA(2).fit(X)
    code = pca.transform(X_test)
    mse = ((pca.inverse_transform(code) - X_test) ** 2).mean()
    accuracy = KNeighborsClassifier(5).fit(pca.transform(X), y).score(code, y_test)
    assert table["PCA", "clean", 2] == pytest.approx((mse, accuracy), abs=6e-4)
    assert table["raw features", "noisy", 64][0] == pytest.approx(5.0**2, rel=0.02)
    image = plt.imread(path)
    assert image.shape[0] > 500
    assert image[..., :3].std() > 0.05


@slow
def test_csv(plane, tmp_path, monkeypatch, capsys):
    """Text is the classes, the rest is scaled; exit status 1, since PCA has no error."""
    figure = pytest.importorskip("matplotlib.figure")
    drawn = []
    monkeypatch.setattr(figure.Figure, "savefig", lambda self, *args, **kwargs: drawn.append(self))
    picture = tmp_path / "picture.png"
    assert main(["demo", "--data", str(plane), "--target", "side", "--output", str(picture)]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("plane.csv: 45 training rows, 15 test rows, 3 features\n")
    assert f"picture: {picture}" in out
    table = _table(out)
    assert {size for _, _, size in table} == {2, 3}
    assert table["PCA", "clean", 2][0] == 0
    assert table["raw features", "clean", 3] == (0, 1)
    mse = table["AutoencoderTransformer", "clean", 2][0]
    line = r"AutoencoderTransformer with a code of 2 on clean input: test MSE (\S+) is not better"
    assert float(re.search(line, err)[1]) == pytest.approx(mse, abs=1e-4)
    pca, autoencoder, losses = drawn[0].axes
    assert pca.get_title() == "Code of PCA"
    assert [text.get_text() for text in autoencoder.get_legend().get_texts()] == ["left", "right"]
    assert len(autoencoder.collections[0].get_offsets()) == 15
    assert len(losses.lines) == 4  # two curves, and the best epoch of each


def test_csv_without_classes_and_matplotlib(plane, tmp_path, monkeypatch, capsys):
    lines = [line.rsplit(",", 1)[0] for line in plane.read_text().splitlines()]
    (tmp_path / "numbers.csv").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.chdir(tmp_path)
    main(["--data", "numbers.csv"])
    out, err = capsys.readouterr()
    assert _table(out)["PCA", "clean", 2] == (0, None)
    assert re.search(r"no picture: .*matplotlib.* \(pip install 'skae\[plot\]'\)", err)
    assert not list(tmp_path.glob("*.png"))
    main(["--data", "numbers.csv", "--no-picture"])
    assert "picture" not in "".join(capsys.readouterr())


def test_info(monkeypatch, capsys):
    version = metadata.version

    def without_matplotlib(name):
        if name == "matplotlib":
            raise metadata.PackageNotFoundError
        return version(name)

    monkeypatch.setattr(metadata, "version", without_matplotlib)
    assert main(["info"]) == 0
    lines = dict(re.split(r": +", line) for line in capsys.readouterr().out.splitlines())
    assert lines["skae"] == skae.__version__
    assert lines["numpy"] == np.__version__
    assert lines["python"] == ".".join(map(str, sys.version_info[:3]))
    assert lines["backend"] == "jax"
    assert "(" in lines["devices"]
    assert {"scikit-learn", "keras", "jax", "scipy"} <= lines.keys()
    assert lines["matplotlib"] == "not installed"


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        (None, None, "No such file or directory"),
        ("", None, "it has 0 rows below the column names, 20 are needed"),
        ("a,b,a\n" + "1,2,3\n" * 30, None, "needs a line of different column names"),
        ("a,b,c\n" + "1,2,3\n1,2\n" * 30, None, "rows as long as that line"),
        ("a,b,c\n" + "1,2,3\n,2,NA\n" * 30, None, "values are missing in a, c"),
        ("a,b,c,d\n" + "1,x,2,y\n" * 30, None, "not numeric: b, d (--target names"),
        ("a,b,c\n" + "1,2,inf\n" * 30, None, "not numeric: c"),
        ("a,b,c\n" + "1,2,x\n" * 30, "kind", "it has no column kind, only a, b, c"),
        ("a,b,c\n" + "1,2,x\n" * 30, "c", "it has 2 numeric columns, 3 are needed"),
        ("a,b\n" + "".join(f"1,{i}\n" for i in range(30)), "b", "b has fewer than five rows a"),
    ],
)
def test_data_that_cannot_be_used(text, target, message, tmp_path, capsys):
    path = tmp_path / "table.csv"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        main(["--data", str(path), *([] if target is None else ["--target", target])])
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"python -m skae: error: cannot use {path}: ")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "a"], "--target needs --data"),
        (["--output", "absent/picture.png"], "existing folder, got absent/picture.png"),
        (["--output", "picture.txt"], "must be a .png file"),
    ],
)
def test_arguments_that_cannot_be_used(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
