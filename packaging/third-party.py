#!/usr/bin/env python3
"""Writes the licenses of everything that is linked into the program to standard output.

Ends with 1 where a crate has no license that deny.toml allows, comes from somewhere else than the registry, or is asked for in any version: what
`cargo deny check bans licenses sources` would refuse. That knows more and takes minutes to build; this needs cargo and Python alone. Crates that
are there in several versions are named on standard error.
"""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]


def linked(metadata):
    """Every package that the program itself needs to be built and run, tests aside."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    seen, open_ends = set(), [metadata["resolve"]["root"]]
    while open_ends:
        current = open_ends.pop()
        if current in seen:
            continue
        seen.add(current)
        for dependency in nodes[current]["deps"]:
            if any(kind["kind"] in (None, "build") for kind in dependency["dep_kinds"]):
                open_ends.append(dependency["pkg"])
    seen.discard(metadata["resolve"]["root"])
    return [package for package in metadata["packages"] if package["id"] in seen]


def allowed(expression, licenses):
    """Whether an SPDX expression can be met: each alternative is a list of licenses that all must be allowed."""
    expression = expression.replace("/", " OR ")
    words = re.findall(r"\(|\)|[^\s()]+(?:\s+WITH\s+[^\s()]+)?", expression)
    python = []
    for word in words:
        word = " ".join(word.split())
        python.append({"OR": "or", "AND": "and", "(": "(", ")": ")"}.get(word) or str(word in licenses))
    return eval(" ".join(python), {"__builtins__": {}})


def texts(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    names = ("license", "licence", "copying", "notice", "unlicense")
    return [
        (path.name, path.read_text(encoding="utf-8", errors="replace").strip())
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name.lower().startswith(names)
    ]


def main():
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    licenses = set(tomllib.loads((ROOT / "deny.toml").read_text())["licenses"]["allow"])
    wrong, groups = [], {}
    packages = sorted(linked(metadata), key=lambda package: (package["name"], package["version"]))
    for package in packages:
        name = f"{package['name']} {package['version']}"
        expression = package["license"] or ""
        if not allowed(expression or "none", licenses):
            wrong.append(f"{name}: '{expression}' is not allowed by deny.toml")
        if not (package["source"] or "").startswith("registry+"):
            wrong.append(f"{name}: comes from {package['source']}")
        for file, text in texts(package):
            groups.setdefault(text, []).append(f"{name} ({expression}), {file}")
    root = next(package for package in metadata["packages"] if package["id"] == metadata["resolve"]["root"])
    wrong += [f"{dependency['name']}: any version will do" for dependency in root["dependencies"] if dependency["req"] == "*"]
    versions = {}
    for package in packages:
        versions.setdefault(package["name"], []).append(package["version"])
    several = [f"{name} {', '.join(found)}" for name, found in versions.items() if len(found) > 1]
    print(f"in several versions: {'; '.join(several)}", file=sys.stderr)
    print(f"seatbatch is linked with {len(packages)} crates. Their licenses:\n")
    for package in packages:
        print(f"{package['name']} {package['version']}: {package['license']}")
    for text, users in sorted(groups.items(), key=lambda group: group[1][0]):
        print(f"\n{'=' * 100}\n" + "\n".join(users) + f"\n{'-' * 100}\n{text}")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
