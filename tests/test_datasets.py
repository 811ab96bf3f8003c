"""Data sets: what is read, which rows go where, and that preprocessing looks at the training rows alone."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from surrogate_bench.datasets import Split, Table, load_source, make_split
from surrogate_bench.datasets.labels import binary_target, canonical
from surrogate_bench.errors import UserError

PARTS = ("train", "val", "test")


def rows(split: Split) -> dict[str, set[int]]:
    return {part: set(getattr(split, part).tolist()) for part in PARTS}


def positives(split: Split, part: str) -> int:
    return int(split.y[getattr(split, part)].sum())


@pytest.mark.parametrize("name", ["breast_cancer", "digits"])
def test_bundled_equal_scikit_learn(name: str) -> None:
    from sklearn import datasets

    found, known = load_source(name), getattr(datasets, f"load_{name}")()
    assert isinstance(found, Table)
    np.testing.assert_array_equal(np.stack(list(found.columns.values()), 1), known.data)
    y, _ = binary_target(found.target, None, found.positive)
    np.testing.assert_array_equal(y, known.target == (0 if name == "breast_cancer" else 8))


def test_split_is_stratified_disjoint_and_by_seed() -> None:
    source = load_source("breast_cancer")
    splits = [make_split(source, seed=seed) for seed in (0, 0, 1)]
    parts = rows(splits[0])
    assert sum(map(len, parts.values())) == len(set.union(*parts.values())) == 569
    assert [len(parts[part]) for part in PARTS] == [341, 115, 113]
    assert [positives(splits[0], part) for part in PARTS] == [127, 43, 42]
    assert torch.equal(splits[0].x, splits[1].x)
    assert rows(splits[0]) == rows(splits[1])
    assert rows(splits[0]) != rows(splits[2])
    assert [len(part) for part in rows(splits[2]).values()] == [341, 115, 113]


def test_scaling_looks_at_training_rows_alone() -> None:
    source = load_source("breast_cancer")
    split = make_split(source, seed=3)
    train = split.x[split.train].double()
    torch.testing.assert_close(train.mean(0), torch.zeros(30).double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(train.std(0, correction=0), torch.ones(30).double(), atol=1e-5, rtol=0)
    assert split.x[split.test].double().mean(0).abs().max() > 1e-3
    # What stands in a row outside of training changes no other row.
    columns = {name: values.copy() for name, values in source.columns.items()}
    columns["feature 0"][split.test[0]] = 1e6
    changed = make_split(Table("t", source.target, positive=("malignant",), columns=columns), seed=3)
    others = torch.arange(569) != split.test[0]
    assert torch.equal(changed.x[others], split.x[others])


def test_missing_numbers_and_categories() -> None:
    n = 50
    number = np.array([np.nan, *range(n - 1)], dtype=float)
    kinds = np.array((["a", "b", None, "a", "b"] * n)[:n], dtype=object)
    table = Table("t", np.arange(n) % 2, columns={"n": number, "k": kinds, "constant": np.ones(n)})
    split = make_split(table, seed=0)
    train = split.train.numpy()
    assert split.x.shape == (n, 1 + 3 + 1)
    median = np.nanmedian(number[train])
    filled = np.where(np.isnan(number), median, number)
    expected = (filled - filled[train].mean()) / filled[train].std()
    np.testing.assert_allclose(split.x[:, 0].numpy(), expected, rtol=1e-5, atol=1e-6)
    one_hot = split.x[:, 1:4]
    assert torch.equal(one_hot.sum(1), torch.ones(n))
    for kind in ("a", "b", None):
        own = one_hot[[value == kind for value in kinds]]
        assert (own == own[0]).all()
    assert (split.x[:, 4] == 0).all()


def test_a_category_that_training_never_saw_is_zero_everywhere() -> None:
    table = Table("t", np.arange(40) % 2, columns={"n": np.arange(40.0), "k": np.array(["a"] * 40, dtype=object)})
    odd_one = int(make_split(table, seed=0).test[0])
    table.columns["k"][odd_one] = "rare"
    split = make_split(replace(table), seed=0)
    assert (split.x[odd_one, 1:] == 0).all()
    assert split.x.shape == (40, 3)


def test_many_categories_share_a_last_column() -> None:
    kinds = np.array([f"k{i % 500}" for i in range(5000)], dtype=object)
    split = make_split(Table("t", np.arange(5000) % 2, columns={"k": kinds}), seed=0)
    assert split.x.shape == (5000, 64)
    assert (split.x.sum(1) == 1).all()


def test_imratio_is_the_share_in_training() -> None:
    source = load_source("breast_cancer")
    plain = make_split(source, seed=0)
    for share in (0.5, 0.1, 0.02):
        split = make_split(source, imratio=share, seed=0)
        assert positives(split, "train") / len(split.train) == pytest.approx(share, abs=0.005)
        assert rows(split)["train"] < rows(plain)["train"]
        assert rows(split)["test"] == rows(plain)["test"]
    for bad in (0.0, 1.0, -1.0, 1e-9):
        with pytest.raises(UserError, match="imratio"):
            make_split(source, imratio=bad, seed=0)


def test_labels_are_matched_as_people_write_them() -> None:
    target = np.array([" >50K", "<=50K.", "'>50K'", "<=50K"], dtype=object)
    for word in (">50K", ">50k", " >50K."):
        assert binary_target(target, word, ())[0].tolist() == [1, 0, 1, 0]
    assert binary_target(target, None, ())[1] in (">50K", "<=50K")
    numbers = np.array([3, 7.0, "8", 9], dtype=object)
    assert binary_target(numbers, [7, "8.0"], ())[0].tolist() == [0, 1, 1, 0]
    assert binary_target(numbers, ">=7", ())[0].tolist() == [0, 1, 1, 1]
    assert binary_target(numbers, "<7", ())[0].tolist() == [1, 0, 0, 0]
    assert canonical(True) == canonical("True") == "true" or canonical("True") == "True"
    with pytest.raises(UserError, match="4 classes"):
        binary_target(numbers, None, ())
    with pytest.raises(UserError, match="needs numbers"):
        binary_target(np.array(["a", "b", 3], dtype=object), ">=2", ())


@pytest.mark.parametrize(
    ("labels", "positive"), [((0, 1), "1"), ((1, -1), "1"), (("yes", "no"), "yes"), (("b", "a"), "a"), ((2, 1), "1")]
)
def test_the_positive_one_of_two(labels: tuple[object, object], positive: str) -> None:
    target = np.array([labels[0]] * 7 + [labels[1]] * 3, dtype=object)
    assert binary_target(target, None, ())[1] == positive


FRAME = pd.DataFrame({"age": [31, 42, 53, 64] * 10, "job": ["a b", "c", "d", "c"] * 10, "y": ["no", "yes"] * 20})


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("t.csv", lambda f, p: f.to_csv(p, index=False)),
        ("semicolon.csv", lambda f, p: f.to_csv(p, index=False, sep=";")),
        ("t.tsv", lambda f, p: f.to_csv(p, index=False, sep="\t")),
        ("t.csv.gz", lambda f, p: f.to_csv(p, index=False)),
        ("bom.csv", lambda f, p: f.to_csv(p, index=False, encoding="utf-8-sig")),
        ("bare.data", lambda f, p: f.to_csv(p, index=False, header=False)),
        ("spaces.txt", lambda f, p: p.write_text(f.to_csv(index=False).replace(",", " , "))),
        ("crlf.csv", lambda f, p: p.write_bytes(f.to_csv(index=False).replace("\n", "\r\n").encode())),
        ("t.parquet", lambda f, p: f.to_parquet(p)),
        (
            "t.arff",
            lambda f, p: p.write_text(
                "% a comment\n@RELATION t\n\n@ATTRIBUTE age NUMERIC\n@attribute 'job' {'a b',c,d}\n"
                "@attribute y {no,yes}\n"
                "@DATA\n" + f.to_csv(index=False, header=False).replace("a b", "'a b'")
            ),
        ),
    ],
)
def test_every_kind_of_file_gives_one_table(name: str, write, tmp_path: Path) -> None:
    path = tmp_path / name
    write(FRAME, path)
    split = make_split(load_source("table", path=str(path)), seed=0)
    expected = make_split(
        Table(
            "t",
            FRAME["y"].to_numpy(),
            columns={"age": FRAME["age"].to_numpy(float), "job": FRAME["job"].to_numpy(object)},
        ),
        seed=0,
    )
    assert torch.equal(split.x, expected.x)
    assert torch.equal(split.y, expected.y)
    assert split.positive == "yes"


def test_sparse_arff_and_keel(tmp_path: Path) -> None:
    sparse = tmp_path / "s.arff"
    data = "{0 2.5, 2 yes}\n{1 b}\n{}\n{2 yes}\n" * 5
    sparse.write_text(f"@relation s\n@attribute n real\n@attribute k {{a,b}}\n@attribute y {{no,yes}}\n@data\n{data}")
    table = load_source("table", path=str(sparse))
    assert table.columns["n"][:4].tolist() == [2.5, 0, 0, 0]
    assert table.columns["k"][:4].tolist() == ["a", "b", "a", "a"]
    assert table.target[:4].tolist() == ["yes", "no", "no", "yes"]
    keel = tmp_path / "k.dat"
    keel.write_text(
        "@relation k\n@attribute Class{positive, negative}\n@attribute A real [0.5, 2.0]\n@inputs A\n@outputs Class\n"
        "@data\n" + "positive, 0.5\nnegative, 2.0\nnegative, <null>\n" * 5
    )
    table = load_source("table", path=str(keel), missing=["<null>"])
    assert list(table.columns) == ["A"]
    assert np.isnan(table.columns["A"][2])
    assert make_split(table, seed=0).positive == "positive"


def test_options_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,code,value,y\n" + "".join(f"{i},{i % 3},{i * 0.5},{i % 4}\n" for i in range(60)))
    own = load_source("table", path=str(path), target="y", drop=["id"], categorical=["code"])
    split = make_split(own, positive=[2, 3], seed=0)
    assert split.x.shape == (60, 4)
    assert int(split.y.sum()) == 30
    by_position = make_split(
        load_source("table", path=str(path), target=3, drop=[0], categorical=[-3]), positive=[2, 3], seed=0
    )
    assert torch.equal(by_position.x, split.x)


def test_a_test_file_of_its_own(tmp_path: Path) -> None:
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("a,y\n" + "1,<=50K\n2,>50K\n" * 40)
    test.write_text("y,a\n" + "<=50K.,5\n>50K.,6\n" * 10)
    split = make_split(load_source("table", path=str(train), test=str(test)), positive=">50K", seed=0)
    assert split.test.tolist() == list(range(80, 100))
    assert [len(getattr(split, part)) for part in PARTS] == [60, 20, 20]
    assert positives(split, "test") == 10
    test.write_text("b,y\n5,<=50K\n")
    with pytest.raises(UserError, match="no column 'a'"):
        load_source("table", path=str(train), test=str(test), drop=[])


def test_synthetic_is_as_asked() -> None:
    source = load_source("synthetic", size=5000, share=0.05, features=8)
    assert isinstance(source, Table)
    assert len(source.columns) == 8
    assert source.target.mean() == pytest.approx(0.05, abs=0.01)
    with pytest.raises(UserError, match=r"dataset.share must be from 0 to 1, not 2"):
        load_source("synthetic", share=2.0)


def write_idx(folder: Path, kind: str, *, broken: bool = False) -> None:
    raw = folder / kind / "raw"
    raw.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for stem, count in (("train", 120), ("t10k", 40)):
        pixels = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        for name, array in ((f"{stem}-images-idx3-ubyte", pixels), (f"{stem}-labels-idx1-ubyte", labels)):
            head = b"\0\0\x08" + bytes([array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape)
            content = head + array.tobytes()
            (raw / f"{name}.gz").write_bytes(gzip.compress(content[:-9] if broken else content))


def test_pictures_are_read_without_writing(tmp_path: Path) -> None:
    write_idx(tmp_path, "FashionMNIST")
    before = sorted(tmp_path.rglob("*"))
    source = load_source("fashion_mnist", root=str(tmp_path))
    split = make_split(source, seed=0)
    other = make_split(source, positive=[1, 2], seed=1)
    assert split.x.shape == (160, 1, 28, 28)
    assert split.given is other.given
    assert split.given.values.dtype == torch.uint8
    assert split.test.tolist() == list(range(120, 160))
    assert positives(split, "test") == 4
    assert positives(other, "test") == 8
    assert split.x.max() == pytest.approx((1 - 0.2860) / 0.3530, abs=1e-4)
    assert sorted(tmp_path.rglob("*")) == before


def test_broken_pictures(tmp_path: Path) -> None:
    write_idx(tmp_path, "MNIST", broken=True)
    with pytest.raises(UserError, match="no whole IDX file"):
        load_source("mnist", root=str(tmp_path))


def test_real_sets(data_root: Path) -> None:
    expected = {
        "keel/abalone19.dat": ((4174, 10), 32),
        "tables/mammography.csv.gz": ((11183, 6), 260),
        "tables/UCI_Credit_Card.csv.gz": ((30000, 24), 6636),
        "tables/haberman.csv": ((306, 3), 81),
        "mulan/emotions/emotions-train.arff.gz": ((391, 82), 131),
    }
    for name, (shape, count) in expected.items():
        split = make_split(load_source("table", path=str(data_root / name)), seed=0)
        assert (tuple(split.x.shape), int(split.y.sum())) == (shape, count), name


def test_adult(data_root: Path) -> None:
    tables = data_root / "tables"
    source = load_source("table", path=str(tables / "adult-train.csv.gz"), test=str(tables / "adult-test.csv.gz"))
    split = make_split(source, seed=0)
    assert len(split.test) == 16281
    assert positives(split, "test") == 3846
    assert int(split.y.sum()) == 3846 + 7841
    assert split.positive == ">50K"


def test_fashion_mnist(data_root: Path) -> None:
    split = make_split(load_source("fashion_mnist", root=str(data_root)), seed=0)
    assert split.x.shape == (70000, 1, 28, 28)
    assert split.x[split.train].mean().abs() < 0.01
    assert [positives(split, part) for part in PARTS] == [4500, 1500, 1000]


def fill_openml_cache(root: Path) -> None:
    """What scikit-learn's fetcher would have downloaded for data set 42."""
    arff = "@relation tiny\n@attribute a numeric\n@attribute kind {u,v}\n@attribute class {no,yes}\n@data\n"
    arff += "".join(f"{i}.5,{'uv'[i % 2]},{'yes' if i % 4 == 0 else 'no'}\n" for i in range(60))
    features = [
        {"index": str(i), "name": name, "data_type": kind, "number_of_missing_values": "0"}
        | {"is_target": str(name == "class").lower(), "is_ignore": "false", "is_row_identifier": "false"}
        for i, (name, kind) in enumerate((("a", "numeric"), ("kind", "nominal"), ("class", "nominal")))
    ]
    description = {
        "id": "42",
        "name": "tiny",
        "version": "1",
        "format": "ARFF",
        "file_id": "9",
        "description": "",
        "status": "active",
    }
    description |= {"url": "https://www.openml.org/data/v1/download/9/tiny.arff", "default_target_attribute": "class"}
    description["md5_checksum"] = hashlib.md5(arff.encode(), usedforsecurity=False).hexdigest()
    files = {
        "api/v1/json/data/42": json.dumps({"data_set_description": description}),
        "api/v1/json/data/features/42": json.dumps({"data_features": {"feature": features}}),
        "api/v1/json/data/qualities/42": json.dumps(
            {"data_qualities": {"quality": [{"name": "NumberOfInstances", "value": "60.0"}]}}
        ),
        "data/v1/download/9/tiny.arff": arff,
    }
    for name, content in files.items():
        path = root / "openml" / "openml.org" / f"{name}.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content.encode()))


def test_openml_through_its_cache(tmp_path: Path) -> None:
    fill_openml_cache(tmp_path)
    split = make_split(load_source("openml", id=42, root=str(tmp_path)), seed=0)
    assert split.x.shape == (60, 3)
    assert int(split.y.sum()) == 15
    assert split.positive == "yes"
    with pytest.raises(UserError, match="'kind'"):
        load_source("openml", id=42, root=str(tmp_path), target="knid")
    with pytest.raises(UserError, match="needs one of"):
        load_source("openml")
