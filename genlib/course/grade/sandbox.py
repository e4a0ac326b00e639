"""The sandbox of one notebook, by bubblewrap where that is there: what a learner's code can see and reach.

Within: no network; processes of its own, which end with the judge; no file of this machine but what Python needs, to be
read only; the library without the references of the exercises; an empty folder to work in, which holds so much and no
more, and is gone afterwards.

Where a whole notebook runs as `genlib check` runs it (`--full`), its kernel needs the references; all else holds.
"""

import functools
import os
import shutil
import site
import subprocess
import sys
from pathlib import Path

import genlib

LIBRARY = Path(genlib.__file__).resolve().parent
REFERENCES = LIBRARY / "course" / "exercises"
WORK, FILES = "/notebook", "/beside"  # within: the folder to work in, and what lay beside the notebook
QUOTA = 512 * 2**20  # bytes: of the folder, and of /dev/shm
FULL = "its checks run beside its code, which could read the references or forge its own result"
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/etc/alternatives", "/etc/fonts")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/etc/passwd", "/etc/group")


@functools.cache
def works() -> bool:
    """Whether bubblewrap is there and may do what is asked of it; some containers forbid it."""
    if not sys.platform.startswith("linux") or shutil.which("bwrap") is None:
        return False
    try:
        command = [*_bubblewrap(None), sys.executable, "-I", "-S", "-c", ""]
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def protection(full: bool = False) -> str:
    """What protects this run, in one line; full: every cell runs as `genlib check` runs it."""
    if full and works():
        return (
            "--full: each notebook runs in a sandbox of its own (bubblewrap): no network, no files of this machine, "
            f"limits on time, memory, files and processes; {FULL}"
        )
    if full:
        return "--full: every cell runs as you, in no sandbox (bubblewrap is missing or may not start); " + FULL
    if works():
        return (
            "each notebook runs in a sandbox of its own (bubblewrap): no network, no files of this machine, no "
            "references, limits on time, memory, files and processes"
        )
    missing = "is there but may not start" if shutil.which("bwrap") else "is not there"
    return (
        f"bubblewrap {missing}: answers run as you, with limits on time and memory, and could read your files; "
        "mark people you don't trust on Linux with the package bubblewrap"
    )


def command(files: Path, full: bool = False) -> list[str]:
    """How the process for answers is started; files: a folder with what lay beside the notebook."""
    python = [sys.executable, "-P", "-m", "genlib.course.grade.answering"]
    return [*_bubblewrap(files, full), *python] if works() else python


def environment(folder: Path, full: bool = False) -> dict[str, str]:
    """The environment of the process: nothing of ours that it has no use for; full: trainings have all their steps."""
    home = WORK if works() else str(folder)
    kept = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP", "PYTHONHOME")
    result = {name: os.environ[name] for name in kept if name in os.environ}
    result |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    result |= {"HOME": home, "IPYTHONDIR": f"{home}/.ipython", "MPLCONFIGDIR": f"{home}/.matplotlib"}
    result |= {"GENLIB_PROGRESS": "", "PYTHONUTF8": "1"} | ({} if full else {"GENLIB_QUICK": "1", "MPLBACKEND": "agg"})
    return result | {"PYTHONPATH": os.pathsep.join([str(LIBRARY.parent), *_packages()]), "PYTHONDONTWRITEBYTECODE": "1"}


def _packages() -> list[str]:
    """The folders of packages that Python would not find by itself, as a folder named in PYTHONPATH."""
    ours = {str(LIBRARY.parent), ""}
    named = [str(Path(path).resolve()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return [path for path in named if path not in ours and not (Path(path) / "genlib").exists()]


def _bubblewrap(files: Path | None, references: bool = False) -> list[str]:
    """bubblewrap and its arguments. What comes later lies over what came before."""
    result = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    result += ["--proc", "/proc", "--dev", "/dev", "--size", str(QUOTA), "--tmpfs", "/dev/shm"]
    result += ["--size", str(QUOTA), "--tmpfs", "/tmp", "--size", str(QUOTA), "--tmpfs", WORK, "--chdir", WORK]
    for path in (*_SYSTEM, *_SYSTEM_FILES, *_python()):
        result += ["--ro-bind-try", path, path]
    result += ["--ro-bind", str(LIBRARY), str(LIBRARY)]
    if not references:
        result += ["--tmpfs", str(REFERENCES)]
        result += ["--ro-bind", str(REFERENCES / "__init__.py"), str(REFERENCES / "__init__.py")]
    result += ["--ro-bind", str(files), FILES] if files else []
    return [*result, "--remount-ro", "/dev", "--remount-ro", "/"]  # what lies on top of them can be written to


def _python() -> list[str]:
    """Python's own folders, and those of its packages."""
    folders = {sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(sys.executable).resolve().parents[1])}
    folders |= {path for path in (site.getusersitepackages(), *_packages()) if os.path.isdir(path)}
    return sorted(path for path in folders if path != "/")
