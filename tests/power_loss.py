#!/usr/bin/env python3
"""Loses the power at every kind of instant of a recorded run, and looks at what the disk would hold.

    cargo build --release && tests/power_loss.py [INSTANTS]

strace records the writes, fsyncs and requests of an `apply`. For each instant, the journal is put together from
what had been synced by then; once with everything later dropped, once with a random part of it kept, torn
at sectors. Each of these journals must open, be whole, and know every request that had left; what had been reported
must be there; and some of them are resumed to the end. The same run without the syncs must be caught. Everything stays on 127.0.0.1."""

import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SEATBATCH = os.path.join(ROOT, "target/release/seatbatch")
USERS = 400
SECTOR = 512
CALL = re.compile(r"^(\d+) +(?:(\w+)\((.*)|<\.\.\. (\w+) resumed>(.*))$")
FILE = re.compile(r"^\d+<([^>]*)>")


def text_of(escaped):
    return bytes.fromhex(escaped.replace("\\x", ""))


def events(trace, journal):
    """What happened, in order: writes where they begin, syncs where they have ended."""
    waiting = {}
    for line in open(trace, errors="replace"):
        found = CALL.match(line)
        if not found:
            continue
        thread, name, rest, resumed, tail = found.groups()
        if resumed:
            if resumed in ("fsync", "fdatasync") and thread in waiting and tail.rstrip().endswith("= 0"):
                yield ("sync", *waiting.pop(thread))
            continue
        path = FILE.match(rest)
        path = text_of(path.group(1)).decode(errors="replace") if path else ""
        if name in ("fsync", "fdatasync"):
            # What was written before it began is what it makes durable.
            yield ("syncing", thread, path)
            if "unfinished" in rest:
                waiting[thread] = (thread, path)
            elif rest.rstrip().endswith("= 0"):
                yield ("sync", thread, path)
        elif name == "pwrite64" and path.startswith(journal):
            data, _, offset = re.search(r'"([^"]*)"(\.\.\.)?, \d+, (\d+)', rest).groups()
            yield ("write", path, int(offset), text_of(data))
        elif name == "ftruncate" and path.startswith(journal):
            yield ("cut", path, int(re.search(r">, (\d+)", rest).group(1)))
        elif name == "unlink":
            yield ("gone", text_of(re.search(r'"([^"]*)"', rest).group(1)).decode())
        elif name in ("writev", "sendto"):
            if r"\x50\x41\x54\x43\x48\x20" in rest:
                yield ("request",)
        elif name == "write" and r"\x73\x75\x6d\x6d\x61\x72\x79" in rest:
            yield ("reported",)


class Disk:
    """Files as they are in memory, and as they are on the platter."""

    def __init__(self):
        self.memory, self.platter, self.pending, self.syncing = {}, {}, {}, {}

    def apply(self, files, event):
        kind, path = event[0], event[1]
        if kind == "gone":
            files.pop(path, None)
            return
        content = files.setdefault(path, bytearray())
        if kind == "write":
            offset, data = event[2], event[3]
            if len(content) < offset + len(data):
                content.extend(bytes(offset + len(data) - len(content)))
            content[offset:offset + len(data)] = data
        else:
            del content[event[2]:]
            content.extend(bytes(event[2] - len(content)))

    def happen(self, event):
        kind = event[0]
        if kind == "gone":
            # A name is gone for good once its folder is synced.
            self.pending.setdefault(os.path.dirname(event[1]), []).append(event)
        elif kind in ("write", "cut"):
            self.pending.setdefault(event[1], []).append(event)
        elif kind == "syncing":
            self.syncing[event[1]] = len(self.pending.get(event[2], []))
        elif kind == "sync":
            path = event[2]
            count = self.syncing.pop(event[1], 0)
            for done in self.pending.get(path, [])[:count]:
                self.apply(self.platter, done)
            self.pending[path] = self.pending.get(path, [])[count:]

    def after_power_loss(self, dice):
        files = {path: bytearray(content) for path, content in self.platter.items()}
        for events in self.pending.values():
            for event in events if dice else []:
                if event[0] == "gone" and dice.random() < 0.5:
                    self.apply(files, event)
                if event[0] != "write" or dice.random() < 0.4:
                    continue
                _, path, offset, data = event
                for at in range(0, len(data), SECTOR):
                    if dice.random() < 0.7:
                        self.apply(files, ("write", path, offset + at, data[at:at + SECTOR]))
        return files


