-- What newer endorsements say about bundles that are on chain.

-- With what an operator's bundle on chain was last appraised again: the same twice is no work.
CREATE TABLE reappraisals (
    operator TEXT PRIMARY KEY,
    evidence TEXT NOT NULL REFERENCES bundles (digest),
    basis TEXT NOT NULL             -- digest of endorsements and policy
);

-- Operators whose bundle on chain would not be attested so today. One that passes takes the row away.
CREATE TABLE warnings (
    operator TEXT PRIMARY KEY,
    evidence TEXT NOT NULL REFERENCES bundles (digest),
    since BIGINT NOT NULL,          -- Unix seconds
    deadline BIGINT NOT NULL,       -- Unix seconds: when the attestation on chain expires
    bars BIGINT NOT NULL CHECK (bars IN (0, 1)), -- whether the operator is not renewed
    reasons TEXT NOT NULL           -- JSON: id, name and detail of each check
);

-- How far the round through the operators has come, for the next start.
CREATE TABLE rounds (
    name TEXT PRIMARY KEY CHECK (name = 'reappraise'),
    position TEXT NOT NULL          -- the operator that was looked at last; empty at a round's end
);
