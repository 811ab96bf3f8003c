"""Small pictures by torchvision: one class against the rest."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_bench.datasets.source import Images
from surrogate_bench.errors import UserError
from surrogate_bench.registry import register
from surrogate_bench.system import digests
from surrogate_bench.system.paths import data_root

# torchvision's own are plain http in part. It compares the MD5 of each archive with the publisher's.
MIRRORS = {
    "MNIST": [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ],
    "FashionMNIST": [
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        "https://s3.eu-central-1.amazonaws.com/fashion-mnist/",
    ],
    "KMNIST": ["https://codh.rois.ac.jp/kmnist/dataset/kmnist/"],
}
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@register(
    "dataset",
    "mnist",
    reference="LeCun et al., Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 86, 1998, "
    "https://doi.org/10.1109/5.726791",
    folder="MNIST/raw",
    archives={
        "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    },
)
def mnist(*, root: str | None = None) -> Images:
    """Handwritten digits, 28 x 28 grey: 60,000 and 10,000 for test; the 0 is positive unless you say otherwise."""
    return _idx("MNIST", root, mean=0.1307, std=0.3081)


@register(
    "dataset",
    "fashion_mnist",
    reference="Xiao et al., Fashion-MNIST, 2017, https://arxiv.org/abs/1708.07747",
    folder="FashionMNIST/raw",
    archives={
        "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
    },
)
def fashion_mnist(*, root: str | None = None) -> Images:
    """Clothes, 28 x 28 grey: 60,000 and 10,000 for test; 0, t-shirts, is positive unless you say otherwise."""
    return _idx("FashionMNIST", root, mean=0.2860, std=0.3530)


@register(
    "dataset",
    "kmnist",
    reference="Clanuwat et al., Deep Learning for Classical Japanese Literature, 2018, "
    "https://arxiv.org/abs/1812.01718",
    folder="KMNIST/raw",
    archives={
        "train-images-idx3-ubyte": "bdb82020997e1d708af4cf47b453dcf7",
        "train-labels-idx1-ubyte": "e144d726b3acfaa3e44228e80efcd344",
        "t10k-images-idx3-ubyte": "5c965bf0a639b31b8f53240b1b52f4d7",
        "t10k-labels-idx1-ubyte": "7320c461ea6c1c855c0b718fb2a4b134",
    },
)
def kmnist(*, root: str | None = None) -> Images:
    """Cursive Japanese characters, 28 x 28 grey: 60,000 and 10,000 for test; 0 is positive unless you say otherwise."""
    return _idx("KMNIST", root, mean=0.1918, std=0.3483)


@register(
    "dataset",
    "cifar10",
    reference="Krizhevsky, Learning multiple layers of features from tiny images, 2009, "
    "https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf",
)
def cifar10(*, root: str | None = None) -> Images:
    """Photographs, 32 x 32 in colour: 50,000 and 10,000 for test; 0, aeroplanes, is positive unless you say so."""
    parts = [_torchvision("CIFAR10", data_root(root), train=train) for train in (True, False)]
    pixels = np.concatenate([part.data for part in parts]).transpose(0, 3, 1, 2)
    target = np.concatenate([part.targets for part in parts])
    mean, std = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
    return _images("cifar10", np.ascontiguousarray(pixels), target, len(parts[0].targets), mean, std)


def _idx(kind: str, root: str | None, *, mean: float, std: float) -> Images:
    """A set in MNIST's format; torchvision downloads it where it is not there, and nothing is written where it is."""
    folder = data_root(root) / kind / "raw"
    if not all(_found(folder / name) for name in FILES):
        for train in (True, False):
            _torchvision(kind, data_root(root), train=train)
    train_x, train_y, test_x, test_y = (_read_idx(_found(folder / name) or folder / name) for name in FILES)
    for pixels, labels in ((train_x, train_y), (test_x, test_y)):
        if pixels.ndim != 3 or labels.shape != pixels.shape[:1]:
            raise UserError(f"{folder}: pictures and labels do not belong together")
    pixels, target = np.concatenate([train_x, test_x])[:, None], np.concatenate([train_y, test_y])
    name = {"MNIST": "mnist", "FashionMNIST": "fashion_mnist", "KMNIST": "kmnist"}[kind]
    return _images(name, pixels, target, len(train_y), (mean,), (std,))


def _images(
    name: str, pixels: np.ndarray, target: np.ndarray, train: int, mean: tuple[float, ...], std: tuple[float, ...]
) -> Images:
    test = np.arange(train, len(target))
    return Images(name, target, test=test, positive=(0,), pixels=pixels, mean=mean, std=std)


def _torchvision(kind: str, root: Path, *, train: bool) -> Any:
    import torchvision

    published = getattr(torchvision.datasets, kind)
    # Of the same name, which is also its folder's.
    safe = type(kind, (published,), {"mirrors": MIRRORS[kind]}) if kind in MIRRORS else published
    try:
        return safe(root, train=train, download=True)
    except (OSError, RuntimeError) as error:  # no network, no space, a broken archive
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"cannot download {kind} to {str(root)!r} (dataset.root=FOLDER has it?): {reason}") from error


def _found(path: Path) -> Path | None:
    return next((p for p in (path, path.with_name(path.name + ".gz")) if p.is_file()), None)


def _check_unpacked(path: Path, content: bytes) -> None:
    """Raises UserError where an unpacked file is not what the archive beside it says that it holds."""
    archive = path.with_name(path.name + ".gz")
    if path.suffix == ".gz" or not archive.is_file():
        return
    said = archive.read_bytes()[-8:]
    if said != zlib.crc32(content).to_bytes(4, "little") + (len(content) % 2**32).to_bytes(4, "little"):
        raise UserError(f"{str(path)!r} is not what {archive.name} beside it holds: remove the one that is wrong")


def _read_idx(path: Path) -> np.ndarray:
    """An IDX file of unsigned bytes: two zeros, the type 8, the number of dimensions, each of them in 4 bytes, data."""
    try:
        content = path.read_bytes()
        digests.check(path, content)
        _check_unpacked(path, content)
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"cannot read {str(path)!r}: {error}") from error
    dimensions = content[3] if len(content) > 4 else 0
    shape = np.frombuffer(content[4 : 4 + 4 * dimensions], ">u4").astype(int)
    if content[:3] != b"\0\0\x08" or len(content) != 4 + 4 * dimensions + shape.prod():
        raise UserError(f"cannot read {str(path)!r}: it is no whole IDX file")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
