#!/usr/bin/env python3
"""Measures seatbatch beside what it is compared with, in turn, on one machine, and prints medians.

    cargo build --release && cargo bench --bench bare --no-run
    benches/rivals.py [--rows 1000000] [--users 100000] [--runs 5]
    benches/rivals.py --growth

Needs sqlite3; compares with GNU parallel and wxc_sdk too where they are installed. Everything stays on
127.0.0.1; the server is that of benches/bare.rs."""

import argparse
import base64
import glob
import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
SEATBATCH = os.path.join(ROOT, "target/release/seatbatch")


def newest(pattern):
    found = [path for path in glob.glob(os.path.join(ROOT, pattern)) if os.access(path, os.X_OK) and not path.endswith(".d")]
    if not found:
        sys.exit(f"nothing at {pattern}; run: cargo bench --no-run")
    return max(found, key=os.path.getmtime)


def license_id(kind, number):
    text = f"ciscospark://us/LICENSE/5a4d1c00-0000-4000-8000-00000000c0de:{kind}_5eba0000-0000-4000-8000-{number:012d}"
    return base64.b64encode(text.encode()).decode().rstrip("=")


LICENSES = [license_id(kind, number) for number, kind in enumerate(["MS", "MC", "EE"], 1)]


def write_file(path, users, per_user):
    rows = 0
    with open(path, "w") as file:
        file.write("email,licenseId,operation,department,note\n")
        for user in range(1, users + 1):
            for license in LICENSES[: per_user(user)]:
                file.write(f"user{user}@example.com,{license},add,Department {user % 40:02d} of the {user % 7} division,"
                           f"employee number {user:08d} hired in the year {2000 + user % 25}\n")
                rows += 1
    return rows


def timed(command, **more):
    """Seconds of wall clock and of processor, and peak memory in MiB, of one command."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **more)
    out = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - begun
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"{command} ended with {os.waitstatus_to_exitcode(status)}")
    return {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024, "out": out.decode()}


class Server:
    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().split()[-1]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def clean(folder):
    for path in glob.glob(os.path.join(folder, "*.db*")):
        os.remove(path)


def apply(folder, url, file, *more):
    clean(folder)
    log = os.path.join(folder, "log.txt")
    if os.path.exists(log):
        os.remove(log)
    environment = {**os.environ, "WEBEX_ACCESS_TOKEN": "t", "SEATBATCH_LOG": "info"}
    begun = time.time()
    run = timed([SEATBATCH, "--base-url", url, "--journal", os.path.join(folder, "j.db"), "--log-file", log, "--json",
                 "apply", file, "--yes", *(() if "--rate" in more else ("--rate", "unlimited")), *more], env=environment)
    text = open(log).read()
    stamp = re.search(r"(\S+)Z\s+INFO \S+ sending begins", text).group(1)
    run["import"] = datetime.fromisoformat(stamp).replace(tzinfo=timezone.utc).timestamp() - begun
    run["sending"] = json.loads(run["out"].splitlines()[-1])["elapsed_s"]
    return run


def dot_import(folder, file):
    clean(folder)
    script = f".mode csv\n.import {file} t\n"
    return timed(["sqlite3", os.path.join(folder, "s.db"), "-cmd", "pragma journal_mode=wal", "-cmd",
                  "pragma synchronous=full", script.splitlines()[0], script.splitlines()[1]])


def side_by_side(runs, *measures):
    """Each measure in turn, so that a slow minute of the machine is everybody's."""
    found = [[] for _ in measures]
    for _ in range(runs):
        for results, measure in zip(found, measures):
            results.append(measure())
    return found


def median(values):
    return statistics.median(list(values))


