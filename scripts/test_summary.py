#!/usr/bin/env python3
"""Adds up GoogleTest's XML reports of a folder: how many tests ran, every one that was skipped, with its reason, and
every one that failed, with its words: a long output loses its middle, its end is kept."""
import pathlib
import sys
# GoogleTest's JSON reports of Debian 12 leave the reasons out.
from xml.etree import ElementTree


def reason(skipped) -> str:
    """The message without its first line, the place in the source."""
    lines = (skipped.get("message", "") if skipped is not None else "").split("\n")[1:]
    return " ".join(" ".join(lines).removeprefix("SKIPPED: ").split())


def main() -> int:
    ran = 0
    skipped = []
    failed = []
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.xml")):
        # A failed comparison of bytes may have put anything into its message.
        report = ElementTree.fromstring(path.read_bytes().decode("utf-8", "replace"))
        for test in report.iter("testcase"):
            if test.get("result") == "skipped":
                skipped.append((f"{test.get('classname')}.{test.get('name')}", reason(test.find("skipped"))))
            elif test.get("result") == "completed":
                ran += 1
                if (failures := test.findall("failure")):
                    failed.append((f"{test.get('classname')}.{test.get('name')}", failures))
    print(f"\ntest cases: {ran} ran, {ran - len(failed)} passed, {len(failed)} failed, {len(skipped)} skipped")
    for name, why in skipped:
        print(f"  SKIPPED {name}: {why}")
    for name, failures in failed:
        print(f"  FAILED {name}")
        for failure in failures[:3]:
            print("".join(f"    {line}\n" for line in (failure.text or "").splitlines()[:20]), end="")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
