#!/bin/sh
# `make check`: format, lint, static analysis and the rules of the house.
set -u
cd "$(dirname "$0")/.."
bad=0
files=$(git ls-files '*.c' '*.h' | grep -v '/vendor/')
sources=$(echo "$files" | grep '\.c$')

echo "== clang-format"
# shellcheck disable=SC2086
clang-format --dry-run --Werror $files || bad=1

echo "== forbidden calls"
# shellcheck disable=SC2086
grep -nE '\b(atoi|atol|atof|strcpy|strcat|sprintf|vsprintf|gets|strtok)\(' $files && bad=1
# shellcheck disable=SC2086
grep -nE '\bexit\(' $(echo "$sources" | grep -vE '/main\.c$|^tests/') && bad=1

echo "== functions over 100 lines, files over 800"
for f in $sources; do
    awk -v f="$f" '/^[a-z].*[^;]$/ && !/[;=]$/ {head=$0; at=FNR} /^{$/ {start=FNR} /^}$/ {if (start && FNR-start>100) {print f ":" at ": " FNR-start " lines: " head; found=1} start=0} END {if (FNR>800) {print f ": " FNR " lines"; found=1} exit found}' "$f" || bad=1
done

echo "== cppcheck"
# shellcheck disable=SC2086
cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --suppress=missingIncludeSystem --suppress=unknownMacro -j"$(nproc)" -I. $(echo "$sources" | grep -v '^tests/') || bad=1

echo "== clang-tidy"
# One file a call: several in one confuse its valist checker.
echo "$sources" | grep -v '^tests/' | xargs -P"$(nproc)" -I{} clang-tidy --quiet {} -- \
    -std=gnu11 -I. -Ibuild/release/gen -D_GNU_SOURCE '-DTUNERD_VERSION="check"' 2>/dev/null || bad=1
[ "$bad" = 0 ] && echo "check: clean"
exit "$bad"
