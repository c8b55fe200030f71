#!/usr/bin/env python3
"""Turns real oplog entries, and documents, into the change events that MongoDB would have sent for them.

    oplog_events.py FILE…      one event per line on stdout, in order of clusterTime

A file that starts with '[' is an array of oplog entries; any other holds documents, one after the other, which become
inserts into the collection named after the file. As in a change stream, the databases admin, config and local and no-ops
give no event.
"""
import json
import pathlib
import sys

HIDDEN = {"admin", "config", "local"}
DOCUMENT_TIME = 1730800000  # of the first made-up insert; one second each


def plain(number) -> int:
    """An integer, however Extended JSON wraps it."""
    return int(next(iter(number.values()))) if isinstance(number, dict) else int(number)


def split_diff(diff: dict):
    """A $v:2 diff as updateDescription lists it: updates and inserts of each level, then its deletes, then below it."""
    updated, removed, truncated, disambiguated = [], [], [], []

    def note(path):
        dotted = ".".join(str(part) for part in path)
        names = [part for part in path if isinstance(part, str)]
        if any("." in name for name in names) or any(isinstance(p, str) and p.isdigit() for p in path[1:]):
            disambiguated.append((dotted, list(path)))
        return dotted

    def walk(level, path):
        is_array = level.get("a") is True
        if is_array and "l" in level:
            truncated.append({"field": note(path), "newSize": plain(level["l"])})
        for section in ("u", "i"):
            updated.extend((note(path + [name]), value) for name, value in level.get(section, {}).items())
        removed.extend(note(path + [name]) for name in level.get("d", {}))
        for name, value in level.items():
            if is_array and name[:1] == "u" and name[1:].isdigit():
                updated.append((note(path + [int(name[1:])]), value))
            elif name[:1] == "s" and len(name) > 1:
                walk(value, path + [int(name[1:]) if is_array else name[1:]])

    walk(diff, [])
    description = {"updatedFields": dict(updated), "removedFields": removed, "truncatedArrays": truncated}
    if disambiguated:
        description["disambiguatedPaths"] = dict(disambiguated)
    return description


def command(database: str, body: dict):
    """(operationType, collection, further fields) of a command entry."""
    name = next(iter(body))
    if name == "renameCollection":
        source, target = body[name].split(".", 1)[1], body["to"]
        to_database, to_collection = target.split(".", 1)
        return "rename", source, {"to": {"db": to_database, "coll": to_collection}}
    if name == "dropDatabase":
        return "dropDatabase", None, {}
    options = {key: value for key, value in body.items() if key != name}
    if name == "drop":
        return "drop", body[name], {}
    return ("modify" if name == "collMod" else name), body[name], {"operationDescription": options}


def document_event(entry: dict):
    """(operationType, fields) of an insert, update or delete."""
    body = entry["o"]
    if entry["op"] == "i":
        return "insert", {"fullDocument": body, "documentKey": entry.get("o2", {"_id": body["_id"]})}
    if entry["op"] == "d":
        return "delete", {"documentKey": body}
    if "diff" in body:
        return "update", {"documentKey": entry["o2"], "updateDescription": split_diff(body["diff"])}
    return "replace", {"fullDocument": body, "documentKey": entry["o2"]}


def events_of(entry: dict):
    """The events of one oplog entry, as (time, increment, wall, operationType, ns, fields)."""
    stamp = entry["ts"]["$timestamp"]
    head = (plain(stamp["t"]), plain(stamp["i"]), entry.get("wall"))
    database, _, collection = entry["ns"].partition(".")
    if entry["op"] == "c" and "applyOps" in entry["o"]:
        for inner in entry["o"]["applyOps"]:
            yield from events_of({**inner, "ts": entry["ts"], "wall": entry.get("wall")})
    elif entry["op"] == "n" or database in HIDDEN:
        return
    elif entry["op"] == "c":
        operation, collection, fields = command(database, entry["o"])
        yield (*head, operation, {"db": database, **({"coll": collection} if collection else {})}, fields)
    else:
        operation, fields = document_event(entry)
        yield (*head, operation, {"db": database, "coll": collection}, fields)


def documents_of(text: str):
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        document, at = decoder.raw_decode(text, at)
        yield document


def inserts_of(path: pathlib.Path):
    for number, document in enumerate(documents_of(path.read_text(encoding="utf-8"))):
        if "_id" not in document:
            document = {"_id": {"$oid": f"{DOCUMENT_TIME + number:08x}{number:016x}"}, **document}
        yield (DOCUMENT_TIME + number, 1, None, "insert", {"db": "dining", "coll": path.stem},
               {"fullDocument": document, "documentKey": {"_id": document["_id"]}})


def main() -> int:
    events = []
    for name in sys.argv[1:]:
        path = pathlib.Path(name)
        if path.read_text(encoding="utf-8").lstrip().startswith("["):
            for entry in json.loads(path.read_text(encoding="utf-8")):
                events.extend(events_of(entry))
        else:
            events.extend(inserts_of(path))
    events.sort(key=lambda event: event[:2])
    for number, (second, increment, wall, operation, ns, fields) in enumerate(events):
        event = {"_id": {"_data": f"82{second:08X}{increment:08X}2B042C0100296E{number:016X}04"},
                 "operationType": operation, "clusterTime": {"$timestamp": {"t": second, "i": increment}}}
        if wall is not None:
            event["wallTime"] = wall
        event |= {"ns": ns, **fields}
        print(json.dumps(event, ensure_ascii=False, separators=(",", ":")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
