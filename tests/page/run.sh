#!/usr/bin/env bash
# Makes reports of real runs and looks at them in a browser: tests/page/run.sh PROGRAM [FOLDER for screenshots]
# One run went every way that there is and has cells that would like to be obeyed; one has 100,000 failures.
set -euo pipefail
program=$(realpath "$1") shots=${2:-}
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
sandboxes=()
trap 'kill "${sandboxes[@]}" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"

sandbox() { # starts one and sets URL
  "$program" sandbox --token page "$@" >listening & sandboxes+=($!)
  until grep -q '^listening on ' listening; do sleep 0.05; done
  url=$(sed -n 's/^listening on //p' listening)
}

apply() { # every run here ends with failures
  local code=0
  WEBEX_ACCESS_TOKEN=page "$program" apply "$@" --base-url "$url" --yes --quiet --rate unlimited >/dev/null 2>&1 || code=$?
  test "$code" -eq 1 || { echo "apply $* ended with $code, not 1"; exit 1; }
}

python3 - <<'PY'
licenses = ["Messaging", "Meetings Suite", "Events", "Attendant Console"]
hostile = ["</script><script>obeyed=1</script>", "<img src=x onerror=obeyed=1>", "=HYPERLINK(1)", "\u202ereversed"]
with open("mixed.csv", "w", encoding="utf-8") as file:
    file.write("email,license,operation,note\n")
    for number in range(1, 1201):
        file.write(f"user{number}@example.com,{licenses[number % 4]},{'remove' if number % 50 == 0 else 'add'},x\n")
    for number, word in enumerate(hostile):
        file.write(f'user{number + 2000}@example.com,Messaging,add,"{word}"\n"{word}",Messaging,add,\n')
with open("many.csv", "w", encoding="utf-8") as file:
    file.write("email,license\n")
    file.writelines(f"user{number}@example.com,Messaging\n" for number in range(1, 100_001))
PY

sandbox --users 1000 --rate-limit 1200/min --burst 5 --fault 'refuse=</script><b>&,user=user40@example.com'
apply mixed.csv --on-invalid skip --batch-size 25 --journal mixed.db
"$program" report --journal mixed.db --format html -o mixed.html
node "$here/check.mjs" mixed.html ${shots:+--shots "$shots"}

sandbox --users 100000 --fault refuse=400411
apply many.csv --batch-size 1000 --journal many.db
"$program" report --journal many.db --format html -o many.html
node "$here/check.mjs" many.html --rows 100000
