-- The registry's log, as far as it has been read.

-- Where the index stands: one row. Every change of the index moves the version, so that of two replicas only one makes it.
CREATE TABLE index_state (
    id              BIGINT PRIMARY KEY CHECK (id = 1),
    version         BIGINT NOT NULL,
    chain_id        BIGINT NOT NULL,
    registry        TEXT NOT NULL,
    -- The last finalized block that was read.
    number          BIGINT NOT NULL,
    hash            TEXT NOT NULL,
    -- The last block after which the rebuilt head was the registry's.
    verified_number BIGINT NOT NULL,
    verified_hash   TEXT NOT NULL,
    CHECK (verified_number <= number)
);

-- Blocks that were read before they were final: each the parent of the next, the first a child of the state's.
CREATE TABLE index_blocks (
    number BIGINT PRIMARY KEY,
    hash   TEXT NOT NULL UNIQUE,
    parent TEXT NOT NULL,
    time   BIGINT NOT NULL
);

CREATE TABLE index_events (
    block_number BIGINT NOT NULL,
    log_index    BIGINT NOT NULL,
    block_hash   TEXT NOT NULL,
    block_time   BIGINT NOT NULL,
    transaction_hash TEXT NOT NULL,
    kind         TEXT NOT NULL,
    -- Of `BatchPosted`: the batch's number.
    batch        BIGINT UNIQUE,
    -- Hex, 32 bytes each.
    topics       TEXT NOT NULL,
    data         TEXT NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX index_events_by_kind ON index_events (kind, block_number, log_index);

-- Whom an event is about: an operator's address or a platform's id.
CREATE TABLE index_subjects (
    subject      TEXT NOT NULL,
    block_number BIGINT NOT NULL,
    log_index    BIGINT NOT NULL,
    PRIMARY KEY (subject, block_number, log_index),
    FOREIGN KEY (block_number, log_index) REFERENCES index_events (block_number, log_index) ON DELETE CASCADE
);
CREATE INDEX index_subjects_by_event ON index_subjects (block_number, log_index);
