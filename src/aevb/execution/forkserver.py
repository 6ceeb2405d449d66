"""Workers forked from a process in which torch and lightning are loaded, so that a run of many does not wait for them again.

A server listens on a socket in a folder. Its name there is made of all that a process cannot change once it has loaded torch,
so whoever finds a socket by the name of its own circumstances may use it, and starts a process of its own otherwise. A sweep
has a server of its own; `python -m aevb.execution.forkserver FOLDER` is one for every command with AEVB_FORKSERVER=FOLDER.
"""

import argparse
import gc
import hashlib
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from aevb.execution.lifetime import PARENT, STOPS, exit_immediately, exit_with_parent, set_process_title

__all__ = ["FOLDER", "Forked", "Server", "main"]

FOLDER = "AEVB_FORKSERVER"  # environment variable: where servers listen
AVAILABLE = sys.platform == "linux"  # elsewhere a process with threads of the system's libraries may not be forked
MODULES = (
    "aevb.execution.worker",
    "aevb.execution.ensemble_worker",
    "aevb.execution.local_ranks",
)  # what a server has loaded, and forks
REQUEST = 1 << 20  # bytes
# What is read once, by the interpreter, the dynamic linker, the allocator or a library of linear algebra.
FIXED = (
    *("PYTHON", "LD_", "MALLOC_", "GLIBC_", "LC_", "LANG", "CUDA", "NCCL", "TORCH", "PYTORCH", "ATEN"),
    *("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "NUMEXPR_", "BLIS_"),
)
# Set by scikit-learn in whatever process imports it, as a command does that looks at the digits before it asks for a child: of no
# meaning for what a server has loaded before.
LATE = ("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK")


class Forked:
    """A child of a server; what `subprocess.Popen` would say and do of it."""

    def __init__(self, module: list[str], connection: socket.socket) -> None:
        self.module = module
        self._connection = connection
        self.returncode: int | None = None

    @staticmethod
    def of(
        servers: str | Path,
        module: list[str],
        environment: Mapping[str, str],
        folder: str | Path = ".",
        files: Sequence[int] = (0, 1, 2),
    ) -> "Forked | None":
        """`python -m` and the words of `module` in `environment`; None if no server in the folder `servers` is of its kind.

        module: one that the server has loaded, one of MODULES if nothing else was asked of it. folder: the
        child's. files: its standard input, output and error.
        """
        if not AVAILABLE:
            return None
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {"module": module, "folder": str(Path(folder).resolve()), "environment": dict(environment)}
        try:
            connection.connect(f"{servers}/{_name(environment)}")
            socket.send_fds(connection, [json.dumps(request).encode()], list(files))
        except OSError:  # no such server, or it has died, or one of the three files is closed
            connection.close()
            return None
        return Forked(module, connection)

    def poll(self) -> int | None:
        """The exit code, below zero if a signal ended the child; None while it lives."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0.0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the exit code. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                answer = self._connection.recv(REQUEST)
            except (BlockingIOError, TimeoutError) as error:
                raise subprocess.TimeoutExpired(self.module, timeout or 0.0) from error
            except ConnectionError:
                answer = b""
            self.returncode = int(
                answer or -signal.SIGKILL
            )  # nothing is said by a server that was killed, its children with it
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Has the server send it, which knows whether the child lives."""
        with suppress(OSError):
            self._connection.send(str(number).encode())

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Server:
    """A server in `folder` for the children of this process, which are to have `environment`; it ends with this process."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        with _listening(folder / _name(environment)) as listener:
            handle = listener.fileno()
            command = [sys.executable, "-m", "aevb.execution.forkserver", str(folder), f"--listener={handle}"]
            own = {**environment, PARENT: str(os.getpid())}
            self._process = subprocess.Popen(command, env=own, pass_fds=[handle], start_new_session=True)

    def close(self) -> None:
        """Ends it, and what it has forked."""
        self._process.terminate()
        self._process.wait()


def _name(environment: Mapping[str, str]) -> str:
    fixed = {name: value for name, value in environment.items() if name.startswith(FIXED) and name not in LATE}
    text = json.dumps([sys.executable, sys.version, str(Path(__file__).resolve()), fixed], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _listening(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    path.chmod(0o600)  # a request is a wish of this user's
    listener.listen(256)
    return listener


def main(arguments: list[str] | None = None) -> int:
    """Serves until a signal ends it; its children hear SIGTERM then."""
    parser = argparse.ArgumentParser(prog="python -m aevb.execution.forkserver", description=__doc__)
    parser.add_argument("folder", type=Path, help=f"where to listen, for commands with {FOLDER} set to it")
    parser.add_argument("--also", action="append", default=[], help="further module with a main(arguments)")
    parser.add_argument("--listener", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not AVAILABLE:
        print("aevb.execution.forkserver: needs Linux; commands work without it", file=sys.stderr)
        return 2
    exit_with_parent()
    if options.listener is None:
        options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = options.folder / _name(os.environ)
        path.unlink(missing_ok=True)
        listener = _listening(path)
    else:
        listener = socket.socket(fileno=options.listener)
    for module in (*MODULES, *options.also):
        importlib.import_module(module)
    gc.freeze()  # or the collector would touch, and so copy, in every child what all of them share
    try:
        _Serving(listener).loop()
    except SystemExit as stop:
        exit_immediately(int(stop.code or 0))


class _Serving:
    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._waiting: set[socket.socket] = set()  # they have connected, and asked for nothing yet
        self._children: dict[int, socket.socket] = {}
        self._wakeup, woken = socket.socketpair()
        for end in (self._wakeup, woken):
            end.setblocking(False)
        self._handles = [listener, self._wakeup, woken]
        signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in STOPS:
            signal.signal(number, lambda number, frame: sys.exit(128 + number))

    def loop(self) -> NoReturn:
        try:
            with selectors.DefaultSelector() as self._selector:
                for handle in (self._listener, self._wakeup):
                    self._selector.register(handle, selectors.EVENT_READ)
                while True:
                    for key, _ in self._selector.select():
                        self._hear(key.fileobj)  # type: ignore[arg-type]
        finally:
            for child in self._children:
                os.kill(child, signal.SIGTERM)

    def _hear(self, handle: socket.socket) -> None:
        if handle is self._wakeup:
            with suppress(BlockingIOError):
                handle.recv(REQUEST)
            self._reap()
        elif handle is self._listener:
            connection, _ = handle.accept()
            self._waiting.add(connection)
            self._selector.register(connection, selectors.EVENT_READ)
        elif handle in self._waiting:
            self._waiting.remove(handle)
            self._fork(handle)
        else:
            self._pass_on(handle)

    def _fork(self, connection: socket.socket) -> None:
        try:
            text, handles, _, _ = socket.recv_fds(connection, REQUEST, 3)
            request = json.loads(text)
        except (OSError, ValueError):  # it has gone again
            self._selector.unregister(connection)
            connection.close()
            return
        signal.pthread_sigmask(
            signal.SIG_BLOCK, STOPS
        )  # or a child that hears one at once would end as its server does
        child = os.fork()
        if child == 0:
            self._selector.close()
            for other in (*self._handles, *self._waiting, *self._children.values(), connection):
                other.close()
            _become(request, handles)
        self._children[child] = connection
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        for handle in handles:
            os.close(handle)

    def _pass_on(self, connection: socket.socket) -> None:
        child = next((child for child, other in self._children.items() if other is connection), None)
        if child is None:  # reaped since the selector has told of it
            return
        try:
            said = connection.recv(REQUEST)
        except ConnectionError:
            said = b""
        if not said:  # whoever asked for the child has died
            self._selector.unregister(connection)
        os.kill(child, int(said or signal.SIGTERM))

    def _reap(self) -> None:
        while self._children:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            connection = self._children.pop(child)
            with suppress(KeyError):  # its owner is dead
                self._selector.unregister(connection)
            with suppress(OSError):
                connection.send(str(os.waitstatus_to_exitcode(status)).encode())
            connection.close()


def _become(request: dict[str, Any], handles: list[int]) -> NoReturn:
    """The child: what `python -m module` in that folder and that environment would be."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        os.setsid()
        for handle, standard in zip(handles, (0, 1, 2), strict=True):
            os.dup2(handle, standard)
            os.close(handle)
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=stream.isatty() or stream is sys.stderr)  # type: ignore[union-attr]
        server = os.getppid()
        os.environ.clear()
        os.environ.update(request["environment"])
        os.environ[PARENT] = str(server)
        exit_with_parent()
        tempfile.tempdir = None  # some module has asked for it already; TMPDIR may be another
        os.chdir(request["folder"])
        sys.path[0] = os.getcwd()
        name, *arguments = request["module"]
        set_process_title([sys.executable, "-m", *request["module"]])
        module = importlib.import_module(name)
        sys.argv = [str(module.__file__), *arguments]
        code = module.main(arguments)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    exit_immediately(code)


if __name__ == "__main__":
    sys.exit(main())
