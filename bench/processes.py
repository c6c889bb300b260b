"""Processes that are measured: started, waited for, weighed and ended."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process that listens at a port of this machine."""

    pid: int
    port: int

    @property
    def megabytes(self) -> float:
        """The memory that it holds at this moment."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE / 1e6

    @property
    def peak_megabytes(self) -> float:
        """The most memory that it has held so far."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6

    @property
    def cpu_seconds(self) -> float:
        """The time on a processor that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    async def cpu_percent(self, seconds: float) -> float:
        """Watch it for a while, and return how much of one core it used."""
        before = self.cpu_seconds
        await asyncio.sleep(seconds)
        return (self.cpu_seconds - before) / seconds * 100


def free_port() -> int:
    """Return a port where nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@asynccontextmanager
async def running(
    command: Sequence[str], *, port: int, environment: Mapping[str, str], log: Path
) -> AsyncIterator[Running]:
    """Run a module of Python as a process of its own; gives it as soon as it is begun."""
    with log.open("ab") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *command,
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **environment},
            stdout=said,
            stderr=said,
        )
        try:
            yield Running(pid=process.pid, port=port)
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(15):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def listening(process: Running, log: Path, *, patience: float = 30.0) -> None:
    """Wait until it accepts connections. Raises RuntimeError with what it said."""
    try:
        async with asyncio.timeout(patience):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", process.port)
                except OSError:
                    await asyncio.sleep(0.005)
                else:
                    writer.close()
                    return
    except TimeoutError:
        said = log.read_text()[-4000:]  # noqa: ASYNC240  # nothing else is going on
        raise RuntimeError(f"it did not start:\n{said}") from None
