"""A SLURM cluster of one machine: munged, slurmctld and slurmd with a config in a folder of their own, stopped at the end."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["MISSING", "cluster", "slurm"]

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
MISSING = [name for name in NEEDED if shutil.which(name, path=PATH) is None]
CONFIG = """\
ClusterName=test
SlurmctldHost={host}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={controller}
SlurmdPort={daemon}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
MaxArraySize=2001
SchedulerParameters=bf_interval=1,sched_interval=5
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def slurm(*words: str, env: dict[str, str]) -> str:
    """The standard output of a command of SLURM's."""
    return subprocess.run(words, env={**os.environ, **env}, capture_output=True, text=True, check=True).stdout


@contextmanager
def cluster(folder: Path, cpus: int = 2) -> Iterator[dict[str, str]]:
    """Starts a cluster; yields the environment in which the commands of SLURM use it."""
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    controller, daemon = _free_ports()
    names = {"host": socket.gethostname().partition(".")[0], "user": getpass.getuser(), "folder": folder, "cpus": cpus}
    (folder / "slurm.conf").write_text(CONFIG.format(**names, controller=controller, daemon=daemon))
    env = {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": PATH}
    files = {"key-file": key, "socket": folder / "munge.socket", "pid-file": folder / "munged.pid"}
    files |= {"log-file": folder / "munged.log", "seed-file": folder / "munged.seed"}
    try:
        slurm("munged", *(f"--{name}={path}" for name, path in files.items()), "--force", env=env)
        slurm("slurmctld", "-c", env=env)
        slurm("slurmd", env=env)
        _wait_until_idle(env)
        yield env
    finally:
        with suppress(subprocess.CalledProcessError, FileNotFoundError):
            slurm("scancel", "--user", getpass.getuser(), env=env)
            _wait_until_empty(env)
        for name in ("slurmd", "slurmctld", "munged"):
            _end(folder / f"{name}.pid")


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _wait_until_idle(env: dict[str, str]) -> None:
    deadline = time.monotonic() + 60
    while "idle" not in slurm("sinfo", "--noheader", "--format=%t", env=env):
        assert time.monotonic() < deadline, slurm("sinfo", "-R", env=env)
        time.sleep(0.2)


def _wait_until_empty(env: dict[str, str]) -> None:
    deadline = time.monotonic() + 40
    while slurm("squeue", "--noheader", env=env).strip() and time.monotonic() < deadline:
        time.sleep(0.2)


def _end(file: Path) -> None:
    with suppress(OSError, ValueError):
        pid = int(file.read_text())
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
