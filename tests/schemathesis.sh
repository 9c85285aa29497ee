#!/usr/bin/env bash
# Asks a hub everything its document describes, with what nobody thought of. .ci/run gives it less than a minute; by hand it takes its time.
#   tests/schemathesis.sh target/debug/wheelhouse [arguments of schemathesis]
# Needs `schemathesis` (PyPI, written against 4.32) on the path. Faults are answers of 500 and up but 501, 503, 504 and
# 507, and answers that are not as described.
set -euo pipefail
program=$(realpath "$1")
shift
work=$(mktemp -d)
hub=
trap '[ -z "$hub" ] || kill "$hub"; wait; rm -rf "$work"' EXIT

mkdir "$work/home" "$work/run"
cd "$work"
export HOME="$work/home" XDG_RUNTIME_DIR="$work/run" TZ=UTC
"$program" --headless --json --listen 127.0.0.1:0 --no-auth >"$work/said" 2>"$work/err" &
hub=$!
until [ -s "$work/said" ]; do
    kill -0 "$hub" || { cat "$work/err"; exit 1; }
    sleep 0.1
done
url=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["listeners"][0]["url"])' <"$work/said")
cat >schemathesis.toml <<'END'
[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 501, 503, 504, 507]
END
# A stream has no end, and a socket is no answer.
schemathesis run "$url/openapi.json" --exclude-path-regex 'events/(stream|ws)$' \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
    --phases examples,coverage,fuzzing "$@"
