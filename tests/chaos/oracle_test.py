"""The oracle of the chaos run fails where it should: on a hand-made archive that is right, and on each wrong one."""
import base64
import gzip
import hashlib
import json
import pathlib
import tempfile
import unittest

from oracle import check_everything_is_archived, check_warehouse, event_id, read_archive
from world import Violation

HOUR = "2025-01-15T14:00:00Z"
EVENTS = {(0, n): json.dumps({"_id": {"_data": f"82{n:04x}"}, "operationType": "insert"}).encode() for n in range(4)}
HUB = EVENTS | {(0, 4): b"broken"}


def write_chain(folder: pathlib.Path, slots: list) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    previous = "0" * 64
    for number, slot in enumerate(slots):
        body = json.dumps(slot | {"previous": previous})[:-1].encode()
        line = body + b',"self":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'
        previous = hashlib.sha256(line).hexdigest()
        (folder / f"{number:012d}.json").write_bytes(line)


def record(place: tuple) -> bytes:
    identity = event_id(json.loads(HUB[place])["_id"]["_data"])
    fields = {"event_id": identity, "partition_id": "0", "sequence_number": place[1], "enqueued_time": HOUR}
    return json.dumps(fields)[:-1].encode() + b',"raw_event":' + HUB[place] + b"}\n"


def dead_letter(place: tuple) -> bytes:
    payload = base64.b64encode(HUB[place]).decode()
    fields = {"partition_id": "0", "sequence_number": place[1], "enqueued_time": HOUR, "payload_base64": payload}
    return json.dumps(fields).encode() + b"\n"


class OracleTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.archive = pathlib.Path(self.folder.name)
        self.ledger = self.archive / "changestreams/_ledger"

    def put(self, key: str, lines: list) -> dict:
        data = gzip.compress(b"".join(lines))
        (self.archive / key).write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        return {"key": key, "sha256": sha256, "records": len(lines), "hour": HOUR, "database": "a", "collection": "b"}

    def build(self, places, claim: int = 0, sealed: bool = True):
        segment = self.put("segment", [record((0, n)) for n in places])
        dead = self.put("dead", [dead_letter((0, 4))])
        commit = {"kind": "commit", "first": 0, "last": 4, "segments": [segment], "dead_letters": [dead]}
        write_chain(self.ledger / "p000", [{"kind": "claim", "next": claim}, commit])
        cell = {"hour": HOUR, "database": "a", "collection": "b", "segments": [{"key": "segment"}] if sealed else []}
        seal = {"kind": "seal", "from": HOUR, "to": "2025-01-15T15:00:00Z", "cells": [cell]}
        write_chain(self.ledger / "seals", [{"kind": "hub"}, seal])

    def judge(self):
        archived = read_archive(self.archive, HUB)
        check_everything_is_archived(HUB, archived)
        return archived

    def expect(self, words: str):
        with self.assertRaisesRegex(Violation, words):
            self.judge()

    def test_what_is_right_passes(self):
        self.build(range(4))
        archived = self.judge()
        rows = [identity for identity in archived.ids.values() if identity]
        check_warehouse(archived, rows)
        for wrong, words in ((rows[1:], "not in the"), (rows + rows[:1], "more than once"), (rows + ["x"], "never")):
            with self.assertRaisesRegex(Violation, words):
                check_warehouse(archived, wrong)

    def test_a_lost_event(self):
        self.build([0, 1, 3])
        self.expect("1 published events are not archived")

    def test_an_event_twice(self):
        self.build([0, 1, 1, 2, 3])
        self.expect("archived twice")

    def test_a_claim_that_skips(self):
        self.build(range(4), claim=1)
        self.expect("does not follow")

    def test_a_seal_without_a_segment(self):
        self.build(range(4), sealed=False)
        self.expect("names other segments")

    def test_flipped_bytes(self):
        for name in ("segment", "changestreams/_ledger/p000/000000000001.json"):
            self.build(range(4))
            path = self.archive / name
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
            with self.assertRaises((Violation, ValueError)):
                self.judge()

    def test_a_missing_object_and_a_hole(self):
        for name, words in (("dead", "not there"), ("changestreams/_ledger/p000/000000000000.json", "hole")):
            self.build(range(4))
            (self.archive / name).unlink()
            self.expect(words)


if __name__ == "__main__":
    unittest.main()
