-- Which digests an event posts: who has one finds its batch.

CREATE TABLE index_digests (
    digest       TEXT NOT NULL,
    block_number BIGINT NOT NULL,
    log_index    BIGINT NOT NULL,
    PRIMARY KEY (digest, block_number, log_index),
    FOREIGN KEY (block_number, log_index) REFERENCES index_events (block_number, log_index) ON DELETE CASCADE
);
CREATE INDEX index_digests_by_event ON index_digests (block_number, log_index);

-- What is indexed already has none: the log is read anew.
DELETE FROM index_subjects;
DELETE FROM index_events;
DELETE FROM index_blocks;
DELETE FROM index_state;
