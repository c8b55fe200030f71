"""Three archivers share eight partitions of a topic on a real Kafka while events flow. They are killed, stopped,
asked to end and put to sleep for longer than their group waits for them. At the end another client reads the topic,
and the oracle compares: every event archived once, as it was published, and `verify` passes.

All choices come from one seed. Exit 77: there is no Kafka on this machine.
"""
import argparse
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

from oracle import check_everything_is_archived, read_archive
from world import Task, Violation, World

ARCHIVERS = 3
SESSION_SECONDS = 6
SETTINGS = {"hub.partitions": "8", "archive.flush_interval": "700ms", "archive.segment_bytes": "1MiB"}
EVENTS_OF_A_FILE = 10_000
SKIPPED = 77


class Kafka:
    """The broker: a program that ends with its standard input."""

    def __init__(self, program: pathlib.Path):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.bootstrap = self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()

    def events(self, topic: str) -> dict:
        """(partition, sequence) -> message, read by kcat."""
        answer = subprocess.run(
            ["kcat", "-C", "-q", "-e", "-b", self.bootstrap, "-o", "beginning", "-t", topic, "-f", "%p %o %s\n"],
            check=True,
            stdout=subprocess.PIPE,
        )
        events = {}
        for line in answer.stdout.splitlines():
            partition, offset, payload = line.split(b" ", 2)
            events[int(partition), int(offset)] = payload
        return events


class Chaos:
    def __init__(self, world: World, events: int):
        self.world = world
        self.dice = world.dice
        self.left = events
        self.number = 0
        self.again: list[str] = []
        self.restart: list[float] = [0.0] * ARCHIVERS
        self.counts = dict.fromkeys(("kills", "sleeps over the session", "short sleeps", "terminations"), 0)

    def write_file(self) -> str:
        name = f"feed/{self.number:08d}.jsonl"
        count = min(EVENTS_OF_A_FILE, self.left)
        lines = []
        for self.number in range(self.number + 1, self.number + count + 1):
            key = self.dice.randrange(100_000)
            lines.append(
                f'{{"_id":{{"_data":"82{self.number:010x}"}},"operationType":"insert","ns":{{"db":"shop","coll":'
                f'"c{self.number % 3}"}},"documentKey":{{"_id":{key}}},"fullDocument":{{"_id":{key},"n":{self.number}}}}}'
            )
        self.left -= count
        (self.world.folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return name

    def publish(self) -> None:
        name = self.again.pop() if self.again else self.write_file()

        def ended(_task: Task, code: int | None) -> None:
            if code is None:
                self.again.append(name)  # what it had published already comes a second time
            else:
                (self.world.folder / name).unlink()

        self.world.start("publish", name, then=ended)

    def fault(self) -> None:
        world, dice = self.world, self.dice
        running = [t for t in world.tasks if not t.killed and not t.asked_to_stop and t.wakes is None]
        if not running:
            return
        victim = dice.choice(running)
        what = dice.choices(["kill", "long", "short", "terminate"], weights=[50, 12, 15, 15])[0]
        if what == "kill":
            world.kill(victim)
            self.counts["kills"] += 1
        elif what == "terminate":
            if victim.daemon:
                world.ask_to_stop(victim)
                self.counts["terminations"] += 1
        elif what == "long":
            world.pause(victim, dice.uniform(1.2, 1.6) * SESSION_SECONDS)
            self.counts["sleeps over the session"] += 1
        else:
            world.pause(victim, dice.uniform(0.1, 1))
            self.counts["short sleeps"] += 1

    def tick(self) -> None:
        for task in self.world.collect():
            if task.daemon:
                self.restart.append(time.monotonic() + self.dice.uniform(0, 1))
        for due in [moment for moment in self.restart if moment <= time.monotonic()]:
            self.restart.remove(due)
            self.world.start("archive", daemon=True)
        if (self.left > 0 or self.again) and sum(t.verb == "publish" for t in self.world.tasks) < 2:
            self.publish()
        if self.dice.random() < 0.02:
            self.fault()

    def run(self) -> None:
        while self.left > 0 or self.again or any(t.verb == "publish" for t in self.world.tasks):
            self.tick()
            time.sleep(0.02)
        for task in self.world.tasks:
            if task.wakes is not None:
                self.world.wake(task)
            # Asked twice, a program ends at once.
            if task.process.poll() is None and not task.asked_to_stop:
                self.world.ask_to_stop(task)
        self.world.wait_for_all()


def settle(world: World, kafka: Kafka, topic: str) -> str:
    world.run("archive", "--once")
    verified = world.run_json("verify")
    hub = kafka.events(topic)
    archived = read_archive(world.archive, hub)
    check_everything_is_archived(hub, archived)
    if verified["result"] != "PASS" or verified["records_checked"] != len(archived.ids):
        raise Violation(f"verify saw {verified['records_checked']} of {len(archived.ids)} records: {verified['result']}")
    return f"archived once: {len(hub)} events; {archived.claims} claims, {archived.commits} commits"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin/changevault", help="the program")
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    binary = pathlib.Path(options.bin).resolve()
    kafka = Kafka(binary.parent / "kafka_broker")
    if not kafka.bootstrap or shutil.which("kcat") is None:
        print("SKIPPED: there is no Kafka, or no kcat, on this machine; scripts/setup test fetches them")
        return SKIPPED
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000_000)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="changevault-kafka-chaos-"))
    print(f"seed {seed}, {options.events} events, in {folder}", flush=True)
    world = World(folder, binary, seed)
    world.environment |= {
        "CHANGEVAULT_HUB_URL": f"kafka://{kafka.bootstrap}/chaos",
        "CHANGEVAULT_HUB_OPTIONS_SESSION_TIMEOUT_MS": str(SESSION_SECONDS * 1000),
    }
    chaos = Chaos(world, options.events)
    try:
        world.run("init", *(word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")))
        begin = time.monotonic()
        chaos.run()
        flowed = time.monotonic() - begin
        words = settle(world, kafka, "chaos")
    except Violation as violation:
        print(", ".join(f"{number} {name}" for name, number in chaos.counts.items()))
        print(f"FAILED: {violation}\n\nkept: {folder} (history.log, logs/, data/)\nreplay: --seed {seed}")
        return 1
    finally:
        for task in world.tasks:
            task.process.kill()
            task.process.wait()
        kafka.end()
    print(", ".join(f"{number} {name}" for name, number in chaos.counts.items()))
    print(f"{words}; they flowed for {flowed:.0f} s")
    shutil.rmtree(folder)
    print(f"PASSED: seed {seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
