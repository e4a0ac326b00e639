"""MNIST over a real HTTP server on this machine: whatever goes wrong on the way, a clear error or a recovery."""

import contextlib
import dataclasses
import gzip
import hashlib
import http.server
import importlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from genlib import data

download = importlib.import_module("genlib.data.download")
mnist_module = importlib.import_module("genlib.data.mnist")

GENUINE = Path(os.environ.get("GENLIB_DATA") or Path(__file__).parents[3] / "shared" / "data")


def idx(values: np.ndarray) -> bytes:
    return bytes([0, 0, 8, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape) + values.tobytes()


def small_files() -> dict[str, bytes]:
    """Four IDX files as MNIST's, with 20 and 8 pictures."""
    random = np.random.RandomState(0)
    files = {}
    for prefix, n in (("train", 20), ("t10k", 8)):
        files[f"{prefix}-images-idx3-ubyte"] = idx(random.randint(256, size=(n, 28, 28)).astype(np.uint8))
        files[f"{prefix}-labels-idx1-ubyte"] = idx((np.arange(n) % 10).astype(np.uint8))
    return files


class Mirror:
    """A server on a free port. ``answers[name]``: what comes for a file; ``asked``: the names that were asked for."""

    def __init__(self, files: dict[str, bytes]):
        self.answers = {f"{name}.gz": gzip.compress(content) for name, content in files.items()}
        self.asked, self.status, self.cut, self.delay, self.encoded = [], 200, False, 0.0, False
        self.instead = None  # (handler) -> what it does instead of an answer
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.rsplit("/", 1)[-1]
                mirror.asked.append(name)
                time.sleep(mirror.delay)
                if mirror.instead is not None:
                    with contextlib.suppress(OSError):  # nobody listens any more
                        mirror.instead(self)
                    return
                body = mirror.answers.get(name, b"")
                self.send_response(mirror.status if name in mirror.answers else 404)
                self.send_header("Content-Length", str(len(body)))
                if mirror.encoded:
                    self.send_header("Content-Encoding", "gzip")
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if mirror.cut else body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/data/"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


def nobody() -> str:
    """An address on which nothing listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{s.getsockname()[1]}/"


@pytest.fixture
def files():
    return small_files()


@pytest.fixture
def mirrors(files):
    pair = [Mirror(files), Mirror(files)]
    yield pair
    for mirror in pair:
        mirror.stop()


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """The folder that the files are to be kept in; it is not there yet."""
    monkeypatch.setenv("GENLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GENLIB_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache" / "mnist"


@pytest.fixture(autouse=True)
def small(files, mirrors, cached, monkeypatch):
    """mnist() with small files, from the two mirrors."""
    published = dataclasses.replace(
        mnist_module.MNIST,
        hashes={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        mirrors=tuple(mirror.url for mirror in mirrors),
    )
    monkeypatch.setattr(mnist_module, "MNIST", published)
    return published


def is_right(files) -> bool:
    train, test = data.mnist()
    parts = ((train, files["train-images-idx3-ubyte"]), (test, files["t10k-images-idx3-ubyte"]))
    return all(part.x.numpy().tobytes() == content[16:] for part, content in parts)


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())} if folder.exists() else {}


def test_it_is_fetched_once_and_kept(files, mirrors, cached):
    train, test = data.mnist()
    assert (len(train), len(test)) == (20, 8)
    assert train.shape == (1, 28, 28)
    assert train.x.dtype == torch.uint8
    x, y = train[:3]
    assert x.dtype == y.dtype == torch.long
    assert y.tolist() == [0, 1, 2]
    assert int(x[1, 0, 2, 3]) == files["train-images-idx3-ubyte"][16 + 784 + 2 * 28 + 3]
    assert len(mirrors[0].asked) == 4
    assert sorted(content(cached)) == sorted(f"{name}.gz" for name in files)  # and no temporary file
    assert is_right(files)
    assert len(mirrors[0].asked) == 4
    assert mirrors[1].asked == []


def test_a_connection_that_is_cut_leads_to_the_next_mirror(files, mirrors, cached):
    mirrors[0].cut = True
    assert is_right(files)
    assert len(mirrors[1].asked) == 4
    assert is_right(files)
    assert len(mirrors[1].asked) == 4


def test_a_cut_connection_without_another_mirror_is_a_clear_error_and_leaves_nothing(mirrors, cached):
    mirrors[0].cut = mirrors[1].cut = True
    with pytest.raises(ConnectionError, match=r"cut off|connection broke") as error:
        data.mnist()
    for advice in (mirrors[0].url, mirrors[1].url, "GENLIB_DATA", "data.digits()", "data.glyphs()"):
        assert advice in str(error.value)
    assert content(cached) == {}


def test_what_is_not_genuine_is_not_taken(files, mirrors, cached):
    name = "t10k-labels-idx1-ubyte"
    forged = gzip.compress(files[name][:-1] + b"\0")
    mirrors[0].answers[f"{name}.gz"] = forged
    assert is_right(files)
    assert mirrors[1].asked == [f"{name}.gz"]
    (cached / f"{name}.gz").unlink()
    mirrors[1].answers[f"{name}.gz"] = forged
    with pytest.raises(ConnectionError, match="not the genuine file"):
        data.mnist()
    assert sorted(content(cached)) == sorted(f"{other}.gz" for other in files if other != name)


def test_a_mirror_that_answers_with_an_error_or_a_page_is_passed_over(files, mirrors, cached, small, monkeypatch):
    mirrors[0].status = 503
    assert is_right(files)
    (cached / "train-images-idx3-ubyte.gz").unlink()
    mirrors[0].status = 200
    mirrors[0].answers = dict.fromkeys(mirrors[0].answers, b"<html>log in to use this network</html>")
    assert is_right(files)
    (cached / "train-images-idx3-ubyte.gz").unlink()
    monkeypatch.setattr(mnist_module, "MNIST", dataclasses.replace(small, mirrors=(mirrors[0].url + "gone/?",)))
    mirrors[0].answers = {}
    with pytest.raises(ConnectionError, match="answered 404"):
        data.mnist()


def test_compressed_anew_or_not_at_all_it_is_the_same_file(files, mirrors):
    mirrors[0].answers = {name: gzip.compress(gzip.decompress(body), 1) for name, body in mirrors[0].answers.items()}
    mirrors[0].encoded = True  # then the library undoes the compression on the way
    assert is_right(files)
    assert is_right(files)
    assert len(mirrors[0].asked) == 4


@pytest.mark.parametrize("damage", [lambda b: b[:-20], lambda b: b"", lambda b: b[:40] + bytes([b[40] ^ 4]) + b[41:]])
def test_a_damaged_cache_is_mended(files, mirrors, cached, damage):
    assert is_right(files)
    good = content(cached)
    broken = cached / "train-images-idx3-ubyte.gz"
    broken.write_bytes(damage(good[broken.name]))
    assert is_right(files)
    assert content(cached) == good
    assert len(mirrors[0].asked) == 5


def test_a_good_file_is_never_lost(files, mirrors, cached, monkeypatch, small):
    assert is_right(files)
    good = content(cached)
    for mirror in mirrors:
        mirror.answers = dict.fromkeys(mirror.answers, b"nonsense")
    assert is_right(files)  # what is good is not even asked for
    broken = cached / "train-labels-idx1-ubyte.gz"
    broken.write_bytes(b"broken")
    with pytest.raises(ConnectionError):
        data.mnist()
    assert content(cached) == good | {broken.name: b"broken"}
    # Killed between writing and renaming: the old file still stands.
    broken.write_bytes(good[broken.name])
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("no space left")))
    assert is_right(files)
    assert content(cached) == good


def test_without_network_it_says_what_to_do_and_works_from_the_cache(files, cached, small, monkeypatch):
    assert is_right(files)
    monkeypatch.setattr(mnist_module, "MNIST", dataclasses.replace(small, mirrors=(nobody(), nobody())))
    assert is_right(files)
    (cached / "train-images-idx3-ubyte.gz").unlink()
    start = time.perf_counter()
    with pytest.raises(ConnectionError, match=r"could not be reached.*(?s:.*)data\.digits\(\) or data\.glyphs\(\)"):
        data.mnist()
    assert time.perf_counter() - start < 10


def test_a_server_that_says_nothing_is_given_up(mirrors, files, small, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", (1, 0.2))
    mirrors[0].delay = 1.0
    assert is_right(files)
    assert len(mirrors[1].asked) == 4


# Servers that lie or never end. Each leads to the next mirror, and alone to one clear line.


def drip(pause, head=b"HTTP/1.0 200 OK\r\n\r\n", piece=b"\x1f"):
    def instead(handler):
        handler.wfile.write(head)
        for _ in range(int(20 / pause)):
            handler.wfile.write(piece)
            handler.wfile.flush()
            time.sleep(pause)

    return instead


def endless(head):
    def instead(handler):
        handler.wfile.write(head)
        while True:
            handler.wfile.write(b"\0" * (1 << 16))

    return instead


def endless_chunks(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        handler.wfile.write(b"10000\r\n" + b"\0" * (1 << 16) + b"\r\n")


def sends(body, *headers):
    head = "".join(f"{line}\r\n" for line in ("HTTP/1.0 200 OK", f"Content-Length: {len(body)}", *headers, ""))
    return lambda handler: handler.wfile.write(head.encode() + body)


def moved(where, status="302 Found"):
    return lambda handler: handler.wfile.write(f"HTTP/1.0 {status}\r\nLocation: {where}\r\n\r\n".encode())


PIECE = gzip.compress(bytes(1 << 20))
BOMB = PIECE * 300  # members of a gzip file follow one another


BAD = {
    "it drips": (drip(0.05), "was too slow"),
    "its head drips": (drip(0.05, head=b"HTTP/1.0 200 OK\r\nX-A: ", piece=b"a"), "was too slow"),
    "it sends its first line letter by letter": (drip(0.05, head=b"", piece=b"H"), "was too slow"),
    "chunks that drip": (
        drip(0.05, head=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", piece=b"1\r\na\r\n"),
        "was too slow",
    ),
    "it never ends": (endless(b"HTTP/1.0 200 OK\r\n\r\n"), "sends more than"),
    "it says it is short and never ends": (endless(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n"), "not the genuine"),
    "chunks without end": (endless_chunks, "sends more than"),
    "a bomb": (sends(BOMB), "holds more than"),
    "a bomb in a bomb": (sends(gzip.compress(BOMB)), "holds more than"),
    "a bomb as an encoding": (sends(BOMB, "Content-Encoding: gzip"), "holds more than"),
    "an encoding that is none": (sends(b"nonsense", "Content-Encoding: gzip"), "not the genuine"),
    "half a bomb": (sends(BOMB[:1000]), "cut off or damaged"),
    "it sends us to http": (moved("http://127.0.0.1:9/"), "not https"),
    "it sends us to a file": (moved("file:///etc/passwd"), "not https"),
    "it sends us to itself": (moved("/data/"), "not https"),
    "it sends us to ftp for good": (moved("ftp://example.org/", "301 Moved"), "not https"),
    "it sends us nowhere": (moved("https://127.0.0.1:9/"), "could not be reached"),
    "its answer is nonsense": (lambda handler: handler.wfile.write(b"\0\xff nonsense\r\n\r\n"), "connection broke"),
    "it hangs up": (lambda handler: handler.connection.close(), "connection broke"),
}


@pytest.fixture
def impatient(monkeypatch):
    """Limits so small that a test can wait for them."""
    for name, value in {"PATIENCE": 0.5, "SLOWEST": 2000, "LARGEST": 8 << 20, "TIMEOUT": (1, 1)}.items():
        monkeypatch.setattr(download, name, value)


@pytest.mark.parametrize("what", BAD)
def test_a_server_that_lies_or_never_ends_leads_to_the_next_mirror(files, mirrors, cached, impatient, what):
    mirrors[0].instead, words = BAD[what]
    tracemalloc.start()
    start = time.monotonic()
    assert is_right(files)
    assert time.monotonic() - start < 15
    assert tracemalloc.get_traced_memory()[1] < 60 << 20
    tracemalloc.stop()
    assert len(mirrors[1].asked) == 4, "each file was then asked for there"
    mirrors[1].instead = mirrors[0].instead
    (cached / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ConnectionError, match=words):
        data.mnist()


def test_what_takes_longer_than_is_allowed_in_all_is_given_up(files, mirrors, impatient, monkeypatch):
    monkeypatch.setattr(download, "LONGEST", 0.6)
    monkeypatch.setattr(download, "PATIENCE", 100)
    mirrors[0].instead = drip(0.01, piece=b"a" * 1000)  # fast enough, and without an end
    assert is_right(files)
    assert len(mirrors[1].asked) == 4


ODD = ["a folder", "a pipe", "a bomb", "a flipped bit", "a link to a device", "larger than anything"]


def make_odd(path, what):
    body = path.read_bytes() if path.exists() else b""
    path.unlink(missing_ok=True)
    if what == "a folder":
        path.mkdir()
    elif what == "a pipe":
        os.mkfifo(path)
    elif what == "a bomb":
        path.write_bytes(BOMB)
    elif what == "a flipped bit":
        middle = len(body) // 2
        path.write_bytes(body[:middle] + bytes([body[middle] ^ 8]) + body[middle + 1 :])
    elif what == "a link to a device":
        path.symlink_to("/dev/zero")
    else:
        with open(path, "wb") as file:
            file.truncate(1 << 40)


@pytest.mark.parametrize("what", ODD)
def test_whatever_stands_in_the_cache_the_file_is_fetched_again(files, mirrors, cached, impatient, what):
    assert is_right(files)
    make_odd(cached / "t10k-labels-idx1-ubyte.gz", what)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where it can't be kept, that is told
        assert is_right(files)
    assert len(mirrors[0].asked) == 5


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("end", ["", ".gz"])
def test_whatever_stands_in_a_folder_of_yours_is_told_in_one_line(
    files, mirrors, tmp_path, monkeypatch, impatient, what, end
):
    folder = tmp_path / "mine" / "mnist"
    folder.mkdir(parents=True)
    for name, body in files.items():
        (folder / f"{name}{end}").write_bytes(gzip.compress(body) if end else body)
    monkeypatch.setenv("GENLIB_DATA", str(tmp_path / "mine"))
    assert is_right(files)
    odd = folder / f"train-labels-idx1-ubyte{end}"
    make_odd(odd, what)
    with pytest.raises(ValueError, match=r"train-labels-idx1-ubyte.*unset GENLIB_DATA") as told:
        data.mnist()
    assert "\n" not in str(told.value)
    assert odd.exists()
    assert mirrors[0].asked == []


def test_only_the_compressed_file_can_be_verified_where_only_its_hash_is_known():
    packed = gzip.compress(b"content")
    wanted = f"gz:{hashlib.sha256(packed).hexdigest()}"
    assert download.unpack(packed, wanted) == (b"content", "")
    assert "only the compressed file" in download.unpack(b"content", wanted)[1]
    assert (
        "not the genuine file" in download.unpack(gzip.compress(b"content", 1) + b"", wanted.replace("gz:", "gz:0"))[1]
    )
    assert "not the genuine file" in download.unpack(gzip.compress(b"Content"), wanted)[1]


def test_a_cache_that_can_not_be_written_is_no_reason_to_fail(files, mirrors, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder can be made in here")
    monkeypatch.setenv("GENLIB_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="GENLIB_CACHE"):
        assert is_right(files)
    # A folder that is there and read-only. (Nothing is read-only to root, so the operating system is played.)
    monkeypatch.setenv("GENLIB_CACHE", str(tmp_path / "other"))

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.warns(UserWarning, match="Permission denied"):
        assert is_right(files)
    assert content(tmp_path / "other" / "mnist") == {}


SCRIPT = """
import dataclasses, importlib, json, sys
from genlib import data
module = importlib.import_module("genlib.data.mnist")
mirror, hashes = json.loads(sys.argv[1])
module.MNIST = dataclasses.replace(module.MNIST, mirrors=(mirror,), hashes=hashes)
print("ready", flush=True)
sys.stdin.readline()
train, test = data.mnist()
print(int(train.x.long().sum()), int(test.x.long().sum()))
"""


def test_two_processes_at_once_do_not_disturb_each_other(files, mirrors, cached, small):
    mirrors[0].delay = 0.2  # so that both are at it at the same time
    arguments = [sys.executable, "-c", SCRIPT, json.dumps([mirrors[0].url, small.hashes])]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(arguments, **pipes) for _ in range(2)]
    try:
        for process in both:
            assert process.stdout.readline() == "ready\n"
        for process in both:
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = [process.communicate(timeout=60) for process in both]
    finally:
        for process in both:
            process.kill()
            process.wait()
    sums = [sum(files[f"{prefix}-images-idx3-ubyte"][16:]) for prefix in ("train", "t10k")]
    assert [out.split() for out, _ in answers] == [[str(n) for n in sums]] * 2, answers
    assert len(mirrors[0].asked) == 8  # both fetched
    assert len(content(cached)) == 4
    assert is_right(files)
    assert len(mirrors[0].asked) == 8


def test_genlib_data_names_a_folder_that_holds_them(files, mirrors, cached, tmp_path, monkeypatch):
    folder = tmp_path / "mine" / "mnist"
    folder.mkdir(parents=True)
    for k, (name, body) in enumerate(files.items()):
        (folder / f"{name}{'.gz' if k % 2 else ''}").write_bytes(gzip.compress(body) if k % 2 else body)
    monkeypatch.setenv("GENLIB_DATA", str(tmp_path / "mine"))
    assert is_right(files)
    assert mirrors[0].asked == []
    assert content(cached) == {}
    # What is yours is not touched: a damaged file is told, not mended.
    broken = folder / "train-images-idx3-ubyte"
    broken.write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte is not the genuine file.*unset GENLIB_DATA"):
        data.mnist()
    assert broken.read_bytes() == b"broken"
    # What is missing there is fetched.
    broken.unlink()
    assert is_right(files)
    assert mirrors[0].asked == ["train-images-idx3-ubyte.gz"]


def test_fashion_mnist_goes_the_same_way(files, mirrors, monkeypatch):
    published = dataclasses.replace(
        mnist_module.FASHION_MNIST,
        hashes={name: f"gz:{hashlib.sha256(mirrors[0].answers[f'{name}.gz']).hexdigest()}" for name in files},
        mirrors=tuple(mirror.url for mirror in mirrors),
    )
    monkeypatch.setattr(mnist_module, "FASHION_MNIST", published)
    train, test = data.fashion_mnist()
    assert (len(train), len(test)) == (20, 8)
    assert train.class_names[int(train.y[9])] == "ankle boot"
    mirrors[0].answers = mirrors[1].answers = {}
    monkeypatch.setattr(mnist_module, "FASHION_MNIST", dataclasses.replace(published, folder="elsewhere"))
    with pytest.raises(ConnectionError, match="answered 404"):
        data.fashion_mnist()


def test_what_is_published_is_complete_and_verified_by_sha256():
    names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
    for published, prefix in ((PUBLISHED_MNIST, ""), (mnist_module.FASHION_MNIST, "gz:")):
        assert list(published.hashes) == names
        assert len(set(published.hashes.values())) == 4
        for wanted in published.hashes.values():
            assert wanted.startswith(prefix)
            assert len(bytes.fromhex(wanted.removeprefix(prefix))) == 32
        assert len(published.mirrors) >= 2
        assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in published.mirrors)


def test_a_file_that_is_no_idx_file_is_refused():
    good = idx(np.arange(6, dtype=np.uint8).reshape(2, 3))
    assert download.parse_idx(good).tolist() == [[0, 1, 2], [3, 4, 5]]
    for bad, message in [
        (b"", "not an IDX"),
        (b"\x1f\x8b\x08\0", "not an IDX"),
        (good[:-1], "holds 5"),
        (good[:6], "cut off"),
    ]:
        with pytest.raises(ValueError, match=message):
            download.parse_idx(bad)


PUBLISHED_MNIST = mnist_module.MNIST


@pytest.mark.skipif(
    not os.environ.get("GENLIB_DATA") and not (GENUINE / "mnist").exists(),
    reason="the genuine MNIST is not here; name its folder in GENLIB_DATA (the tests above need none)",
)
def test_the_genuine_mnist_passes_over_the_wire(monkeypatch, cached):
    served = Mirror({})
    served.answers = {file.name: file.read_bytes() for file in (GENUINE / "mnist").glob("*.gz")}
    try:
        monkeypatch.setattr(mnist_module, "MNIST", dataclasses.replace(PUBLISHED_MNIST, mirrors=(served.url,)))
        train, test = data.mnist()
    finally:
        served.stop()
    assert (len(train), len(test)) == (60_000, 10_000)
    assert train.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert abs(train.x.double().mean() / 255 - 0.1307) < 1e-4
    assert len(content(cached)) == 4
