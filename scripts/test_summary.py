#!/usr/bin/env python3
"""Adds up GoogleTest's JSON reports of a folder: how many tests ran, and every one that was skipped, with its reason."""
import json
import pathlib
import sys


def main() -> int:
    ran = failed = 0
    skipped = []
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
        for suite in json.loads(path.read_text())["testsuites"]:
            for test in suite["testsuite"]:
                if test["result"] == "SKIPPED":
                    reason = "".join(part.get("message", "") for part in test.get("skipped", []))
                    skipped.append((f"{suite['name']}.{test['name']}", " ".join(reason.split())))
                elif test["result"] == "COMPLETED":
                    ran += 1
                    failed += bool(test.get("failures"))
    print(f"\ntest cases: {ran} ran, {ran - failed} passed, {failed} failed, {len(skipped)} skipped")
    for name, reason in skipped:
        print(f"  SKIPPED {name}: {reason}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
