"""The database: tables, repositories (functions over a session), report queries, migrations."""
