-- Waiting and taken items of queues. Numbers count up from 1 in each queue without a gap.
CREATE TABLE IF NOT EXISTS item (
    queue TEXT NOT NULL,
    number INTEGER NOT NULL,
    item BLOB NOT NULL,
    PRIMARY KEY (queue, number)
) WITHOUT ROWID;

-- The numbers of the items that wait: after_number < number <= last_number.
CREATE TABLE IF NOT EXISTS queue (
    name TEXT PRIMARY KEY,
    after_number INTEGER NOT NULL,
    last_number INTEGER NOT NULL,
    pushed_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Batches in flight: the items first_number to last_number of a queue.
CREATE TABLE IF NOT EXISTS lease (
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    first_number INTEGER NOT NULL,
    last_number INTEGER NOT NULL,
    deadline_ms INTEGER NOT NULL,
    PRIMARY KEY (queue, id)
) WITHOUT ROWID;

-- Values and counters.
CREATE TABLE IF NOT EXISTS value (
    key BLOB PRIMARY KEY,
    value BLOB NOT NULL,
    expires_ms INTEGER
);
CREATE INDEX IF NOT EXISTS value_expires ON value (expires_ms) WHERE expires_ms IS NOT NULL;

-- Sets of which only the size can be asked, and hashes of their members.
CREATE TABLE IF NOT EXISTS unique_set (
    key TEXT PRIMARY KEY,
    expires_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unique_member (
    key TEXT NOT NULL,
    hash INTEGER NOT NULL,
    PRIMARY KEY (key, hash)
) WITHOUT ROWID;

-- Named leases.
CREATE TABLE IF NOT EXISTS held (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;
