#!/usr/bin/env python3
"""What comparing a file with the live organization takes: time and memory beside reading the pages alone.

    cargo build --release
    python3 benches/live.py target/release/seatbatch [OPERATIONS HOLDERS]

A sandbox in a process of its own holds the organization: OPERATIONS users (1,000,000), of whom HOLDERS (500,000) hold the
license that the file gives to all of them. Each command reads as fast as it can; beside it stands what its time would be of that of reading
the same pages and doing nothing with them at the usual 300 a minute. Memory is the most that the process had resident.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

binary = os.path.abspath(sys.argv[1])
numbers = [int(word) for word in sys.argv[2:] if word.isdigit()]
operations, holders = numbers or (1_000_000, 500_000)
folder = tempfile.mkdtemp(prefix="seatbatch-live-")
os.chdir(folder)

# Holders stand scattered among the users, as they do.
step = max(operations // max(holders, 1), 1)
with open("org.json", "w", encoding="utf-8") as org:
    plan = {"id": "A", "name": "Plan A", "totalUnits": 2 * operations}
    org.write('{"licenses":[%s],"sites":[],"users":[\n' % json.dumps(plan))
    held = 0
    for user in range(operations):
        holds = user % step == 0 and held < holders
        held += holds
        end = "\n" if user == operations - 1 else ",\n"
        org.write('{"email":"u%d@example.com","licenses":[%s]}%s' % (user, '"A"' if holds else "", end))
    org.write("]}")
with open("people.csv", "w", encoding="utf-8") as people:
    people.write("email,licenseId\n")
    people.writelines(f"u{user}@example.com,A\n" for user in range(operations))

service = subprocess.Popen([binary, "sandbox", "--token", "t", "--org", "org.json"], stdout=subprocess.PIPE, text=True)
url = service.stdout.readline().split()[-1]
environment = {**os.environ, "WEBEX_ACCESS_TOKEN": "t", "SEATBATCH_BASE_URL": url}


def measured(*arguments, codes=(0,)):
    """Runs a command; gives back its time in seconds and its peak in MiB."""
    begun = time.monotonic()
    with open("out.txt", "wb") as out, open("err.txt", "wb") as err:
        child = subprocess.Popen([binary, *arguments], env=environment, stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in codes:
        sys.exit(f"{arguments}: exit {code}\n{open('err.txt', encoding='utf-8').read()[-2000:]}")
    return time.monotonic() - begun, usage.ru_maxrss / 1024


def shown(name, found, alone):
    # At the usual pace the pages are read in so many seconds, and all else takes as long as here.
    pages = (read + 299) // 300 / 5
    beside = (pages + found[0] - alone[0]) / pages
    print(f"| `{name}` | {found[0]:.1f} s | {beside:.2f} | {found[1]:.0f} MiB |", flush=True)


try:
    pace = ["--rate", "unlimited"]
    with open("one.csv", "w", encoding="utf-8") as one:
        one.write("email,licenseId\nu0@example.com,A\n")
    measured("apply", "one.csv", "--yes", "--snapshot", "no", *pace, "--journal", "one.db")
    # Verifying one operation reads every page, and does next to nothing with it.
    alone = measured("verify", "--journal", "one.db", *pace)
    read = holders
    print("| command | time | at 300/min, beside reading alone | peak |\n| --- | --- | --- | --- |")
    shown("reading alone", alone, alone)
    shown("plan", measured("plan", "people.csv", *pace), alone)
    shown("plan --order fit", measured("plan", "people.csv", "--order", "fit", *pace), alone)
    shown("rehearse", measured("rehearse", "people.csv", *pace), alone)
    shown("rehearse --order fit", measured("rehearse", "people.csv", "--order", "fit", *pace), alone)
    shown("diff", measured("diff", "people.csv", "-o", "changes.csv", *pace), alone)
    # The first tenth is not listed, and of these half hold the license.
    with open("people.csv", encoding="utf-8") as people, open("fewer.csv", "w", encoding="utf-8") as fewer:
        fewer.writelines(line for number, line in enumerate(people) if number == 0 or number > operations / 10)
    sync = ["--sync", "--max-removals", "100%"]
    shown("diff --sync", measured("diff", "fewer.csv", *sync, "-o", "changes.csv", *pace), alone)
    measured("apply", "people.csv", "--yes", "--snapshot", "no", *pace)
    # Now everybody holds it.
    read = operations
    alone = measured("verify", "--journal", "one.db", *pace)
    shown("reading all of them alone", alone, alone)
    shown("verify", measured("verify", *pace), alone)
    undo = measured("undo", "--live", "-o", "undo.csv", *pace)
    shown("undo --live", undo, alone)
finally:
    service.terminate()
    service.wait()
