#!/bin/sh
# `make run`: a coordinator, as many worker slots as there are cores, the example study on Fashion-MNIST,
# its progress here and on the dashboard. State is kept in ./var, so that running it again goes on.
set -eu
cd "$(dirname "$0")/.."

http=${TUNERD_HTTP:-127.0.0.1:8080}
endpoint=${TUNERD_WORKERS:-tcp://127.0.0.1:5670}
state=${TUNERD_STATE:-var}
example=${1:-schema/examples/fashion-mlp.json}
images=/usr/share/datasets/fashion-mnist
classes="T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"
bin=${TUNERD_BIN_DIR:-build}
export OPENBLAS_NUM_THREADS=1

mkdir -p "$state"
ctl() { "$bin/tunerctl" --server "http://$http" "$@"; }

coordinator="" worker="" ctl_pid=""
stop() {
    trap '' INT TERM
    [ -z "$ctl_pid" ] || kill "$ctl_pid" 2>/dev/null || true
    [ -z "$worker" ] || { kill "$worker" 2>/dev/null; wait "$worker"; } || true
    [ -z "$coordinator" ] || { kill "$coordinator" 2>/dev/null; wait "$coordinator"; } || true
    echo "Stopped. 'make run' goes on where it was; everything is kept in $state/."
}
trap 'stop; exit 130' INT TERM

"$bin/tunerd" --state-dir "$state/coordinator" --http-listen "$http" --worker-listen "$endpoint" \
    2>>"$state/tunerd.log" &
coordinator=$!
until curl -sf "http://$http/readyz" >/dev/null; do
    kill -0 "$coordinator" 2>/dev/null || {
        echo "tunerd did not start; the end of $state/tunerd.log:" >&2
        tail -n 5 "$state/tunerd.log" >&2
        exit 1
    }
    sleep 0.1
done
"$bin/tuner-worker" --coordinator "$endpoint" --slots "$(nproc)" --cache-dir "$state/worker" \
    --name "$(uname -n)" --drain-timeout 0 2>>"$state/worker.log" &
worker=$!

echo "Dashboard: http://$http/    (logs in $state/*.log; Ctrl-C stops everything)"
ctl datasets list | grep -q '^fashion-mnist' ||
    ctl datasets add fashion-mnist --class-names "$classes" "$images"/*.gz

# In the background with `wait`, so that Ctrl-C reaches the trap at once; not through ctl(), whose subshell
# would take the signal meant for tunerctl.
"$bin/tunerctl" --server "http://$http" submit "$example" --watch &
ctl_pid=$!
status=0
wait "$ctl_pid" || status=$?
ctl_pid=""
if [ "$status" = 0 ] && [ -t 1 ]; then
    echo "The dashboard stays at http://$http/ until Ctrl-C."
    wait "$coordinator" || status=$?
fi
stop
exit "$status"
