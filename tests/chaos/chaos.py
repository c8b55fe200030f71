"""Everything at once, and everything that can happen to it: is every published event archived once and in the
warehouse once, and does the program see it so?

Publishers, archivers of one group, loaders, recoveries, gaps, verify and repair run side by side on the embedded
parts. They are killed and stopped at random, rows are lost and doubled, objects of the archive are damaged. A round
ends with everything brought to its end without faults, and then the oracle reads the hub, the archive and the
warehouse with no code of the program's own. All choices come from one seed; what the clock and the scheduler add
does not, so a replay makes the same choices at nearly the same moments.
"""
import argparse
import json
import pathlib
import random
import shutil
import sys
import tempfile
import time

from damage import Damage
from feed import Feed
from oracle import check_everything_is_archived, check_warehouse, hub_events, read_archive
from world import SETTINGS, Task, Violation, World

DAEMONS = ["archive", "archive", "archive", "load", "load"]
MOST_PUBLISHERS = 3
MOST_JOBS = 3
TICK_SECONDS = 0.02
ROUND_SECONDS = 45

KEEP_ONE_ROW = (
    "DELETE FROM mongodb_changes WHERE rowid IN (SELECT rowid FROM (SELECT rowid, row_number() OVER "
    "(PARTITION BY event_id ORDER BY rowid) AS n FROM mongodb_changes) WHERE n > 1)"
)


