#!/usr/bin/env python3
"""Breaks the engine on purpose, one change at a time, and looks for the first seed of the simulation that notices,
or where none does, for a test of the engine.

    tests/planted.py [--seeds N] [WORDS...]

Works on a copy of the sources, a git worktree of HEAD in target/planted. WORDS choose the bugs whose names hold all of them. Prints the table of docs/reliability.md; exits with 1 where one was not noticed."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COPY = os.path.join(ROOT, "target/planted")
# A folder of its own: cargo takes a worktree for the clone that it is in.
BUILD = os.path.join(ROOT, "target/planted-build")
MACHINE, ENGINE = "src/engine/machine/", "src/engine/"

# What is broken: where, which words, and what stands there instead.
BUGS = [
    ("a request is sent before its intent is committed",
     [(MACHINE + "plan.rs", "        self.active.insert(id, batch);\n    }\n\n    /// Sends what is ready",
       "        self.active.insert(id, batch);\n        self.make_ready(id);\n    }\n\n    /// Sends what is ready")]),
    ("a lost answer counts as done",
     [(ENGINE + "judge.rs", "Answer::Lost(reason) => unanswered(reason, MayBeDone::InDoubt),",
       "Answer::Lost(_) => Verdict::Accepted { failures: Vec::new(), words: None },")]),
    ("`Retry-After` is forgotten",
     [(MACHINE + "faults.rs", "        if until > self.pause {\n            self.pause = until;",
       "        if until > self.pause {\n            self.pause = now;")]),
    ("one organization's pause is forgotten",
     [(MACHINE + "faults.rs", "            road.pause = until;", "            road.paced_until = until;")]),
    ("requests go on after a 401", [(ENGINE + "token.rs", "        self.renewing\n    }", "        false\n    }")]),
    ("an older token's 401 ends the run", [(ENGINE + "token.rs", "return Unauthorized::Stale;", "return Unauthorized::GiveUp;")]),
    ("requests go on after a stop", [(ENGINE + "machine.rs", "        self.end(Ending::Stopped);\n", "")]),
    ("intents are committed without limit",
     [(MACHINE + "plan.rs", "let (room, taken) = (self.settings.concurrency, self.places_taken());",
       "let (room, taken) = (u32::MAX / 8, self.places_taken());")]),
    ("the right half of a split batch is lost", [(MACHINE + "outcomes.rs", "for part in parts {", "for part in parts.into_iter().take(1) {")]),
    ("the pacer is not asked", [("src/pace/mod.rs", "        self.ceiling.take(now)?;", "        let _ = self.ceiling.take(now);")]),
    ("an assignment is in two batches",
     [(ENGINE + "lane.rs", "self.unsent.push_front(rest);",
       "self.unsent.push_front(Span::new(rest.first().0 - 1, rest.last().0).unwrap_or(rest));")]),
    ("what is in doubt is not sent again",
     [(MACHINE + "faults.rs", "        let given_up = self.health.is_given_up(",
       "        if fault.kind == FaultKind::Lost {\n            return self.stays_in_doubt(id, outcome);\n        }\n"
       "        let given_up = self.health.is_given_up(")]),
    ("what is in doubt is sent again unasked under `--in-doubt verify`",
     [(ENGINE + "batch.rs", "(unasked && in_doubt == InDoubt::Verify)", "(unasked && in_doubt != in_doubt)")]),
    ("refusals held back are forgotten",
     [(MACHINE + "outcomes.rs", "After::Suspect(refusal) => self.suspect(Suspect { id, batch, refusal }),",
       "After::Suspect(refusal) => drop((batch, refusal)),")]),
    ("a passing fault counts as a refusal", [("src/domain/answer.rs", "(status, 408 | 423", "(status, 423")]),
    ("intents are left behind at a stop",
     [(ENGINE + "machine.rs", "        if self.active.is_empty()\n            && let Some(ending)",
       "        if self.in_flight == 0\n            && let Some(ending)")]),
    ("an organization that is left alone is sent to",
     [(MACHINE + "plan.rs", "lanes.filter(|(_, lane)| lane.blocked.is_none()).filter_map(", "lanes.filter_map("),
      (MACHINE + "plan.rs", "let Some(lane) = self.lanes.get(number).filter(|lane| lane.blocked.is_none()) else { return false };",
       "let Some(lane) = self.lanes.get(number) else { return false };")]),
    ("the canary is not awaited", [(ENGINE + "canary.rs", "self.end.unwrap_or(u32::MAX)", "u32::MAX")]),
    ("the barrier of an order is forgotten",
     [(ENGINE + "barrier.rs", "        let floor = self.floor(batch.span.first().0);\n", "        let floor = self.floor(0);\n")]),
    ("a 429 spends an attempt",
     [(MACHINE + "faults.rs", "            if given_up {\n                self.end(Ending::Unreachable(fault.reason));\n            }\n            return",
       "            if let Some(batch) = self.active.get_mut(&id) {\n                batch.spent += 1;\n            }\n            return")]),
    ("what was throttled waits behind what was never sent",
     [(MACHINE + "outcomes.rs", "After::Throttled => lane.put_first(id, batch),", "After::Throttled => lane.put(id, batch),"),
      (MACHINE + "faults.rs", "                road.throttled.insert(id, number);\n", "                let _ = number;\n")]),
    ("a lost answer is called failed in the end",
     [(MACHINE + "faults.rs", "FaultKind::Lost | FaultKind::Strange | FaultKind::Throttled => self.stays_in_doubt(id, outcome),",
       "FaultKind::Lost | FaultKind::Strange | FaultKind::Throttled => {\n                let code = ErrorCode::ours(code::RETRIES_EXHAUSTED);\n"
       "                let refusal = Refusal { code, message: String::new() };\n"
       "                self.settle(id, outcome, crate::domain::BatchChange::Failed(refusal), After::Nothing);\n            }")]),
    ("what was in doubt and is refused is not looked up",
     [(MACHINE + "outcomes.rs", "        if batch.may_be_done() {", "        if batch.may_be_done() && batch.spent > 1000 {")]),
    ("an error in the middle is taken for a sign that nothing was done",
     [(MACHINE + "answers.rs", "                    batch.may_have_passed = true;", "                    batch.may_have_passed = false;")]),
    ("what was found half done is pending on disk", [(MACHINE + "doubts.rs", "        } else if any(Effect::InEffect) {", "        } else if false {")]),
    ("an empty 206 is called done",
     [(ENGINE + "judge/items.rs", "Ok(failures) if failures.is_empty() => {", "Ok(failures) if failures.len() > 100_000 => {")]),
    ("a list of holders is believed by half",
     [(MACHINE + "doubts.rs", "found.iter().all(|found| found.effect == Effect::InEffect)", "found.iter().all(|found| found.effect != Effect::NotInEffect)")]),
    ("a batch that always gets 500 is given up as a whole",
     [(MACHINE + "faults.rs", "if lone && meanwhile && doubted {", "if meanwhile && doubted {"),
      (MACHINE + "faults.rs", "} else if lone && meanwhile {", "} else if meanwhile {")]),
    ("an outage fails whom it met",
     [(MACHINE + "faults.rs", "self.exhausted(id, &fault, meanwhile || given_up, due);", "self.exhausted(id, &fault, true, due);")]),
    ("somebody else's answers do not pause a run", [(ENGINE + "health.rs", "self.foreign >= FOREIGN", "false")]),
    ("a way that is shut does not pause a run", [(MACHINE + "answers.rs", "if prospect == Prospect::Hopeless || self.health.through() == 0 {", "if false {")]),
    ("waves are one", [(ENGINE + "barrier.rs", "        starts.get(above).map_or(u32::MAX, |next| next - first)", "        starts.get(above).map_or(u32::MAX, |_| u32::MAX)")]),
    ("who is left alone is a reason to ask nobody else",
     [(MACHINE + "plan.rs", "let mut waiting = self.open_lanes().flat_map(Lane::waiting);",
       "let mut waiting = self.lanes.iter().flat_map(Lane::waiting);"),
      (MACHINE + "plan.rs", "(self.is_ill() && self.is_retry_waiting()).then(", "false.then(")]),
]


def run(command, **more):
    return subprocess.run(command, cwd=COPY, capture_output=True, text=True, errors="replace", **more)


def built(*target):
    """Builds these tests, and says where they are."""
    ran = run(["cargo", "test", *target, "--no-run", "--target-dir", BUILD])
    found = re.search(r"Executable [^(]*\((\S+)\)", ran.stderr)
    if ran.returncode or not found:
        print(ran.stderr, file=sys.stderr)
        return None
    return found[1]


def noticed(binary, seeds):
    """The first seed that notices, and what it says."""
    try:
        ran = run([binary, "every_law_holds_under_every_seed"], env={**os.environ, "SEEDS": str(seeds), "RUST_BACKTRACE": "0"}, timeout=900)
    except subprocess.TimeoutExpired:
        return None, "it never ends"
    output = ran.stdout + ran.stderr
    seed = re.search(r"seed (\d+) breaks a law", output)
    if not seed:
        return None, "nobody"
    said = re.search(r"panicked at (?!tests/simulation/main)[^\n]*\n([^\n]*)", output)
    return int(seed[1]), said[1] if said else "?"


def noticed_by_hand(binary):
    """The engine's own test that notices."""
    failed = re.search(r"test (engine::\S+) \.\.\. FAILED", run([binary, "engine::"], timeout=900).stdout)
    return failed and f"no seed of these; `{failed[1]}` does"


