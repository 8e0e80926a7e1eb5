-- Accounts: the one thing that all instances share whichever way they remember logins.
CREATE TABLE accounts (
    name          TEXT    PRIMARY KEY NOT NULL,
    display_name  TEXT    NOT NULL,
    role          TEXT    NOT NULL CHECK (role IN ('member', 'accountant', 'admin')),
    password_hash TEXT    NOT NULL,
    disabled      BOOLEAN NOT NULL DEFAULT FALSE
);
