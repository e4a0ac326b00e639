"""A file is written whole or not at all, whoever is killed or writes at the same moment; and nothing is left behind."""

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from genlib import files

ROOT = Path(__file__).parents[1]

# Dies at the n-th call of the operating system that changes something: 0, 1, … until it comes through.
DIE = """
    import os, sys, tempfile
    from genlib import files
    left = int(sys.argv[1])
    def dying(real):
        def call(*arguments, **keywords):
            global left
            left -= 1
            if left < 0:
                os._exit(9)
            return real(*arguments, **keywords)
        return call
    for module, name in ((tempfile, "mkstemp"), (os, "fsync"), (os, "chmod"), (os, "replace"), (os, "link"),
                         (os, "unlink")):
        setattr(module, name, dying(getattr(module, name)))
    path = os.path.join(os.getcwd(), "file")
"""


def killed_everywhere(folder, code):
    """Runs code in the folder again and again, killed a little later each time; yields after each kill."""
    for number in range(30):
        script = textwrap.dedent(DIE) + textwrap.dedent(code)
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", script, str(number)], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode in (0, 9), done.stderr
        if done.returncode == 0:
            assert number > 3, "it never reached what it should die in"
            return
        yield


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_killed_anywhere_the_file_is_the_old_one_or_the_new_one_and_the_next_write_tidies(tmp_path):
    path = tmp_path / "file"
    for _ in killed_everywhere(tmp_path, "files.write(path, 'new' * 1000)"):
        assert not path.exists() or path.read_text() in ("old", "new" * 1000)
        files.write(tmp_path / "other", "something")
        assert set(names(tmp_path)) <= {"file", "other"}
        files.write(path, "old")
    assert path.read_text() == "new" * 1000


def test_killed_anywhere_while_it_exchanges_nothing_is_lost(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    for _ in killed_everywhere(tmp_path, "files.exchange(path, 'new', lambda content: content == b'old')"):
        files.put_back(path)
        assert path.read_text() in ("old", "new")
        files.write(tmp_path / "other", "something")
        assert set(names(tmp_path)) <= {"file", "other"}
        path.write_text("old")
    assert path.read_text() == "new"


def test_what_another_process_is_writing_is_left_alone(tmp_path):
    """Two processes write the same file at once, hundreds of times: each write comes through."""
    code = f"""
        import sys
        from genlib import files
        for number in range(200):
            files.write({str(tmp_path / "file")!r}, sys.argv[1] * 100 + str(number))
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    both = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), letter], env=environment, stderr=subprocess.PIPE)
        for letter in "ab"
    ]
    assert [process.communicate(timeout=100)[1] for process in both] == [b"", b""]
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text()[100:] == "199"


def test_a_save_between_look_and_copy_is_not_replaced(tmp_path, monkeypatch):
    """Wherever between two steps the save comes, and however the editor saves: in place, or by a name of its own."""
    path = tmp_path / "file"

    def in_place():
        path.write_text("theirs")

    def by_name():
        (tmp_path / "editor").write_text("theirs")
        real["replace"](tmp_path / "editor", path)

    real = {name: getattr(os, name) for name in ("replace", "link", "fsync")}
    for save in (in_place, by_name):
        for name in real:
            for after in (False, True):
                path.write_text("old")

                def disturbed(*arguments, name=name, after=after, save=save, **keywords):
                    monkeypatch.setattr(os, name, real[name])
                    if not after:
                        save()
                    result = real[name](*arguments, **keywords)
                    if after:
                        save()
                    return result

                monkeypatch.setattr(os, name, disturbed)
                files.exchange(path, "new", lambda content: content == b"old")
                monkeypatch.setattr(os, name, real[name])
                assert path.read_text() == "theirs", (save, name, after)
                assert names(tmp_path) == ["file"]


def test_saves_of_another_thread_are_never_lost(tmp_path):
    path = tmp_path / "file"
    for number in range(100):
        path.write_text("old")
        saved = threading.Thread(target=files.write, args=(path, f"theirs {number}"))
        saved.start()
        files.exchange(path, "new", lambda content: content == b"old")
        saved.join()
        assert path.read_text() == f"theirs {number}"
    assert names(tmp_path) == ["file"]


def test_without_hard_links_it_goes_another_way(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError(1, "no hard links here")))
    files.create(tmp_path / "file", "old")
    with pytest.raises(FileExistsError):
        files.create(tmp_path / "file", "other")
    assert files.exchange(tmp_path / "file", "new", lambda content: content == b"old")
    assert not files.exchange(tmp_path / "file", "newer", lambda content: content == b"old")
    assert (tmp_path / "file").read_text() == "new"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("act", ["write", "exchange"])
def test_a_link_stays_a_link(tmp_path, act):
    (tmp_path / "cloud").mkdir()
    real, link = tmp_path / "cloud" / "file", tmp_path / "file"
    real.write_text("old")
    link.symlink_to(real)
    files.write(link, "new") if act == "write" else files.exchange(link, "new", lambda content: content == b"old")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert names(tmp_path) == ["cloud", "file"]
    assert names(tmp_path / "cloud") == ["file"]


@pytest.mark.parametrize("odd", ["pipe", "device", "folder", "link to a device"])
def test_what_is_no_file_is_refused_and_stays(tmp_path, odd):
    path = tmp_path / "odd"
    if odd == "pipe":
        os.mkfifo(path)
    elif odd == "folder":
        path.mkdir()
    elif odd == "device":
        path = Path("/dev/null")
    else:
        path.symlink_to("/dev/null")
    before = os.stat(path).st_mode
    with pytest.raises(OSError, match=r"directory|device or a pipe"):
        files.write(path, "")
    assert os.stat(path).st_mode == before


def test_the_rights_of_a_file_stay(tmp_path):
    path = tmp_path / "file"
    for rights in (0o600, 0o664, 0o400):
        files.write(path, "old")
        path.chmod(rights)
        files.write(path, f"new {rights}")
        assert path.stat().st_mode & 0o777 == rights
