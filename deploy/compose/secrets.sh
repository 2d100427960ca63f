#!/bin/sh
# Makes secrets/ once, readable by their owner; what is there already stays.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets
random() { head -c 32 /dev/urandom | base64 | tr -d '\n'; }
plain() { random | tr '+/' '-_' | tr -d '='; }
keep() { [ -s "secrets/$1" ] || (umask 022 && printf %s "$2" > "secrets/$1"); }

keep postgres_password "$(plain)"
keep database_url "postgresql+asyncpg://nurture:$(cat secrets/postgres_password)@postgres/nurture"
# Temporal's images take their password from the environment only: the server and its schema tool.
keep temporal.env "$(printf 'POSTGRES_PWD=%s\nSQL_PASSWORD=%s' "$(cat secrets/postgres_password)" "$(cat secrets/postgres_password)")"
keep secret_key "$(plain)"
keep api_token "$(plain)"
keep sales_secret "whsec_$(random)"
