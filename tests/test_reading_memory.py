"""What reading may cost: each file is read, and looked at, within 20 times its size and 1 GiB of address space."""

from __future__ import annotations

import gzip
import random
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

resource = pytest.importorskip("resource", reason="limits of address space are Unix's")

READ = """
import os, resource, sys
from surrogate_bench.datasets.encoding import encode
from surrogate_bench.datasets.table import table
from surrogate_bench.errors import UserError
import numpy as np, pandas
most = 20 * os.path.getsize(sys.argv[1]) + 2**30
resource.setrlimit(resource.RLIMIT_AS, (most, most))
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
try:
    found = table(path=sys.argv[1])
except UserError as error:
    sys.exit(str(error))
read = peak() - before
found.leaking, found.scattered
print(len(found.target), encode(found, np.arange(len(found.target))).shape[1], read)
"""


# The program itself, within the same ceiling above what it has imported.
RUN = """
import resource, sys
from pathlib import Path
import torch
from surrogate_bench.cli import main
torch.set_num_threads(1)
main(["dataset=synthetic", "dataset.size=60", "trainer.epochs=1", "model=linear", "loss=bce"])
has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
most = has + 20 * int(sys.argv[1]) + 2**30
resource.setrlimit(resource.RLIMIT_AS, (most, most))
sys.exit(main(sys.argv[2:]))
"""


def pictures(root: Path) -> int:
    """1,500 pictures of 224 pixels as files of MNIST's format; returns their bytes."""
    place = root / "MNIST" / "raw"
    place.mkdir(parents=True)
    drawn = np.random.default_rng(0)
    for part, n in (("train", 1200), ("t10k", 300)):
        labels = (np.arange(n) % 10).astype(np.uint8)
        values = drawn.integers(0, 200, (n, 224, 224), dtype=np.uint8) + labels[:, None, None] // 5
        for kind, array in (("images-idx3", values), ("labels-idx1", labels)):
            head = struct.pack(f">2xBB{array.ndim}I", 8, array.ndim, *array.shape)
            (place / f"{part}-{kind}-ubyte").write_bytes(head + array.tobytes())
    return sum(file.stat().st_size for file in place.iterdir())


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux says what a process maps")
def test_large_pictures(tmp_path: Path) -> None:
    size = pictures(tmp_path)
    few = ["dataset.rows=64", "trainer.batch_size=16", "trainer.epochs=1", "device=cpu"]
    words = ["dataset=mnist", f"dataset.root={tmp_path}", "model=cnn", *few]
    command = [sys.executable, "-c", RUN, str(size), *words]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert len(list(tmp_path.glob("outputs/*/mnist-cnn-*/result.json"))) == 1


def numbers(path: Path) -> None:
    drawn = np.random.default_rng(0).normal(size=(1000, 10)).round(4)
    lines = [",".join(map(str, row)) + f",{i % 2}\n" for i, row in enumerate(drawn.tolist())]
    with path.open("w") as file:
        file.write(",".join(f"f{i}" for i in range(10)) + ",y\n")
        for _ in range(1000):
            file.writelines(lines)


def long_texts(path: Path) -> None:
    rows = [f"{'w' * 20_000 if i == 5 else ''},{i % 17},{i % 2}\n" for i in range(100_000)]
    path.write_text("note,x,y\n" + "".join(rows))


def sparse(path: Path) -> None:
    chance = random.Random(0)
    with path.open("w") as file:
        file.write("@relation s\n" + "".join(f"@attribute a{i} numeric\n" for i in range(20_000)))
        file.write("@attribute y {n,p}\n@data\n")
        for i in range(1500):
            cells = [f"{place} {chance.random():.3f}" for place in sorted(chance.sample(range(20_000), 20))]
            file.write("{" + ", ".join(cells + ["20000 p"] * (i % 2)) + "}\n")


def bomb(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"a,b,y\n")
        for _ in range(300):
            file.write(b"0,0,0\n1,1,1\n" * 100_000)


@pytest.mark.parametrize(
    ("write", "name", "says"),
    [
        (numbers, "t.csv", "1000000 10"),
        (long_texts, "t.csv", "100000 3"),
        (sparse, "t.arff", "1500 20000"),
        (bomb, "t.csv.gz", "times what a file holds must be free to read it: keep fewer rows or columns"),
    ],
)
def test_ceilings(write: Callable[[Path], None], name: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / name
    write(path)
    ended = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=False)
    assert says in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    if write is numbers:
        assert int(ended.stdout.split()[-1]) < 3 * path.stat().st_size
