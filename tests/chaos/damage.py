"""Damages one object of the archive at a time, keeps it whole elsewhere, and sees to it that it comes back."""
import hashlib
import json
import pathlib
import re
import shutil
import time

from world import Task, Violation, World

CLAIM = re.compile(r"-p(\d+)-\d+-\d+-c(\d+)\.jsonl\.gz$")


def ledger_of(archive: pathlib.Path) -> tuple[dict, dict]:
    """Listed objects with their SHA-256, and the newest claim of each partition."""
    listed, claims = {}, {}
    for folder in (archive / "changestreams/_ledger").glob("p[0-9]*"):
        for path in folder.glob("*.json"):
            slot = json.loads(path.read_bytes())
            if slot["kind"] == "claim":
                partition = int(folder.name[1:])
                claims[partition] = max(claims.get(partition, -1), int(path.stem))
            for kind in ("segments", "dead_letters"):
                listed |= {entry["key"]: entry["sha256"] for entry in slot.get(kind, [])}
    return listed, claims


class Damage:
    def __init__(self, world: World):
        self.world = world
        self.key: str | None = None  # the damaged object
        self.sha256 = ""
        self.since = 0.0
        self.restore_at = 0.0
        self.repairing: Task | None = None
        self.done: dict[str, int] = {}
        self.repaired: dict[str, int] = {}

    def begin(self) -> None:
        """Flips a bit of a listed object, cuts it or takes it away; sometimes one of a fenced owner's leftovers."""
        world = self.world
        if self.key is not None:
            return
        listed, claims = ledger_of(world.archive)
        leftovers = [key for key in self._objects() if key not in listed and self._is_fenced(key, claims)]
        of_leftovers = bool(leftovers) and world.dice.random() < 0.3
        candidates = leftovers if of_leftovers else sorted(listed)
        if not candidates:
            return
        key = world.dice.choice(candidates)
        path = world.archive / key
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return  # a leftover that was just removed
        what = world.dice.choice(["flip", "cut", "gone"])
        if of_leftovers:
            # Nobody lists it and nobody can: it stays damaged, and must not matter to anybody.
            self._damage(path, data, what)
            self._count(f"leftover {what}", key)
            return
        if hashlib.sha256(data).hexdigest() != listed[key]:
            raise Violation(f"damaged before it was touched: {key}")
        kept = world.copy / key
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(data)
        self.key, self.sha256 = key, listed[key]
        self.since = time.monotonic()
        self.restore_at = self.since + world.dice.uniform(0.5, 4)
        world.begin("damage")
        self._damage(path, data, what)
        self._count(what, key)

    def tend(self) -> None:
        """When its time has come the object is put back: by `repair`, from a copy or from the hub, or by hand."""
        if self.key is None or time.monotonic() < self.restore_at or self.repairing is not None:
            return
        if self._is_whole():  # another repair found it
            self._over("a repair beside")
            return
        how = self.world.dice.choice(["copy", "hub", "hand"])
        if how == "hand":
            self.put_back()
            return
        self.repairing = self.world.start("repair", "--yes", *(["--copy", "copy"] if how == "copy" else []), then=self._repaired)
        if self.world.dice.random() < 0.3:
            self.repairing.doom = time.monotonic() + self.world.dice.uniform(0, 1)

    def put_back(self) -> None:
        if self.key is None:
            return
        path = self.world.archive / self.key
        fresh = self.world.folder / "put-back"
        shutil.copyfile(self.world.copy / self.key, fresh)
        fresh.replace(path)
        self._over("hand")

    def check_verify(self, task: Task, code: int | None) -> None:
        """A whole verify that began and ended while the object was damaged names it."""
        if code is None or self.key is None or self.since > task.started or task.asked_to_stop:
            return
        if self.repairing is not None or "--quick" in task.arguments or "--incremental" in task.arguments:
            return
        if self._is_whole():
            return
        report = json.loads(task.out.read_text(encoding="utf-8"))
        if code != 4 or all(problem["key"] != self.key for problem in report["problems"]):
            raise Violation(f"{task} ended with {code} and does not name {self.key}")

    def _repaired(self, task: Task, code: int | None) -> None:
        self.repairing = None
        if self._is_whole():
            self._over(" ".join(task.arguments[2:]) or "the hub")
        elif code == 0:
            raise Violation(f"{task} ended with 0, but did not put back {self.key}")
        elif code == 4:
            raise Violation(f"{task} could not put back {self.key}\n{self.world.words_of(task)}")

    def _over(self, by: str) -> None:
        self.world.log(f"whole again by {by}: {self.key}")
        self.repaired[by] = self.repaired.get(by, 0) + 1
        (self.world.copy / self.key).unlink()
        self.key = None
        self.world.end("damage")

    def _is_whole(self) -> bool:
        try:
            return hashlib.sha256((self.world.archive / self.key).read_bytes()).hexdigest() == self.sha256
        except FileNotFoundError:
            return False

    def _objects(self) -> list:
        return sorted(str(path.relative_to(self.world.archive)) for path in self.world.archive.rglob("*.jsonl.gz"))

    @staticmethod
    def _is_fenced(key: str, claims: dict) -> bool:
        found = CLAIM.search(key)
        return found is not None and int(found[2]) < claims.get(int(found[1]), -1)

    def _damage(self, path: pathlib.Path, data: bytes, what: str) -> None:
        at = self.world.dice.randrange(len(data))
        if what == "gone":
            path.unlink(missing_ok=True)
            return
        with path.open("r+b") as file:
            if what == "cut":
                file.truncate(at)
            else:
                file.seek(at)
                file.write(bytes([data[at] ^ (1 << self.world.dice.randrange(8))]))

    def _count(self, what: str, key: str) -> None:
        self.done[what] = self.done.get(what, 0) + 1
        self.world.log(f"damage ({what}) {key}")
