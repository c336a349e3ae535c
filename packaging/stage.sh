#!/usr/bin/env bash
# Lets the program write its own manual pages and completions: packaging/stage.sh PROGRAM FOLDER
set -euo pipefail
program=$1 folder=$2
mkdir -p "$folder/man" "$folder/completions"
"$program" man -o "$folder/man"
for shell in bash zsh fish powershell; do
  "$program" completions "$shell" >"$folder/completions/seatbatch.$shell"
done
