"""A changevault of the run's own: its folder, the programs started in it, and what each of them may answer."""
import dataclasses
import json
import os
import pathlib
import random
import signal
import subprocess
import time


class Violation(Exception):
    """The program broke a promise."""


# Small flushes, short leases, small transactions: many places to die in.
SETTINGS = {
    "hub.partitions": "5",
    "hub.lease": "700ms",
    "archive.flush_interval": "400ms",
    "archive.segment_bytes": "16KiB",
    "load.poll_interval": "50ms",
    "load.batch_bytes": "300KB",
    "load.grace": "2s",
    "warehouse.lock_timeout": "150s",
}

# What a verb may answer; what else where the archive was damaged, or rows were lost or doubled, while it ran.
EXIT_CODES = {"gaps": {0, 3}, "recover": {0, 3}}
WHILE_DAMAGED = {"gaps": {4, 5}, "recover": {3, 4}, "verify": {4}, "repair": {4}, "load": {4}, "archive": {4}}
WHILE_ROWS_GO = {"recover": {3, 4}}

# Without an answer for so long a program hangs: the longest wait that the program itself has is 60 s.
DEADLINE_SECONDS = 240


@dataclasses.dataclass
class Task:
    """A program that was started. Its output is in files, so that no pipe can fill up."""

    number: int
    arguments: list
    process: subprocess.Popen
    started: float
    out: pathlib.Path
    err: pathlib.Path
    daemon: bool = False
    doom: float | None = None  # when it is to be killed
    wakes: float | None = None  # until when it is stopped
    slept: float = 0.0
    killed: bool = False
    asked_to_stop: bool = False
    asked_at: float = 0.0
    then: object = None  # called with the task when it ended by itself

    @property
    def verb(self) -> str:
        return self.arguments[0]

    def __str__(self) -> str:
        return f"#{self.number} {' '.join(self.arguments)}"

    def holds_open(self, name: str) -> bool:
        try:
            folder = f"/proc/{self.process.pid}/fd"
            return any(os.readlink(f"{folder}/{fd}").endswith(name) for fd in os.listdir(folder))
        except OSError:
            return False


