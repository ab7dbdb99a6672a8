-- Queues, and the numbers of the items that wait: after_number < number <= last_number. Numbers count up from 1
-- in each queue without a gap; below it are those of batches that were put back.
CREATE TABLE IF NOT EXISTS queue (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    after_number INTEGER NOT NULL,
    last_number INTEGER NOT NULL,
    pushed_ms INTEGER NOT NULL
);

-- Waiting and taken items. The id is that of the queue times 2^44, plus the number: a tree by whole numbers is
-- written at its end, and takes items of a kilobyte three to a page, where a key of text takes two pages for each.
CREATE TABLE IF NOT EXISTS item (
    id INTEGER PRIMARY KEY,
    item BLOB NOT NULL
);

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
