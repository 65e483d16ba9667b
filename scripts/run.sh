#!/usr/bin/env bash
# From nothing to a running CA on the loopback: installs, builds, makes a CA with a demo policy in a
# folder of its own, enrols a machine by rule with curl and openssl, shows the queue and an approval.
#   scripts/run.sh [--check]      --check: ends with 0 when all of it worked, instead of serving on
set -euo pipefail
cd "$(dirname "$0")/.."
check=""
[ "${1:-}" = "--check" ] && check=1

scripts/install.sh
# A build folder of its own, without the tests: the one of the tests keeps its settings.
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
cmake --preset release -B build/demo -DCOUNTERSIGN_TESTS=OFF >/dev/null
cmake --build build/demo --target countersign
countersign="$PWD/build/demo/countersign"

dir="$(mktemp -d -t countersign-demo-XXXXXX)"
server=""
finish() {
  [ -z "$server" ] || kill -TERM "$server" 2>/dev/null || true
  [ -z "$server" ] || wait "$server" 2>/dev/null || true
  rm -rf "$dir"
}
trap finish EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "1. A root, an issuing CA and an operator in $dir/ca"
"$countersign" init --dir "$dir/ca" --hostname localhost --listen 127.0.0.1:0
cat >"$dir/ca/policy.toml" <<'POLICY'
default = "queue"

[[rule]]
name = "web tier"
match = { certname_regex = 'web-[a-z0-9]+\.example\.com' }
grant = { dns = ["{certname}", "www.example.com"] }
action = "sign"
POLICY

say "2. The service"
mkfifo "$dir/ready"
"$countersign" serve --config "$dir/ca/countersign.toml" >"$dir/ready" 2>"$dir/log" &
server=$!
exec 3<"$dir/ready"
if ! read -r -t 30 line <&3; then
  cat "$dir/log"
  exit 1
fi
echo "$line"
url="https://localhost:${line##*:}"
sed -i "s|^url *=.*|url = \"$url\"|" "$dir/ca/client.toml"
export COUNTERSIGN_CLIENT="$dir/ca/client.toml"

csr() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/$1.key" \
    -out "$dir/$1.csr" -subj "/CN=$1" 2>/dev/null
}
submit() {
  curl -sS --cacert "$dir/ca/ca/chain.pem" -H 'Content-Type: text/plain' -X PUT \
    --data-binary "@$dir/$1.csr" -o /dev/null -w "%{http_code}\n" \
    "$url/puppet-ca/v1/certificate_request/$1"
}
fetch() {
  curl -sSf --cacert "$dir/ca/ca/chain.pem" -o "$dir/$1.pem" "$url/puppet-ca/v1/certificate/$1"
  openssl verify -CAfile "$dir/ca/ca/chain.pem" "$dir/$1.pem"
}

say "3. A machine that a rule names is enrolled at once"
csr web-1.example.com
submit web-1.example.com
fetch web-1.example.com

say "4. One that no rule names waits"
csr db-1.example.com
submit db-1.example.com
"$countersign" list

say "5. An operator approves it"
"$countersign" sign db-1.example.com --yes
fetch db-1.example.com

if [ -n "$check" ]; then
  kill -TERM "$server"
  wait "$server"
  server=""
  say "All of it worked."
  exit 0
fi
say "The service runs at $url. Try: COUNTERSIGN_CLIENT=$COUNTERSIGN_CLIENT $countersign list"
echo "Ctrl-C ends it and removes $dir."
wait "$server"
