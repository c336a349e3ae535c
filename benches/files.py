#!/usr/bin/env python3
"""What reading people's files costs, beside the barest loop over the same file.

    cargo build --release && cargo bench --no-run && benches/files.py

The loops are those of benches/steps.rs: CSV_LOOP reads a file with the csv crate, XLSX_LOOP with calamine, and neither
looks at anything. Ratios are of processes side by side, medians of --runs.
"""
import argparse, glob, os, statistics, subprocess, sys, tempfile, time, zipfile

SEATBATCH = os.environ.get("SEATBATCH", "target/release/seatbatch")
LICENSE = "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvNWE0ZDFjMDAtMDAwMC00MDAwLTgwMDA6TVNfNWViYTAwMDA%d"


def timed(command, **more):
    """Seconds of wall clock and of processor, and peak memory in MiB, of one command."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": {**os.environ, **more}}
    begun = time.monotonic()
    _, _, used = os.wait4(subprocess.Popen(command, **quiet).pid, 0)
    wall = time.monotonic() - begun
    # GNU time is small, so that the peak is the command's and not that of this process, which it is forked from.
    with tempfile.NamedTemporaryFile("r") as said:
        subprocess.run(["/usr/bin/time", "-q", "-o", said.name, "-f", "%M", *command], **quiet)
        peak = float(said.read())
    return {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "mib": peak / 1024}


def long_rows(path, rows, operation="add"):
    with open(path, "w") as file:
        file.write("email,licenseId,operation,note\n")
        for row in range(rows):
            file.write(f"user{row // 2}@example.com,{LICENSE % (row % 2)},{operation},employee number {row:08}\n")


def wide_rows(path, users, services):
    with open(path, "w") as file:
        names = ",".join(f"Service {number} [Sub{number}]" for number in range(services))
        file.write(f"First Name,Last Name,User ID/Email (Required),{names}\n")
        for user in range(users):
            cells = ",".join("TRUE" if (user + number) % 3 else "FALSE" for number in range(services))
            file.write(f"Ada{user},Lovelace,user{user}@example.com,{cells}\n")


def workbook(path, rows):
    """As Excel writes one: every text shared, every cell with its place."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = lambda *all: ('<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">' + "".join(
        f'<Relationship Id="r{number}" Type="{office}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(all, 1)) + "</Relationships>")
    texts = {}
    share = lambda text: texts.setdefault(text, len(texts))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_rels/.rels", relations(("officeDocument", "xl/workbook.xml")))
        archive.writestr("xl/_rels/workbook.xml.rels", relations(
            ("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "sharedStrings.xml")))
        archive.writestr("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
                         '<sheet name="People" sheetId="1" r:id="r1"/></sheets></workbook>')
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            write = lambda text: sheet.write(text.encode())
            write(f'<worksheet xmlns="{main}"><sheetData>')
            for row in range(rows + 1):
                cells = (["email", "licenseId", "operation", "note"] if row == 0 else
                         [f"user{row}@example.com", LICENSE % (row % 2), "add", f"employee number {row:08}"])
                cells = "".join(f'<c r="{letter}{row + 1}" t="s"><v>{share(cell)}</v></c>' for letter, cell in zip("ABCD", cells))
                write(f'<row r="{row + 1}" spans="1:4">{cells}</row>')
            write("</sheetData></worksheet>")
        with archive.open("xl/sharedStrings.xml", "w", force_zip64=True) as shared:
            shared.write(f'<sst xmlns="{main}" count="{4 * rows}" uniqueCount="{len(texts)}">'.encode())
            for text in texts:
                shared.write(f"<si><t>{text}</t></si>".encode())
            shared.write(b"</sst>")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    steps = os.environ.get("STEPS") or max(glob.glob("target/release/deps/steps-*[!d]"), key=os.path.getmtime)
    with tempfile.TemporaryDirectory(prefix="seatbatch-files-") as folder:
        at = lambda name: os.path.join(folder, name)
        of = lambda rows: int(rows * args.scale)
        long_rows(at("long.csv"), of(1_000_000))
        long_rows(at("bad.csv"), of(1_000_000), "gvie")
        wide_rows(at("wide.csv"), of(200_000), 12)
        workbook(at("people.xlsx"), of(100_000))
        check = lambda name: lambda: timed([SEATBATCH, "check", at(name)])
        loop = lambda name, kind: lambda: timed([steps], **{kind: at(name)})
        print("| `check` of | seatbatch | beside | ratio | to reach | peak memory |\n| --- | ---: | ---: | ---: | --- | ---: |")
        for what, ours, theirs, beside, aim in [
            ("1,000,000 long rows", check("long.csv"), loop("long.csv", "CSV_LOOP"), "csv loop", "at most 2.0"),
            ("200,000 users × 12 services", check("wide.csv"), loop("wide.csv", "CSV_LOOP"), "csv loop", "at most 3"),
            ("an `.xlsx` of 100,000 rows", check("people.xlsx"), loop("people.xlsx", "XLSX_LOOP"), "calamine", "at most 2, 256 MiB"),
            ("1,000,000 bad rows", check("bad.csv"), check("long.csv"), "good ones", "at most 2, memory as of good ones"),
        ]:
            pairs = [(ours(), theirs()) for _ in range(args.runs)]
            ratio = statistics.median(a["wall"] / b["wall"] for a, b in pairs)
            busy = statistics.median(a["cpu"] / b["cpu"] for a, b in pairs)
            wall = [statistics.median(pair[side]["wall"] for pair in pairs) for side in (0, 1)]
            peak = [max(pair[side]["mib"] for pair in pairs) for side in (0, 1)]
            print(f"| {what} | {wall[0]:.2f} s | {beside} {wall[1]:.2f} s | {ratio:.2f} | {aim} | "
                  f"{peak[0]:.0f} MiB, beside {peak[1]:.0f} |", flush=True)
            print(f"  processor time: {busy:.2f}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
