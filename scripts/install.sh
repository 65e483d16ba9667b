#!/usr/bin/env bash
# Installs what the build and the tests need, from Debian 12's own packages. Asks nothing of the
# network when all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
while read -r package; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
    missing+=("$package")
done <scripts/packages.txt
[ ${#missing[@]} -eq 0 ] && exit 0

echo "installing: ${missing[*]}"
run() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }
run apt-get update -qq
# The tests call cloud-init's modules; this keeps it from taking over the machine at its next boot.
if [[ " ${missing[*]} " == *' cloud-init '* ]]; then
  run mkdir -p /etc/cloud
  run touch /etc/cloud/cloud-init.disabled
fi
DEBIAN_FRONTEND=noninteractive run apt-get install -y -qq --no-install-recommends "${missing[@]}"
