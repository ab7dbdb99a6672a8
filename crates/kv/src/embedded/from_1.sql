-- Brings the items of version 1, whose key was the name of the queue with the number, into the tables of today.
INSERT INTO queue (name, after_number, last_number, pushed_ms)
    SELECT name, after_number, last_number, pushed_ms FROM queue_1 ORDER BY name;
INSERT OR IGNORE INTO queue (name, after_number, last_number, pushed_ms)
    SELECT DISTINCT queue, 0, 0, 0 FROM item_1;
INSERT INTO item (id, item)
    SELECT (queue.id << 44) + item_1.number, item_1.item
    FROM queue JOIN item_1 ON item_1.queue = queue.name ORDER BY 1;
DROP TABLE item_1;
DROP TABLE queue_1;
