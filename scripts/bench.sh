#!/usr/bin/env bash
# Measures enrolments (PUT of a request, GET of the certificate), and renewals, against a service of its own on the
# loopback, next to what OpenSSL can sign in the same run. docs/bench.md says how to read it.
#   scripts/bench.sh [seconds a row]      default 5; the whole takes about 25 times that
#   CONNECTIONS="1 8 32" MODES="kept new renew" LEVELS="warn info" choose the rows.
#   COUNTERSIGN and ENROL_BENCH name binaries that are built already; without them both are built.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${1:-5}"

if [ -z "${COUNTERSIGN:-}" ] || [ -z "${ENROL_BENCH:-}" ]; then
  cmake --preset release -DCOUNTERSIGN_TESTS=ON >/dev/null
  cmake --build --preset release --target countersign enrol_bench
fi
countersign="${COUNTERSIGN:-$PWD/build/release/countersign}"
enrol_bench="${ENROL_BENCH:-$PWD/build/release/tests/bench/enrol_bench}"

dir="$(mktemp -d -t countersign-bench-XXXXXX)"
server=""
stop() {
  [ -n "$server" ] || return 0
  kill -TERM "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=""
}
trap 'stop; rm -rf "$dir"' EXIT

# start LEVEL: a new CA in $dir/LEVEL with one rule, and its port in $port.
start() {
  local ca="$dir/$1" line
  "$countersign" init --dir "$ca" --hostname localhost --listen 127.0.0.1:0 2>"$dir/init.log" ||
    { cat "$dir/init.log"; exit 1; }
  cat >"$ca/policy.toml" <<'POLICY'
default = "queue"

[[rule]]
name = "bench"
match = { certname_regex = '[a-z0-9-]+\.bench\.example\.com' }
action = "sign"
POLICY
  sed -i "s/^\[log\]/[log]\nlevel = \"$1\"/" "$ca/countersign.toml"
  printf '\n[puppet]\nallow_auto_renewal = true\n' >>"$ca/countersign.toml"
  mkfifo "$ca/ready"
  "$countersign" serve --config "$ca/countersign.toml" >"$ca/ready" 2>"$ca/log" &
  server=$!
  exec 3<"$ca/ready"
  read -r -t 30 line <&3 || { cat "$ca/log"; exit 1; }
  port="${line##*:}"
}

# Signatures and verifications a second of one core.
read -r sign_rate verify_rate < <(openssl speed -seconds 2 ecdsap256 2>/dev/null |
  awk '/nistp256/ {print $(NF-1), $NF}')

row='%-5s %-5s %4s %9s %9s %7s %7s %7s %8s %8s %7s %6s\n'
printf "$row" log mode conn enrolled enrol/s "srv ms" "gen ms" "p50 ms" "p99 ms" "max ms" "RSS MiB" failed
rows="$dir/rows"
status=0
for level in ${LEVELS:-warn info}; do
  start "$level"
  for mode in ${MODES:-kept new renew}; do
    for connections in ${CONNECTIONS:-1 8 32}; do
      line="$("$enrol_bench" --port "$port" --chain "$dir/$level/ca/chain.pem" --pid "$server" \
        --prefix "$level-$mode-$connections" --connections "$connections" --mode "$mode" \
        --seconds "$seconds" --machines $((6000 * seconds)))" || status=1
      # shellcheck disable=SC2086,SC2059
      printf "$row" "$level" $line
      echo "$level $line" >>"$rows"
    done
  done
  stop
done

awk -v sign="$sign_rate" -v verify="$verify_rate" '
  BEGIN { printf "\nopenssl speed, P-256, one core: %.0f signatures/s, %.0f verifications/s\n", sign, verify
          # Proof of possession (of a renewal: the old certificate), the throw-away twin, the
          # certificate itself.
          floor = 1000 / verify + 2000 / sign
          printf "the signatures of an enrolment alone: %.3f CPU ms\n", floor }
  { printf "%s %s %s: %.1f enrolments for 100 signatures of one core, %.1f times the CPU of its signatures\n",
           $1, $2, $3, 100 * $5 / sign, $6 / floor }' "$rows"
exit "$status"
