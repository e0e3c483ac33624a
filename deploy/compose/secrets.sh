#!/bin/sh
# Writes a random password to .env for each password of docker-compose.yml that .env does not hold yet. Passwords that are
# there stay as they are, so it is safe to run again, for example after an upgrade that adds one.
#
# usage: deploy/compose/secrets.sh [file]     default: .env at the root of the repository
set -eu
umask 077

file=${1:-$(dirname "$0")/../../.env}
touch "$file"
chmod 600 "$file"
# A last line without a newline would run into the first password.
[ -z "$(tail -c 1 "$file")" ] || echo >>"$file"

for name in POSTGRES_PASSWORD GATEWAY_PASSWORD WORKER_PASSWORD REDIS_PASSWORD GRAFANA_PASSWORD; do
  if grep -q "^$name=." "$file"; then
    continue
  fi
  # 192 bits as hexadecimal digits, which a URL takes without escaping.
  password=$(od -An -v -N24 -tx1 /dev/urandom | tr -d ' \n')
  if [ ${#password} -ne 48 ]; then
    echo "secrets.sh: could not read 24 random bytes from /dev/urandom for $name" >&2
    exit 1
  fi
  printf '%s=%s\n' "$name" "$password" >>"$file"
  echo "wrote $name to $file"
done