class Chaos:
    def __init__(self, world: World):
        self.world = world
        self.dice = world.dice
        self.feed = Feed(world.dice)
        self.damage = Damage(world)
        self.files: list[str] = []
        self.again: list[str] = []  # files whose publisher died
        self.waiting: list[str] = []  # recoveries that wait for a word
        self.restart: list[tuple[float, str]] = [(0.0, verb) for verb in DAEMONS]
        self.counts = dict.fromkeys(("kills", "pauses", "terminations", "rows lost or doubled"), 0)

    # Jobs

    def publish(self) -> None:
        if self.again and self.dice.random() < 0.7:
            name = self.again.pop()
        elif self.files and self.dice.random() < 0.05:
            name = self.dice.choice(self.files)  # a producer's retry: every event once more
        else:
            name = f"feed/{len(self.files):06d}.jsonl"
            self.feed.write(self.world.folder / name)
            self.files.append(name)

        def ended(_task: Task, code: int | None) -> None:
            if code is None:
                self.again.append(name)

        self.doom(self.world.start("publish", "--time-from", "cluster_time", "--allow-late", name, then=ended))

    def job(self) -> None:
        jobs = {
            self.recover: 4,
            self.stage_only: 2,
            self.settle_staged: 2,
            self.gaps: 2,
            self.verify: 2,
            self.repair: 1,
            self.lose_rows: 4,
            self.look: 1,
        }
        self.dice.choices(list(jobs), weights=list(jobs.values()))[0]()

    def recover(self) -> None:
        if self.dice.random() < 0.7:
            self.doom(self.world.start("recover", "--gaps", "--yes"))
        else:
            self.doom(self.world.start("recover", "shop", "*", "--from", "2025-01-15", "--yes"))

    def stage_only(self) -> None:
        def ended(task: Task, code: int | None) -> None:
            if code == 0 and task.out.stat().st_size > 0:
                result = json.loads(task.out.read_text(encoding="utf-8"))
                if result.get("state") == "staged":
                    self.waiting.append(result["id"])

        self.doom(self.world.start("recover", "--gaps", "--stage-only", "--yes", "--output", "json", then=ended))

    def settle_staged(self) -> None:
        if self.waiting:
            self.doom(self.world.start("recover", self.dice.choice(["--resume", "--discard"]), self.waiting.pop(), "--yes"))

    def gaps(self) -> None:
        self.doom(self.world.start("gaps", "--output", "json"))

    def verify(self) -> None:
        mode = self.dice.choice([[], [], ["--quick"], ["--incremental"]])
        self.doom(self.world.start("verify", *mode, "--output", "json", then=self.damage.check_verify))

    def repair(self) -> None:
        self.doom(self.world.start("repair", "--yes"))

    def look(self) -> None:
        self.doom(self.world.start(*self.dice.choice([["ls"], ["status"], ["audit"], ["groups", "list"]])))

    def lose_rows(self) -> None:
        part = self.dice.choice([2, 5, 40])
        some = f"hash(event_id || '{self.dice.randrange(1000)}') % {part} = 0"
        statement = self.dice.choice(
            [
                f"DELETE FROM mongodb_changes WHERE {some}",
                f"DELETE FROM mongodb_changes WHERE {some} AND hour(enqueued_time) = {self.dice.randrange(24)}",
                f"INSERT INTO mongodb_changes SELECT * FROM mongodb_changes WHERE {some} LIMIT 200",
                KEEP_ONE_ROW,
            ]
        )
        self.counts["rows lost or doubled"] += 1
        self.world.begin("rows")
        self.doom(self.world.start("sql", statement, then=lambda *_: self.world.end("rows")))

    def doom(self, task: Task) -> None:
        """Some jobs die in the middle of their work."""
        if self.dice.random() < 0.35:
            task.doom = time.monotonic() + self.dice.expovariate(2)
            self.counts["kills"] += 1

    # Faults

    def fault(self) -> None:
        world, dice = self.world, self.dice
        running = [task for task in world.tasks if not task.killed and not task.asked_to_stop]
        if not running:
            return
        inside = [task for task in running if task.holds_open("warehouse.duckdb")]
        victim = dice.choice(inside if inside and dice.random() < 0.3 else running)
        what = dice.choices(["kill", "pause", "long pause", "terminate", "damage"], weights=[50, 15, 8, 6, 12])[0]
        if what == "damage":
            self.damage.begin()
        elif what == "kill":
            world.kill(victim)
            self.counts["kills"] += 1
        elif what == "terminate":
            if victim.wakes is None:
                world.ask_to_stop(victim)
                self.counts["terminations"] += 1
        elif victim.wakes is None:
            # A long one is over any lease and any wait for an owner that fell silent.
            world.pause(victim, dice.uniform(0.05, 0.5) if what == "pause" else dice.uniform(1.5, 4))
            self.counts["pauses"] += 1

    # Course

    def tick(self) -> None:
        for task in self.world.collect():
            if task.daemon:
                self.restart.append((time.monotonic() + self.dice.uniform(0, 0.6), task.verb))
        for due in [entry for entry in self.restart if entry[0] <= time.monotonic()]:
            self.restart.remove(due)
            self.world.start(due[1], daemon=True)
        self.damage.tend()
        publishers = sum(task.verb == "publish" for task in self.world.tasks)
        jobs = sum(not task.daemon and task.verb != "publish" for task in self.world.tasks)
        if publishers < MOST_PUBLISHERS and self.dice.random() < 0.06:
            self.publish()
        if jobs < MOST_JOBS and self.dice.random() < 0.05:
            self.job()
        if self.dice.random() < 0.05:
            self.fault()

    def round(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.tick()
            time.sleep(TICK_SECONDS)
        self.quieten()
        self.settle()

    def quieten(self) -> None:
        for task in self.world.tasks:
            if task.wakes is not None:
                self.world.wake(task)
            if task.process.poll() is None and task.daemon:
                self.world.kill(task) if self.dice.random() < 0.5 else self.world.ask_to_stop(task)
        self.world.wait_for_all()
        self.restart = [(0.0, verb) for verb in DAEMONS]
        self.damage.put_back()

    def settle(self) -> None:
        """Brings everything to its end and asks the oracle."""
        world = self.world
        world.run("archive", "--once", *(["--close"] if self.dice.random() < 0.5 else []))
        world.run("load", "--once")
        world.run("sql", KEEP_ONE_ROW)
        for side_table in world.run_json("status")["warehouse"]["side_tables"]:
            # 7: it died behind its last entry, so that it is over; its side tables are dropped in either case.
            world.run("recover", self.dice.choice(["--resume", "--discard"]), side_table["id"], "--yes", codes=(0, 3, 7))
        self.waiting.clear()
        world.run("repair", "--yes")
        world.run("recover", "--gaps", "--yes")
        world.run("gaps")
        verified = world.run_json("verify")
        left = world.run_json("status")["warehouse"]["side_tables"]
        if left:
            raise Violation(f"side tables are left: {left}")

        hub = hub_events(world.folder / "data/hub.db")
        self.archived = read_archive(world.archive, hub)
        check_everything_is_archived(hub, self.archived)
        records = sum(identity is not None for identity in self.archived.ids.values())
        if verified["result"] != "PASS" or verified["records_checked"] != records:
            raise Violation(f"verify saw {verified['records_checked']} records, {verified['result']}; there are {records}")
        check_warehouse(self.archived, [row[0] for row in world.run_json("sql", "SELECT event_id FROM mongodb_changes")["rows"]])
        world.log(f"settled: {len(hub)} events, {records} records")

    def report(self) -> str:
        damaged = sum(self.damage.done.values())
        archived = getattr(self, "archived", None)
        lines = [
            ", ".join(f"{number} {name}" for name, number in self.counts.items()) + f", {damaged} objects damaged",
            "damage: " + (", ".join(f"{n} {what}" for what, n in sorted(self.damage.done.items())) or "none"),
            "put back by: " + (", ".join(f"{what} {n}" for what, n in sorted(self.damage.repaired.items())) or "none"),
            "ended: " + ", ".join(f"{verb} {n}" for verb, n in sorted(self.world.ended.items())),
        ]
        if archived:
            lines.append(
                f"archived once: {len(archived.ids)} events; {archived.claims} claims, {archived.commits} commits, "
                f"{archived.seals} seals"
            )
        return "\n".join(lines)


def begin(world: World, feed: Feed) -> None:
    """An archive with something in it: of an empty one nothing is known, and every verb says so."""
    world.run("init", *(word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")))
    feed.write(world.folder / "feed/first.jsonl")
    world.run("publish", "--time-from", "cluster_time", "feed/first.jsonl")
    world.run("archive", "--once")


def run_rounds(chaos: Chaos, seconds: float, round_seconds: float) -> int:
    rounds = 0
    end = time.monotonic() + seconds
    while rounds == 0 or time.monotonic() < end:
        chaos.round(max(1.0, min(round_seconds, end - time.monotonic())))
        rounds += 1
        print(f"round {rounds}: settled; {chaos.counts['kills']} kills, {len(chaos.archived.ids)} events", flush=True)
    return rounds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin/changevault", help="the program")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--round", type=float, default=ROUND_SECONDS, help="seconds until all is settled and counted")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--folder", default=None, help="where to work (default: a new temporary folder)")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000_000)
    folder = pathlib.Path(options.folder or tempfile.mkdtemp(prefix="changevault-chaos-"))
    print(f"seed {seed}, {options.seconds:.0f} s, in {folder}", flush=True)
    world = World(folder, pathlib.Path(options.bin).resolve(), seed)
    chaos = Chaos(world)
    try:
        begin(world, chaos.feed)
        run_rounds(chaos, options.seconds, options.round)
    except Violation as violation:
        print(chaos.report())
        print(f"FAILED: {violation}\n")
        print(f"kept: {folder} (history.log, logs/, data/)")
        print(f"replay: CHAOS_SEED={seed} CHAOS_SECONDS={options.seconds:.0f} make chaos")
        return 1
    finally:
        for task in world.tasks:
            task.process.kill()
            task.process.wait()
    print(chaos.report())
    if not options.folder:
        shutil.rmtree(folder)
    print(f"PASSED: seed {seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
