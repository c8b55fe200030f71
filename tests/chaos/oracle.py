"""What must hold in the end, read without any of the program's own code: SQLite, JSON, gzip and SHA-256."""
import base64
import collections
import dataclasses
import gzip
import hashlib
import json
import pathlib
import sqlite3

from world import Violation

SEQUENCE_BITS = 48
SOURCE = b"default"
HOUR = len("2025-01-15T14")


@dataclasses.dataclass
class Archived:
    """What the ledger lists, position by position."""

    ids: dict  # (partition, sequence) -> event_id, None for a dead letter
    claims: int = 0
    commits: int = 0
    seals: int = 0


def fail_unless(holds: bool, words: str) -> None:
    if not holds:
        raise Violation(words)


def hub_events(database: pathlib.Path) -> dict:
    """(partition, sequence) -> message."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as hub:
        mask = (1 << SEQUENCE_BITS) - 1
        return {(key >> SEQUENCE_BITS, key & mask): payload for key, payload in hub.execute("SELECT key, payload FROM events")}


def read_chain(folder: pathlib.Path) -> list:
    """The slots of a chain, proven: dense, each with the checksum of its own and of the one before."""
    slots = []
    previous = "0" * 64
    for number, path in enumerate(sorted(folder.glob("*.json"))):
        line = path.read_bytes()
        slot = json.loads(line)
        fail_unless(path.name == f"{number:012d}.json", f"{folder} has a hole before {path.name}")
        fail_unless(slot["previous"] == previous, f"{path} does not follow from the slot before")
        body = line[: line.rindex(b',"self":')]
        fail_unless(slot["self"] == hashlib.sha256(body).hexdigest(), f"{path} does not have its own checksum")
        previous = hashlib.sha256(line).hexdigest()
        slots.append(slot)
    return slots


def event_id(token: str) -> str:
    return hashlib.sha256(b"mcs1\0" + SOURCE + b"\0" + token.encode()).hexdigest()[:32]


def lines_of(archive: pathlib.Path, listed: dict) -> list:
    """The records of an object that a commit lists, with the checksum that it gives."""
    path = archive / listed["key"]
    fail_unless(path.is_file(), f"listed, not there: {listed['key']}")
    data = path.read_bytes()
    fail_unless(hashlib.sha256(data).hexdigest() == listed["sha256"], f"not the listed bytes: {listed['key']}")
    lines = gzip.decompress(data).splitlines()
    fail_unless(len(lines) == listed["records"], f"{len(lines)} records, {listed['records']} listed: {listed['key']}")
    return lines


def take_record(archived: Archived, hub: dict, listed: dict, line: bytes, dead: bool) -> None:
    record = json.loads(line)
    place = (int(record["partition_id"]), record["sequence_number"])
    fail_unless(place not in archived.ids, f"archived twice: {place}, again in {listed['key']}")
    fail_unless(place in hub, f"archived, never published: {place} in {listed['key']}")
    fail_unless(record["enqueued_time"][:HOUR] == listed["hour"][:HOUR], f"under the wrong hour: {place} in {listed['key']}")
    if dead:
        same = base64.b64decode(record["payload_base64"]) == hub[place]
        archived.ids[place] = None
    else:
        same = line.endswith(b'"raw_event":' + hub[place] + b"}")
        archived.ids[place] = event_id(record["raw_event"]["_id"]["_data"])
        fail_unless(record["event_id"] == archived.ids[place], f"another event_id: {place} in {listed['key']}")
    fail_unless(same, f"not the published bytes: {place} in {listed['key']}")


def read_archive(archive: pathlib.Path, hub: dict) -> Archived:
    ledger = archive / "changestreams/_ledger"
    archived = Archived({})
    cells: dict = collections.defaultdict(set)  # (hour, database, collection) -> keys
    for folder in sorted(ledger.glob("p[0-9]*")):
        following = None
        for slot in read_chain(folder):
            archived.claims += slot["kind"] == "claim"
            if slot["kind"] == "claim":
                fail_unless(following in (None, slot["next"]), f"{folder}: a claim begins elsewhere than the commits ended")
                following = slot["next"]
                continue
            archived.commits += 1
            fail_unless(slot["kind"] == "commit" and slot["first"] == following, f"{folder}: a slot that does not follow")
            following = slot["last"] + 1
            for listed in slot["segments"]:
                cells[listed["hour"], listed["database"], listed["collection"]].add(listed["key"])
                for line in lines_of(archive, listed):
                    take_record(archived, hub, listed, line, dead=False)
            for listed in slot["dead_letters"]:
                for line in lines_of(archive, listed):
                    take_record(archived, hub, listed, line, dead=True)
    archived.seals = check_seals(ledger / "seals", cells)
    return archived


def check_seals(folder: pathlib.Path, cells: dict) -> int:
    """A sealed hour holds exactly the segments that its seal names. How many seals there are."""
    seals = [slot for slot in read_chain(folder) if slot["kind"] == "seal"]
    sealed: dict = {}
    end = None
    for seal in seals:
        fail_unless(end in (None, seal["from"]), f"seals do not follow each other at {seal['from']}")
        end = seal["to"]
        for cell in seal["cells"]:
            keys = {segment["key"] for segment in cell["segments"]}
            sealed[cell["hour"], cell["database"], cell["collection"]] = keys
    for cell, keys in cells.items():
        if end is not None and cell[0] < end:
            fail_unless(sealed.pop(cell, None) == keys, f"the seal of {cell} names other segments than the ledger")
    fail_unless(not sealed, f"sealed, not in the ledger: {list(sealed)[:3]}")
    return len(seals)


def check_everything_is_archived(hub: dict, archived: Archived) -> None:
    absent = sorted(set(hub) - set(archived.ids))
    fail_unless(not absent, f"{len(absent)} published events are not archived, the first: {absent[:5]}")


def check_warehouse(archived: Archived, rows: list) -> None:
    """Every archived event stands once among the event ids of the rows, and nothing else does."""
    expected = {identity for identity in archived.ids.values() if identity is not None}
    found = collections.Counter(rows)
    twice = [identity for identity, times in found.items() if times > 1]
    fail_unless(not twice, f"{len(twice)} events are more than once in the warehouse, the first: {twice[:3]}")
    absent = sorted(expected - set(found))
    fail_unless(not absent, f"{len(absent)} events are not in the warehouse, the first: {absent[:3]}")
    foreign = sorted(set(found) - expected)
    fail_unless(not foreign, f"{len(foreign)} rows were never archived, the first: {foreign[:3]}")