def main():
    arguments = sys.argv[1:]
    seeds = 3000
    if arguments[:1] == ["--seeds"]:
        seeds, arguments = int(arguments[1]), arguments[2:]
    subprocess.run(["git", "worktree", "remove", "--force", COPY], cwd=ROOT, capture_output=True)
    subprocess.run(["git", "worktree", "add", "--detach", COPY], cwd=ROOT, check=True, capture_output=True)
    missed = 0
    print("| what was broken | first seed | what noticed |\n| --- | ---: | --- |", flush=True)
    for name, changes in BUGS:
        if not all(word in name for word in arguments):
            continue
        for path, old, new in changes:
            path = os.path.join(COPY, path)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            if text.count(old) != 1:
                sys.exit(f"{name}: {path} has its words {text.count(old)} times, not once:\n{old}")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace(old, new))
        binary = built("--test", "simulation")
        seed, said = noticed(binary, seeds) if binary else (None, "it does not compile")
        by_hand = noticed_by_hand(built("--lib")) if binary and seed is None else None
        missed += seed is None and by_hand is None
        said = by_hand or said
        print(f"| {name} | {'-' if seed is None else seed} | {said} |", flush=True)
        run(["git", "checkout", "-q", "."])
    subprocess.run(["git", "worktree", "remove", "--force", COPY], cwd=ROOT, capture_output=True)
    sys.exit(1 if missed else 0)


main()