def look(folder, files, journal, requests, reported):
    path = os.path.join(folder, "j.db")
    for name in os.listdir(folder):
        if name.startswith("j.db"):
            os.remove(os.path.join(folder, name))
    for source, content in files.items():
        if not source.endswith("-shm"):
            with open(path + source[len(journal):], "wb") as file:
                file.write(content)
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        assert requests == 0 and not reported, "requests without a journal"
        return 0
    database = sqlite3.connect(path)
    try:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)], "not whole"
        tables = database.execute("select count(*) from sqlite_schema where name = 'runs'").fetchone()[0]
        known = 0
        if tables:
            known = database.execute("select count(*) from attempts").fetchone()[0]
            done = database.execute("select coalesce(sum(done), 0) from runs").fetchone()[0]
            assert not reported or done == USERS, f"{done} done, and {USERS} had been reported"
        assert known >= requests, f"{requests} requests had left, and the journal knows {known}"
        return known
    finally:
        database.close()


def instants_of(recorded, chosen):
    """The disk at each of the chosen instants, and what had gone out by then."""
    disk, requests, reported = Disk(), 0, False
    for number, event in enumerate(recorded):
        requests += event[0] == "request"
        reported |= event[0] == "reported"
        disk.happen(event)
        if number in chosen:
            yield number, disk, requests, reported


def main():
    instants = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    dice = random.Random(1)
    folder = tempfile.mkdtemp(prefix="seatbatch-power-")
    sandbox = subprocess.Popen([SEATBATCH, "sandbox", "--users", str(USERS), "--token", "t", "--latency", "3"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        url = sandbox.stdout.readline().split()[-1]
        environment = {**os.environ, "WEBEX_ACCESS_TOKEN": "t", "SEATBATCH_BASE_URL": url}
        listed = subprocess.run([SEATBATCH, "licenses", "list", "--format", "csv"], env=environment, capture_output=True, text=True)
        license = next(line.split(",")[-1] for line in listed.stdout.splitlines() if line.startswith("Messaging"))
        people = os.path.join(folder, "people.csv")
        with open(people, "w") as file:
            file.write("email,licenseId\n" + "".join(f"user{n}@example.com,{license}\n" for n in range(1, USERS + 1)))
        journal, trace = os.path.join(folder, "recorded.db"), os.path.join(folder, "trace.txt")
        calls = "pwrite64,ftruncate,unlink,fsync,fdatasync,sendto,writev,write"
        subprocess.run(["strace", "-f", "-y", "-xx", "-s", "100000", "-e", f"trace={calls}", "-o", trace, SEATBATCH, "--journal", journal,
                        "--json", "apply", people, "--yes", "--rate", "unlimited", "--batch-size", "5"],
                       env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        about = {"sync": 2, "syncing": 2, "write": 1, "cut": 1, "gone": 1}
        recorded = [event for event in events(trace, journal)
                    if event[0] not in about or event[about[event[0]]].startswith(journal) or event[-1] == folder]
        count = {kind: sum(event[0] == kind for event in recorded) for kind in ("write", "sync", "request", "reported")}
        print(f"recorded: {count}")
        assert count["request"] >= USERS // 5 and count["sync"] > 20 and count["reported"] >= 1
        chosen = set(dice.sample(range(len(recorded)), min(instants, len(recorded))))
        resumed = set(dice.sample(sorted(chosen), min(12, len(chosen))))
        looked, runs = 0, 0
        for number, disk, requests, reported in instants_of(recorded, chosen):
            for keep in (None, dice):
                known = look(folder, disk.after_power_loss(keep), journal, requests, reported)
                looked += 1
            if number in resumed and known:
                command = [SEATBATCH, "--journal", os.path.join(folder, "j.db"), "resume", "--rate", "unlimited", "--json"]
                ended = subprocess.run(command, env=environment, capture_output=True, text=True)
                assert ended.returncode == 0 and f'"done":{USERS}' in ended.stdout, ended.stderr
                runs += 1
        print(f"{looked} disks after a power loss: each opens, is whole, and knows every request that had left; {runs} resumed to the end")
        # What would it take for this to fail? The same run without the syncs of the write-ahead log, which is
        # what synchronous=NORMAL leaves out.
        without = [event for event in recorded if event[0] not in ("sync", "syncing") or not event[2].endswith("-wal")]
        caught, looked = 0, 0
        for _, disk, requests, reported in instants_of(without, set(range(0, len(without), 10))):
            looked += 1
            try:
                look(folder, disk.after_power_loss(None), journal, requests, reported)
            except AssertionError:
                caught += 1
        print(f"the same run without the log's syncs: {caught} of {looked} disks are caught")
        assert caught > looked // 4
    finally:
        sandbox.terminate()
        sandbox.wait()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
