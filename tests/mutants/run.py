#!/usr/bin/env python3
"""Tries every mutant of some files, compiled once.

    tests/mutants/run.py [--lib] [--test NAME]... [--only WORDS]... [--mutant WORDS]... [--work] GLOB...

The mutants are those of `cargo mutants --list`. To compile each would take minutes: here all of them are in one program, a number
in the environment chooses, and a mutant is tried with those tests alone that come by it. --only and --mutant choose tests and mutants whose
names hold these words. Works on a copy, a git worktree of HEAD in target/mutants; with --work, of the files as they are. Needs
cargo-mutants and what tests/mutants/requirements.txt names. Prints what survived, and the figures of docs/reliability.md."""

import argparse
import collections
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import tree_sitter
import tree_sitter_rust

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COPY = os.path.join(ROOT, "target/mutants")
BUILD = os.path.join(ROOT, "target/mutants-build")

SWITCH = """
/// Whether this mutant is the one that is tried; where it is asked for, notes that somebody came by.
pub(crate) fn mutant(number: usize) -> bool {
    use std::io::Write as _;
    use std::sync::atomic::{AtomicBool, Ordering};
    static CHOSEN: std::sync::LazyLock<Option<usize>> =
        std::sync::LazyLock::new(|| std::env::var("MUTANT").ok()?.parse().ok());
    static NOTES: std::sync::LazyLock<Option<std::fs::File>> = std::sync::LazyLock::new(|| {
        std::fs::File::options().append(true).create(true).open(std::env::var_os("MUTANTS_SEEN")?).ok()
    });
    static SEEN: [AtomicBool; 8192] = [const { AtomicBool::new(false) }; 8192];
    if let Some(mut notes) = NOTES.as_ref() && !SEEN[number].swap(true, Ordering::Relaxed) {
        let _ = notes.write_all(format!("{number}\\n").as_bytes());
    }
    *CHOSEN == Some(number)
}
"""