class World:
    def __init__(self, folder: pathlib.Path, binary: pathlib.Path, seed: int):
        self.folder = folder
        self.binary = binary
        self.dice = random.Random(seed)
        self.begun = time.monotonic()
        self.tasks: list[Task] = []
        self.count = 0
        self.ended: dict[str, int] = {}
        # What goes on that answers may differ for: how many at this moment, and when the last one was over.
        self.going_on = {"damage": 0, "rows": 0}
        self.over = {"damage": -1.0, "rows": -1.0}
        self.environment = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith("CHANGEVAULT_") and name != "CONSUMER_GROUP"
        }
        (folder / "logs").mkdir(parents=True)
        (folder / "feed").mkdir()
        self.log_file = (folder / "history.log").open("w", encoding="utf-8")

    @property
    def archive(self) -> pathlib.Path:
        return self.folder / "data/archive"

    @property
    def copy(self) -> pathlib.Path:
        """Where whole objects are kept while the archive's own are damaged."""
        return self.folder / "copy"

    def log(self, words: str) -> None:
        self.log_file.write(f"{time.monotonic() - self.begun:9.3f} {words}\n")
        self.log_file.flush()

    def begin(self, what: str) -> None:
        self.going_on[what] += 1

    def end(self, what: str) -> None:
        self.going_on[what] -= 1
        self.over[what] = time.monotonic()

    def start(self, *arguments: str, daemon: bool = False, then=None) -> Task:
        self.count += 1
        base = self.folder / "logs" / f"{self.count:05d}-{arguments[0]}"
        out, err = base.with_suffix(".out"), base.with_suffix(".err")
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(
                [self.binary, *arguments, "--quiet"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=to_out,
                stderr=to_err,
            )
        task = Task(self.count, list(arguments), process, time.monotonic(), out, err, daemon=daemon, then=then)
        self.tasks.append(task)
        self.log(f"start {task}")
        return task

    def run(self, *arguments: str, codes=(0,)) -> str:
        """To its end, undisturbed; its output."""
        task = self.start(*arguments)
        try:
            code = task.process.wait(timeout=DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            raise Violation(f"{task} does not end") from None
        self.tasks.remove(task)
        self.log(f"end {task}: {code}")
        if code not in codes:
            raise Violation(f"{task} ended with {code}, expected {sorted(codes)}\n{self.words_of(task)}")
        text = task.out.read_text(encoding="utf-8")
        self._forget(task)
        return text

    def run_json(self, *arguments: str, codes=(0,)):
        return json.loads(self.run(*arguments, "--output", "json", codes=codes))

    # Faults

    def kill(self, task: Task) -> None:
        self.log(f"kill {task}")
        task.killed = True
        task.process.send_signal(signal.SIGKILL)

    def pause(self, task: Task, seconds: float) -> None:
        self.log(f"stop {task} for {seconds:.2f} s")
        task.process.send_signal(signal.SIGSTOP)
        task.wakes = time.monotonic() + seconds
        task.slept += seconds

    def wake(self, task: Task) -> None:
        task.wakes = None
        task.process.send_signal(signal.SIGCONT)

    def ask_to_stop(self, task: Task) -> None:
        self.log(f"terminate {task}")
        task.asked_to_stop = True
        task.asked_at = time.monotonic()
        task.process.send_signal(signal.SIGTERM)

    # Ends

    def collect(self) -> list:
        """Wakes, kills and takes in what is due; the tasks that ended. Raises where one answered what it must not."""
        now = time.monotonic()
        ended = []
        for task in list(self.tasks):
            if task.wakes is not None and now >= task.wakes:
                self.wake(task)
            if task.doom is not None and now >= task.doom:
                task.doom = None
                if task.process.poll() is None:
                    self.kill(task)
            if task.process.poll() is not None:
                self.tasks.remove(task)
                ended.append(task)
                self._judge(task)
            elif not task.daemon and now - task.started - task.slept > DEADLINE_SECONDS:
                raise Violation(f"{task} does not end\n{self.words_of(task)}")
        return ended

    def wait_for_all(self) -> None:
        while self.tasks:
            self.collect()
            time.sleep(0.01)

    def happened_during(self, task: Task, what: str) -> bool:
        return self.going_on[what] > 0 or self.over[what] >= task.started

    def _judge(self, task: Task) -> None:
        code = task.process.returncode
        self.log(f"end {task}: {code}")
        self.ended[task.verb] = self.ended.get(task.verb, 0) + 1
        if task.killed and code == -signal.SIGKILL:
            self._forget(task)
            if task.then:
                task.then(task, None)
            return
        allowed = set(EXIT_CODES.get(task.verb, {0}))
        if self.happened_during(task, "damage"):
            allowed |= WHILE_DAMAGED.get(task.verb, set())
        if self.happened_during(task, "rows"):
            allowed |= WHILE_ROWS_GO.get(task.verb, set())
        if task.asked_to_stop:
            allowed |= {130} if not task.daemon else set()
            # Asked before it could listen, it ends as any program does.
            allowed |= {-signal.SIGTERM} if task.asked_at - task.started < 0.5 else set()
        if code not in allowed or (task.daemon and not task.asked_to_stop):
            raise Violation(f"{task} ended by itself with {code}\n{self.words_of(task)}")
        if task.then:
            task.then(task, code)
        self._forget(task)

    @staticmethod
    def words_of(task: Task) -> str:
        words = task.err.read_bytes()[-3000:] + b"\n" + task.out.read_bytes()[-1500:]
        return words.decode("utf-8", "replace")

    @staticmethod
    def _forget(task: Task) -> None:
        task.out.unlink()
        task.err.unlink()
