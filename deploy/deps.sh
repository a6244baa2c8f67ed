#!/bin/sh
# Installs the Debian packages that are missing for the sets named: run, test, check, bench.
# Without the right to install (or without apt-get) it names what to install and fails.
set -eu

# "command:package" asks for a program; "package" for a package.
run="gcc make pkg-config python3 python3-yaml esbuild ca-certificates curl
     libmicrohttpd-dev libcjson-dev libsqlite3-dev libzmq3-dev libsodium-dev libopenblas-dev
     zlib1g-dev libcurl4-openssl-dev libsystemd-dev libmuparser-dev uthash-dev
     dataset-fashion-mnist"
test="libcmocka-dev python3-pytest python3-requests python3-jsonschema python3-zmq
      python3-numpy node:nodejs npm:npm chromium fonts-dejavu-core
      aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-aarch64:qemu-user"
check="clang-format clang-tidy cppcheck"
bench="python3-torch python3-sklearn python3-optuna python3-numpy"

missing=""
for set in "$@"; do
    eval "list=\$$set"
    for item in $list; do
        case $item in
        *:*) command -v "${item%%:*}" >/dev/null 2>&1 || missing="$missing ${item#*:}" ;;
        *) if command -v dpkg-query >/dev/null 2>&1; then
               [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$item" 2>/dev/null | cut -c1-2)" = ii ] ||
                   missing="$missing $item"
           fi ;;
        esac
    done
done

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "deps: not a Debian system; make sure these (or their equivalents) are installed:" >&2
    for set in "$@"; do eval "echo \$$set" >&2; done
    exit 0
fi
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    echo "deps: missing packages; install them and try again:" >&2
    echo "    sudo apt-get install$missing" >&2
    exit 1
fi
echo "deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends $missing
