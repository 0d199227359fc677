-- Plain SQL that SQLite and PostgreSQL both take. What must never happen is a constraint, not a hope.

CREATE TABLE bundles (
    digest TEXT PRIMARY KEY,        -- SHA-256 of the evidence
    operator TEXT NOT NULL,
    is_public BOOLEAN NOT NULL,     -- whether the archive shows it to everybody
    state TEXT NOT NULL,
    received_at BIGINT NOT NULL,    -- Unix seconds
    tries BIGINT NOT NULL DEFAULT 0,
    appraisal TEXT,                 -- JSON
    result TEXT,                    -- digest of the AttestationResult
    fields TEXT,                    -- JSON: what a grant is made of
    report TEXT,                    -- the report that carries it
    reason TEXT                     -- why it was rejected, failed or put back, for people
);
CREATE INDEX bundles_by_state ON bundles (state, received_at);
CREATE INDEX bundles_by_operator ON bundles (operator, received_at);

-- A relayer that signs two results for one appraisal can be proven a liar: never two.
CREATE TABLE signatures (
    evidence TEXT NOT NULL,
    policy TEXT NOT NULL,
    endorsements TEXT NOT NULL,
    as_of BIGINT NOT NULL,
    result TEXT NOT NULL,
    PRIMARY KEY (evidence, policy, endorsements, as_of)
);

CREATE TABLE reports (
    hash TEXT PRIMARY KEY,          -- EIP-712 digest that was signed
    archive TEXT NOT NULL,          -- manifest
    calldata BLOB NOT NULL          -- post(report, mask, signatures)
);

-- One logical transaction per report, however often it is signed anew.
CREATE TABLE transactions (
    report TEXT PRIMARY KEY REFERENCES reports (hash),
    state TEXT NOT NULL,            -- reserved, broadcast, included, final, dropped
    nonce BIGINT NOT NULL,
    gas_limit BIGINT NOT NULL,
    hash TEXT,                      -- the attempt that was included
    block_hash TEXT,
    block_number BIGINT,
    gas_used BIGINT
);
CREATE UNIQUE INDEX one_live_transaction_per_nonce ON transactions (nonce) WHERE state <> 'dropped';

-- Signed bytes, stored before they are sent.
CREATE TABLE attempts (
    hash TEXT PRIMARY KEY,
    report TEXT NOT NULL REFERENCES transactions (report),
    raw BLOB NOT NULL,
    max_fee TEXT NOT NULL,          -- wei per gas
    max_tip TEXT NOT NULL
);