class File:
    """A file's text with all its mutants behind the switch."""

    def __init__(self, text, mutants):
        self.text, self.rewrites = text, []
        self.tree = tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language())).parse(text)
        self.starts = [0]
        for line in text.split(b"\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        arms = collections.defaultdict(dict)
        operators = collections.defaultdict(list)
        self.impossible = []
        for mutant in mutants:
            start, end = (self.offset(mutant["span"][which]) for which in ("start", "end"))
            kind = mutant["genre"]
            if kind == "FnValue":
                self.function(mutant, start)
            elif kind in ("BinaryOperator", "UnaryOperator"):
                operators[start, end].append(mutant)
            elif kind in ("MatchArm", "MatchArmGuard"):
                arms[self.around(start, end, "match_arm").start_byte][mutant["replacement"]] = mutant
            elif kind == "StructField":
                self.field(mutant, start, end)
            else:
                self.impossible.append(mutant)
        for (start, end), several in operators.items():
            self.operator(several, start, end)
        for start, by_replacement in arms.items():
            self.arm(by_replacement, start)
        for found in re.finditer(rb"\bconst (?=fn\b)", text):
            self.rewrites.append((found.start(), found.end(), lambda render: b""))

    def offset(self, place):
        line = self.starts[place["line"] - 1]
        # Columns are counted in characters.
        before = self.text[line:].decode(errors="replace")[: place["column"] - 1]
        return line + len(before.encode())

    def around(self, start, end, *kinds):
        node = self.tree.root_node.descendant_for_byte_range(start, max(start, end - 1))
        while node is not None and node.type not in kinds:
            node = node.parent
        return node

    def function(self, mutant, start):
        body = self.around(start, start, "function_item").child_by_field_name("body")
        place = body.start_byte + 1
        words = f"\nif crate::mutant({mutant['number']}) {{ return {mutant['replacement']}; }}\n".encode()
        self.rewrites.append((place, place, lambda render: words))

    def operator(self, several, start, end):
        node = self.around(start, end, "binary_expression", "compound_assignment_expr", "unary_expression")
        enclosed = False
        if node is None:
            self.impossible += several
            return
        if node.type == "unary_expression":
            right = node.child(1)
            left = (start, start)
        else:
            operator, right = node.child_by_field_name("operator"), node.child_by_field_name("right")
            left = node.child_by_field_name("left")
            if operator.start_byte != start:
                self.impossible += several
                return
            # At the beginning of a block these would be statements.
            enclosed = left.type in ("if_expression", "match_expression", "block")
            left = (left.start_byte, left.end_byte)
        right = (right.start_byte, right.end_byte)
        usual = self.text[start:end]

        def write(render):
            one, other = render(*left), render(*right)
            one = b"(%s)" % one if enclosed else one
            tried = b"".join(
                b"if crate::mutant(%d) {\n%s %s %s\n} else " % (m["number"], one, m["replacement"].encode(), other) for m in several
            )
            return b"(%s{\n%s %s %s\n})" % (tried, one, usual, other)

        self.rewrites.append((node.start_byte, node.end_byte, write))

    def arm(self, by_replacement, start):
        arm = self.around(start, start + 1, "match_arm")
        pattern = arm.child_by_field_name("pattern")
        condition = pattern.child_by_field_name("condition")
        numbers = {what: mutant["number"] for what, mutant in by_replacement.items()}
        deleted = b"!crate::mutant(%d)" % numbers[""] if "" in numbers else None
        if condition is None:
            words = b" if\n" + deleted + b"\n"
            self.rewrites.append((pattern.end_byte, pattern.end_byte, lambda render: words))
            return

        def write(render):
            words = render(condition.start_byte, condition.end_byte)
            if "let" not in condition.type:
                words = b"(%s)" % words
                for what, join, sign in (("true", b"||", b""), ("false", b"&&", b"!")):
                    if what in numbers:
                        words = b"(%scrate::mutant(%d) %s\n%s)" % (sign, numbers[what], join, words)
            return words if deleted is None else b"%s\n&& %s" % (deleted, words)

        if "let" in condition.type:
            self.impossible += [mutant for what, mutant in by_replacement.items() if what]
        self.rewrites.append((condition.start_byte, condition.end_byte, write))

    def field(self, mutant, start, end):
        field = self.around(start, end, "field_initializer", "shorthand_field_initializer")
        base = [node for node in field.parent.children if node.type == "base_field_initializer"]
        if not base:
            self.impossible.append(mutant)
            return
        base = base[0].child(1)
        value = field.child_by_field_name("value")
        name = field.child_by_field_name("field") if value else field.child(0)
        name = self.text[name.start_byte : name.end_byte]

        def write(render):
            usual = render(value.start_byte, value.end_byte) if value else name
            other = render(base.start_byte, base.end_byte)
            return b"%s: if crate::mutant(%d) {\n(%s).%s\n} else { %s }" % (name, mutant["number"], other, name, usual)

        self.rewrites.append((field.start_byte, field.end_byte, write))

    def render(self, start=0, end=None, within=None):
        end = len(self.text) if end is None else end
        # Of two that are about the same words, the one that was found last is the outer one.
        nested = sorted(enumerate(self.rewrites), key=lambda r: (r[1][0], -r[1][1], -r[0]))
        nested = [rewrite for _, rewrite in nested]
        begin = nested.index(within) + 1 if within else 0
        inside = [r for r in nested[begin:] if start <= r[0] and r[1] <= end]
        out, place = [], start
        for rewrite in inside:
            if rewrite[0] < place:
                continue
            out.append(self.text[place : rewrite[0]])
            out.append(rewrite[2](lambda s, e, r=rewrite: self.render(s, e, r)))
            place = rewrite[1]
        out.append(self.text[place:end])
        return b"".join(out)


def run(command, **more):
    return subprocess.run(command, cwd=COPY, capture_output=True, text=True, errors="replace", **more)


def write(mutants, originals):
    """Writes the copy's files with these mutants; gives back those that cannot be so."""
    impossible = []
    for path, text in originals.items():
        file = File(text, [mutant for mutant in mutants if mutant["file"] == path])
        impossible += file.impossible
        with open(os.path.join(COPY, path), "wb") as out:
            out.write(file.render())
    return impossible


def wrong(targets):
    """The numbers of mutants at which the compiler stumbles."""
    checked = run(["cargo", "check", "--message-format", "json", "--target-dir", BUILD, *targets])
    found = set()
    for line in checked.stdout.splitlines():
        message = json.loads(line)
        if message.get("reason") != "compiler-message" or message["message"]["level"] != "error":
            continue
        for span in message["message"]["spans"]:
            if not span["is_primary"]:
                continue
            with open(os.path.join(COPY, span["file_name"]), encoding="utf-8") as file:
                before = file.read().split("\n")[: span["line_start"]]
            numbers = re.findall(r"crate::mutant\((\d+)\)", "\n".join(before))
            if numbers:
                found.add(int(numbers[-1]))
    if checked.returncode and not found:
        sys.exit(checked.stderr)
    return found


def binaries(targets):
    built = run(["cargo", "test", "--no-run", "--message-format", "json", "--target-dir", BUILD, *targets])
    if built.returncode:
        sys.exit(built.stderr)
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    return [m["executable"] for m in messages if m.get("executable") and m["profile"]["test"]]


def tried(binary, names, number, limit):
    """Whether these tests notice the mutant: `caught`, `missed` or `timeout`."""
    environment = {**os.environ, "MUTANT": str(number), "INSTA_UPDATE": "no", "RUST_BACKTRACE": "0"}
    command = [binary, "--exact", *names]
    with subprocess.Popen(
        command, cwd=COPY, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            return "caught" if process.wait(timeout=limit) else "missed"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            return "timeout"


def seen(binary, name, slowest):
    """The numbers of the mutants that a test comes by, and how long it takes; nothing where it cannot be used."""
    with tempfile.NamedTemporaryFile(mode="r", encoding="utf-8") as notes:
        environment = {**os.environ, "MUTANTS_SEEN": notes.name, "INSTA_UPDATE": "no"}
        begun = time.monotonic()
        try:
            ran = run([binary, "--exact", name], env=environment, timeout=slowest)
        except subprocess.TimeoutExpired:
            print(f"left out, since it takes long: {name}", flush=True)
            return None
        if ran.returncode:
            print(f"left out, since it fails by itself: {name}", flush=True)
            return None
        return time.monotonic() - begun, {int(number) for number in notes.read().split()}


def covered(executables, arguments, pool):
    """By mutant, the tests that come by it, the quickest first; and how long each test takes."""
    tests = []
    for binary in executables:
        listed = run([binary, "--list", "--format", "terse"]).stdout
        names = [line.removesuffix(": test") for line in listed.splitlines() if line.endswith(": test")]
        wanted = [name for name in names if not arguments.only or any(word in name for word in arguments.only)]
        tests += [(binary, name) for name in wanted]
    by_mutant, times = collections.defaultdict(list), {}
    for test, found in zip(tests, pool.map(lambda test: seen(*test, arguments.slowest), tests)):
        if found:
            times[test], numbers = found
            for number in numbers:
                by_mutant[number].append(test)
    for several in by_mutant.values():
        several.sort(key=times.get)
    return by_mutant, times


def outcome(number, tests, times):
    """Some quick tests first, then more, then all others."""
    for begin, end in ((0, 1), (1, 4), (4, 12), (12, None)):
        for binary in sorted({binary for binary, _ in tests[begin:end]}):
            names = [name for of, name in tests[begin:end] if of == binary]
            limit = 30 + 10 * sum(times[binary, name] for name in names)
            found = tried(binary, names, number, limit)
            if found != "missed":
                return found
    return "missed"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lib", action="store_true")
    parser.add_argument("--test", action="append", default=[])
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--slowest", type=float, default=60.0, help="leave out tests that take longer, in seconds")
    parser.add_argument("--most", type=int, default=100, help="so many tests for one mutant, the quickest")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--work", action="store_true", help="take the files as they are, not those of HEAD")
    parser.add_argument("--mutant", action="append", default=[])
    parser.add_argument("globs", nargs="+")
    arguments = parser.parse_args()
    subprocess.run(["git", "worktree", "remove", "--force", COPY], cwd=ROOT, capture_output=True)
    subprocess.run(["git", "worktree", "add", "--detach", COPY], cwd=ROOT, check=True, capture_output=True)
    if arguments.work:
        subprocess.run(f"cp -r src tests Cargo.toml Cargo.lock {COPY}/", cwd=ROOT, check=True, shell=True)
    globs = [word for glob in arguments.globs for word in ("-f", glob)]
    mutants = json.loads(subprocess.run(["cargo", "mutants", "--list", "--json", *globs], cwd=COPY, check=True, capture_output=True).stdout)
    wanted = arguments.mutant or [""]
    mutants = [mutant for mutant in mutants if any(words in mutant["name"] for words in wanted)]
    for number, mutant in enumerate(mutants):
        mutant["number"] = number
    originals = {}
    for path in {mutant["file"] for mutant in mutants}:
        with open(os.path.join(COPY, path), "rb") as file:
            originals[path] = file.read()
    with open(os.path.join(COPY, "src/lib.rs"), "a", encoding="utf-8") as file:
        file.write(SWITCH)
    # The environment reaches the program under test.
    subprocess.run(
        r"grep -rl 'env_clear()' tests | xargs sed -i 's/\.env_clear()/&.envs(std::env::vars().filter(|(name, _)| name.starts_with(\"MUTANT\")))/'",
        cwd=COPY, shell=True, check=False,
    )
    targets = (["--lib"] if arguments.lib else []) + [word for name in arguments.test for word in ("--test", name)]
    unviable = {mutant["number"] for mutant in write(mutants, originals)}
    while True:
        viable = [mutant for mutant in mutants if mutant["number"] not in unviable]
        write(viable, originals)
        found = wrong(["--lib"])
        if not found:
            break
        print(f"do not compile: {sorted(found)}", flush=True)
        unviable |= found
    executables = binaries(targets)
    print(f"{len(mutants)} mutants, {len(viable)} compile; {len(executables)} programs of tests", flush=True)
    pool = concurrent.futures.ThreadPoolExecutor(arguments.jobs)
    by_mutant, times = covered(executables, arguments, pool)
    print(f"{len(times)} tests", flush=True)
    counts = collections.Counter(unviable=len(unviable))

    def tell(mutant):
        tests = by_mutant.get(mutant["number"], [])[: arguments.most]
        found = outcome(mutant["number"], tests, times)
        if found != "caught":
            print(f"{found} ({len(tests)} tests come by): {mutant['name']}", flush=True)
        return found

    counts.update(pool.map(tell, viable))
    print(f"| tested | caught | never ended | do not compile | survived |\n"
          f"| {len(mutants)} | {counts['caught']} | {counts['timeout']} | {counts['unviable']} | {counts['missed']} |")
    for number in sorted(unviable):
        print(f"does not compile: {mutants[number]['name']}")
    subprocess.run(["git", "worktree", "remove", "--force", COPY], cwd=ROOT, capture_output=True)


main()
