"""Change events for the publishers: many hours in few seconds, odd names, lines that are no events."""
import json
import random

# 2025-01-15T00:00:00Z: long past, so that the hub's clock is that of its newest event and hours are sealed.
FIRST_SECOND = 1_736_899_200

NAMESPACES = [
    {"db": "shop", "coll": "orders"},
    {"db": "shop", "coll": "users"},
    {"db": "inventory_db", "coll": "products"},
    {"db": "_private", "coll": "a/b c%d"},
    {"db": "é", "coll": ".."},
    {"db": "shop"},  # of the whole database
]
OPERATIONS = ["insert", "insert", "insert", "update", "replace", "delete", "somethingNew"]
NO_EVENTS = ["not JSON", '{"no":"operation"}', '{"operationType":""}', "[1,2]", '{"operationType":"insert","ns":7}']


class Feed:
    """Writes files of events; each event has a token of its own. Times go on by minutes from file to file."""

    def __init__(self, dice: random.Random):
        self.dice = dice
        self.number = 0
        self.second = FIRST_SECOND

    def write(self, path) -> int:
        """Returns how many lines were written."""
        lines = []
        second = self.second
        for _ in range(self.dice.randint(5, 300)):
            second += self.dice.randint(0, 8)
            lines.append(self._line(second))
        self.second += self.dice.randint(60, 900)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return len(lines)

    def _line(self, second: int) -> str:
        dice = self.dice
        if dice.random() < 0.005:
            return dice.choice(NO_EVENTS)
        self.number += 1
        key = {"_id": dice.randint(1, 1000)}
        event = {
            "_id": {"_data": f"8267{self.number:012x}"},
            "operationType": dice.choice(OPERATIONS),
            "clusterTime": {"$timestamp": {"t": second, "i": self.number}},
            "ns": dice.choice(NAMESPACES),
            "documentKey": key,
        }
        if event["operationType"] in ("insert", "replace"):
            event["fullDocument"] = key | {"n": {"$numberLong": str(self.number)}, "text": "x" * dice.randint(0, 400)}
        return json.dumps(event, ensure_ascii=dice.random() < 0.5)