def row(work, ours, theirs, ratio, aim):
    print(f"| {work} | {ours} | {theirs} | {ratio:.2f} | {aim} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--growth", action="store_true", help="time, memory and journal of 10 k to 5 M rows instead")
    args = parser.parse_args()
    bare, steps = newest("target/release/deps/bare-*"), newest("target/release/deps/steps-*")
    folder = tempfile.mkdtemp(prefix="seatbatch-rivals-")
    if args.growth:
        return growth(folder, Server(bare, "serve"), args.runs)
    file, one_each = os.path.join(folder, "rows.csv"), os.path.join(folder, "users.csv")
    rows = write_file(file, args.rows * 4 // 9, lambda user: [1, 2, 3, 3][user % 4])
    write_file(one_each, args.users, lambda user: 1)
    users = args.rows * 4 // 9
    print(f"{rows} rows of {os.path.getsize(file) // rows} bytes, {users} users; {args.users} users of a license each; "
          f"medians of {args.runs}\n")
    print("| work | seatbatch | rival | ratio | to reach |\n| --- | ---: | ---: | ---: | --- |")
    server = Server(bare, "serve")
    try:
        measure(args, folder, file, one_each, users, rows, bare, steps, server.url)
    finally:
        server.stop()
        shutil.rmtree(folder)


def measure(args, folder, file, one_each, users, rows, bare, steps, url):
    loop = lambda: timed([steps], env={**os.environ, "CSV_LOOP": file})
    check = lambda: timed([SEATBATCH, "check", file, "--quiet"])
    ours, theirs = side_by_side(args.runs, check, loop)
    row("`check`", f"{median(r['wall'] for r in ours):.2f} s", f"csv loop {median(r['wall'] for r in theirs):.2f} s",
        median(a["wall"] / b["wall"] for a, b in zip(ours, theirs)), "at most 2")

    bare_array = lambda: timed([bare, url, "t", str(users), "100", "8", *LICENSES[:2]])
    ours, imports, clients = side_by_side(args.runs, lambda: apply(folder, url, file), lambda: dot_import(folder, file), bare_array)
    seconds = [float(re.search(r"in ([\d.]+) s", c["out"]).group(1)) for c in clients]
    row("import", f"{median(r['import'] for r in ours):.2f} s", f"`.import` {median(r['wall'] for r in imports):.2f} s",
        median(a["import"] / b["wall"] for a, b in zip(ours, imports)), "at most 0.8")
    row("`apply`, array form, all in", f"{median(r['wall'] for r in ours):.2f} s",
        f"`.import` + bare client {median(b['wall'] + c for b, c in zip(imports, seconds)):.2f} s",
        median(a["wall"] / (b["wall"] + c) for a, b, c in zip(ours, imports, seconds)), "at most 1")
    print(f"| peak memory of that | {median(r['peak'] for r in ours):.0f} MiB | | | at most 64 MiB |")
    apply(folder, url, file)
    size = os.path.getsize(os.path.join(folder, "j.db"))
    row("journal, finished", f"{size / 1e6:.0f} MB", f"input {os.path.getsize(file) / 1e6:.0f} MB", size / os.path.getsize(file), "at most 1")
    journal = os.path.join(folder, "j.db")
    report = lambda: timed([SEATBATCH, "--journal", journal, "report", "--format", "csv", "-o", os.path.join(folder, "r.csv")])
    select = lambda: timed(["sqlite3", "-csv", journal, "select * from operations"], )
    ours, theirs = side_by_side(args.runs, report, select)
    row("`report --format csv`", f"{median(r['wall'] for r in ours):.2f} s", f"sqlite3, the same view {median(r['wall'] for r in theirs):.2f} s",
        median(a["wall"] / b["wall"] for a, b in zip(ours, theirs)), "at most 0.7")

    ours = object_form(args, folder, bare, url, one_each, LICENSES[0], "")
    mine = median(args.users / r["wall"] for r in ours)
    cpu = median(r["cpu"] / args.users * 1000 for r in ours)
    print(f"| the same, import included, users a second | {mine:.0f} | | | |")
    print(f"| processor seconds a 1,000 users | {cpu:.3f} | | | |")
    rivals(folder, url, mine, cpu)
    of_the_sandbox(args, folder, bare)
    paced(folder)
    failures(args, folder, file)
    start = median(timed([SEATBATCH, "--version"])["wall"] for _ in range(21))
    print(f"| start-up, `--version` | {start * 1000:.1f} ms | | | at most 10 ms |")
    print(f"| binary | {os.path.getsize(SEATBATCH) / 2**20:.2f} MiB | | | at most 15 MiB |")


def failures(args, folder, file):
    """Every operation fails, since the sandbox knows none of the users."""
    server = Server(SEATBATCH, "sandbox", "--users", "1", "--token", "t")
    try:
        apply(folder, server.url, file, "--wire", "array")
    finally:
        server.stop()
    journal = os.path.join(folder, "j.db")
    write = lambda: timed([SEATBATCH, "--journal", journal, "failures", "-o", os.path.join(folder, "f.csv")])
    select = lambda: timed(["sqlite3", "-csv", journal, "select * from operations where state = 'failed'"])
    ours, theirs = side_by_side(args.runs, write, select)
    count = theirs[0]["out"].count("\n")
    row(f"`failures` of {count} operations", f"{median(r['wall'] for r in ours):.2f} s",
        f"sqlite3, the same view {median(r['wall'] for r in theirs):.2f} s",
        median(a["wall"] / b["wall"] for a, b in zip(ours, theirs)), "at most 1.5")


def object_form(args, folder, bare, url, file, license, server):
    clients, ours = side_by_side(args.runs, lambda: timed([bare, url, "t", str(args.users), "0", "8", license]),
                                 lambda: apply(folder, url, file, "--wire", "object"))
    rates = [float(re.search(r"([\d.]+) a second", c["out"]).group(1)) for c in clients]
    row(f"`apply`, object form{server}, requests a second", f"{median(args.users / r['sending'] for r in ours):.0f}",
        f"bare client {median(rates):.0f}", median(args.users / r["sending"] / b for r, b in zip(ours, rates)), "at least 0.8")
    return ours


def of_the_sandbox(args, folder, bare):
    """The object form once more, where the server does some work."""
    server, license = sandbox(args.users, "--wire", "object")
    try:
        file = os.path.join(folder, "sandbox.csv")
        write_users(file, args.users, license)
        object_form(args, folder, bare, server.url, file, license, ", the sandbox as server")
    finally:
        server.stop()


def sandbox(users, *more):
    """A sandbox, and the ID of a license of which it has enough."""
    server = Server(SEATBATCH, "sandbox", "--users", str(users), "--token", "t", *more)
    environment = {**os.environ, "WEBEX_ACCESS_TOKEN": "t", "SEATBATCH_BASE_URL": server.url}
    listed = subprocess.run([SEATBATCH, "licenses", "list", "--format", "csv"], env=environment, capture_output=True, text=True)
    return server, next(line.split(",")[-1] for line in listed.stdout.splitlines() if line.startswith("Messaging"))


def write_users(path, users, license):
    with open(path, "w") as out:
        out.write("email,licenseId\n" + "".join(f"user{n}@example.com,{license}\n" for n in range(1, users + 1)))


def paced(folder, rate=40, batches=2400):
    """Batches of one user at a known rate, with 100 ms to each answer."""
    server, license = sandbox(batches, "--latency", "100")
    try:
        file = os.path.join(folder, "paced.csv")
        write_users(file, batches, license)
        seconds = apply(folder, server.url, file, "--rate", f"{rate}/s", "--batch-size", "1")["sending"]
        row(f"paced at {rate}/s, 100 ms latency", f"{seconds:.2f} s", f"batches / R {batches / rate:.0f} s", seconds / (batches / rate),
            "at most 1.01")
    finally:
        server.stop()


def growth(folder, server, runs):
    print("| rows | time, all in | peak memory | journal | input |\n| ---: | ---: | ---: | ---: | ---: |")
    file = os.path.join(folder, "rows.csv")
    try:
        for asked in (10_000, 100_000, 1_000_000, 5_000_000):
            rows = write_file(file, asked * 4 // 9, lambda user: [1, 2, 3, 3][user % 4])
            found = [apply(folder, server.url, file) for _ in range(runs)]
            journal = os.path.getsize(os.path.join(folder, "j.db"))
            print(f"| {rows:,} | {median(run['wall'] for run in found):.2f} s | {median(run['peak'] for run in found):.0f} MiB "
                  f"| {journal / 1e6:.1f} MB | {os.path.getsize(file) / 1e6:.1f} MB |", flush=True)
        for wire, share in ("array", 0.1), ("object", 0.9):
            done, total, seconds = resume(folder, server.url, file, wire, share)
            print(f"\n`resume` of {total:,} operations, {wire} form, {done:,} of them done: first request {seconds:.3f} s after the start")
    finally:
        server.stop()
        shutil.rmtree(folder)


def resume(folder, url, file, wire, share):
    """Kills an `apply` when a share of it is done; operations done and in all, and seconds from the start of `resume` to its first request."""
    clean(folder)
    journal, log = os.path.join(folder, "j.db"), os.path.join(folder, "log.txt")
    environment = {**os.environ, "WEBEX_ACCESS_TOKEN": "t"}
    command = [SEATBATCH, "--base-url", url, "--journal", journal, "--quiet"]

    def tally():
        """Of the run, which is not there at once."""
        told = subprocess.run([SEATBATCH, "--journal", journal, "--json", "status"], capture_output=True, text=True).stdout
        return {"done": 0, "total": 0} | json.loads((told or "{}").splitlines()[-1])

    sending = subprocess.Popen([*command, "apply", file, "--yes", "--rate", "unlimited", "--wire", wire], env=environment)
    while (stands := tally())["done"] < share * max(stands["total"], 1):
        time.sleep(0.2)
    sending.kill()
    sending.wait()
    before = tally()
    if os.path.exists(log):
        os.remove(log)
    begun = time.time()
    resuming = subprocess.Popen([*command, "--log-file", log, "resume"], env={**environment, "SEATBATCH_LOG": "debug"})
    while not os.path.exists(log) or " sent " not in open(log).read(100_000):
        time.sleep(0.01)
    resuming.kill()
    resuming.wait()
    stamp = next(line for line in open(log) if " sent " in line).split("Z", 1)[0]
    return before["done"], before["total"], datetime.fromisoformat(stamp).replace(tzinfo=timezone.utc).timestamp() - begun


def rivals(folder, url, mine, cpu):
    script = os.path.join(folder, "wxc.py")
    with open(script, "w") as out:
        out.write(WXC)
    if subprocess.run([sys.executable, "-c", "import wxc_sdk"], capture_output=True).returncode == 0:
        used = timed([sys.executable, script, url, "3000", LICENSES[0]])
        seconds = float(used["out"])
        row("against wxc_sdk, asyncio, users a second", f"{mine:.0f}", f"{3000 / seconds:.0f}", mine * seconds / 3000, "at least 9")
        row("processor seconds a 1,000 users", f"{cpu:.3f}", f"{used['cpu'] / 3:.3f}", cpu / (used["cpu"] / 3), "at most 0.17")
    if shutil.which("parallel"):
        one = os.path.join(folder, "one.sh")
        with open(one, "w") as out:
            body = '{"email":"user\'$1\'@example.com","licenses":[{"id":"' + LICENSES[0] + '"}]}'
            out.write(f"exec curl -s -X PATCH {url}/licenses/users -H 'Authorization: Bearer t' "
                      f"-H 'Content-Type: application/json' -d '{body}'\n")
        command = f"seq 1 500 | parallel -j8 --joblog {folder}/jobs sh {one}"
        used = timed(["bash", "-c", command])
        row("against GNU parallel with curl, users a second", f"{mine:.0f}", f"{500 / used['wall']:.0f}", mine * used["wall"] / 500, "at least 150")


WXC = '''
import asyncio, sys, time
from wxc_sdk.as_api import AsWebexSimpleApi
from wxc_sdk.as_rest import AsRestSession
from wxc_sdk.licenses import LicenseRequest, LicenseRequestOperation

async def main(url, users, license):
    AsRestSession.BASE = url
    async with AsWebexSimpleApi(tokens="t", concurrent_requests=8) as api:
        queue = iter(range(1, users + 1))
        wanted = [LicenseRequest(id=license, operation=LicenseRequestOperation.add)]
        async def work():
            for user in queue:
                await api.licenses.assign_licenses_to_users(email=f"user{user}@example.com", licenses=wanted)
        begun = time.monotonic()
        await asyncio.gather(*(work() for _ in range(8)))
        print(time.monotonic() - begun)

asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
'''


if __name__ == "__main__":
    main()
