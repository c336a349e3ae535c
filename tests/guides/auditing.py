#!/usr/bin/env python3
"""Runs the commands of docs/guides/auditing.md on a journal that was just made, and asks them for what it has.

    pip install duckdb datasette
    tests/guides/auditing.py [target/debug/seatbatch]

What is not installed is said and left out.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/debug/seatbatch").resolve()


def commands():
    """The guide's shell commands, one a line."""
    guide = (ROOT / "docs/guides/auditing.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", guide, re.S)
    return [line for block in blocks for line in block.strip().splitlines()]


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        bin = Path(folder, "bin")
        bin.mkdir()
        (bin / "seatbatch").symlink_to(PROGRAM)
        os.environ["PATH"] = os.pathsep.join([str(bin), str(Path(sys.executable).parent), os.environ["PATH"]])
        os.environ["WEBEX_ACCESS_TOKEN"] = "guide"
        sandbox = subprocess.Popen(
            ["seatbatch", "sandbox", "--token", "guide", "--users", "20", "--fault", "refuse=X,user=user2@example.com"],
            stdout=subprocess.PIPE, text=True,
        )
        try:
            url = sandbox.stdout.readline().removeprefix("listening on ").strip()
            rows = "".join(f"user{number}@example.com,Messaging\n" for number in range(1, 11))
            Path("people.csv").write_text("email,license\n" + rows)
            ran = subprocess.run(["seatbatch", "apply", "people.csv", "--base-url", url, "--yes"], capture_output=True)
            assert ran.returncode == 1, ran.stderr.decode()
        finally:
            sandbox.terminate()
            sandbox.wait()
        for command in commands():
            tool = command.split()[0]
            if tool == "datasette" and " serve " in command:
                command = "datasette seatbatch.db --get '/seatbatch/operations.json?state=failed&_shape=array'"
            if tool == "duckdb" or shutil.which(tool) is None:
                print(f"left out: {command}")
                continue
            ran = subprocess.run(command, shell=True, capture_output=True, text=True)
            assert ran.returncode == 0, f"{command} ended with {ran.returncode}: {ran.stderr}"
            if "--get" in command:
                failed = json.loads(ran.stdout)
                assert [row["email"] for row in failed] == ["user2@example.com"], failed
            if "user2@example.com" in command and tool == "sqlite3":
                assert "failed" in ran.stdout, ran.stdout
            print(f"ran: {command}")
        subprocess.run(["seatbatch", "report", "--format", "csv", "-o", "report.csv"], check=True)
        if importlib.util.find_spec("duckdb"):
            import duckdb

            counts = dict(duckdb.sql("SELECT state, count(*) FROM 'report.csv' GROUP BY ALL").fetchall())
            assert counts == {"done": 9, "failed": 1}, counts
            print("ran: duckdb on report.csv")


if __name__ == "__main__":
    main()
