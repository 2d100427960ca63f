#!/bin/sh
# Temporal's main and visibility database: created, set up and brought to this release's version.
set -eu

bring_up() { # database, folder of its schema
    temporal-sql-tool --db "$1" create
    temporal-sql-tool --db "$1" setup-schema -v 0.0
    temporal-sql-tool --db "$1" update-schema -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

bring_up temporal temporal
bring_up temporal_visibility visibility
