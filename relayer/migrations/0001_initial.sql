-- Plain SQL that SQLite and PostgreSQL both take: TEXT and BIGINT only (bytes are lower-case hex, a truth value is 0 or
-- 1). What must never happen is a constraint, not a hope.

CREATE TABLE reports (
    hash TEXT PRIMARY KEY,          -- EIP-712 digest that was signed
    archive TEXT NOT NULL,          -- manifest
    issued_at BIGINT NOT NULL,      -- Unix seconds; they are posted in this order
    calldata TEXT NOT NULL          -- post(report, mask, signatures), hex
);

CREATE TABLE bundles (
    digest TEXT PRIMARY KEY,        -- SHA-256 of the evidence
    operator TEXT NOT NULL,
    is_public BIGINT NOT NULL CHECK (is_public IN (0, 1)), -- whether the archive shows it to everybody
    state TEXT NOT NULL CHECK (state IN
        ('received', 'appraised', 'cosigning', 'queued', 'posted', 'included', 'final', 'rejected', 'failed')),
    received_at BIGINT NOT NULL,    -- Unix seconds
    tries BIGINT NOT NULL DEFAULT 0 CHECK (tries >= 0),
    appraisal TEXT,                 -- JSON
    result TEXT,                    -- digest of the AttestationResult
    fields TEXT,                    -- JSON: what a grant is made of
    report TEXT REFERENCES reports (hash), -- the report that carries it
    reason TEXT,                    -- why it was rejected, failed or put back, for people
    claimed_by TEXT,                -- which replica works on it
    claimed_until BIGINT NOT NULL DEFAULT 0, -- Unix seconds; from then on anybody may
    CHECK (state NOT IN ('appraised', 'cosigning', 'queued', 'posted', 'included') OR fields IS NOT NULL),
    CHECK (state NOT IN ('queued', 'posted', 'included') OR report IS NOT NULL)
);
CREATE INDEX bundles_by_state ON bundles (state, received_at, digest);
CREATE INDEX bundles_by_operator ON bundles (operator, received_at, digest);
CREATE INDEX bundles_by_report ON bundles (report) WHERE report IS NOT NULL;

-- A relayer that signs two results for one appraisal can be proven a liar: never two.
CREATE TABLE signatures (
    evidence TEXT NOT NULL,
    policy TEXT NOT NULL,
    endorsements TEXT NOT NULL,
    as_of BIGINT NOT NULL CHECK (as_of >= 0),
    result TEXT NOT NULL,
    PRIMARY KEY (evidence, policy, endorsements, as_of)
);

-- One logical transaction per report, however often it is signed anew.
CREATE TABLE transactions (
    report TEXT PRIMARY KEY REFERENCES reports (hash),
    state TEXT NOT NULL CHECK (state IN ('reserved', 'broadcast', 'included', 'final', 'dropped')),
    nonce BIGINT NOT NULL CHECK (nonce >= 0),
    gas_limit BIGINT NOT NULL CHECK (gas_limit >= 0),
    hash TEXT,                      -- the attempt that was included
    block_hash TEXT,
    block_number BIGINT,
    gas_used BIGINT,
    CHECK (state NOT IN ('included', 'final')
        OR (hash IS NOT NULL AND block_hash IS NOT NULL AND block_number IS NOT NULL AND gas_used IS NOT NULL))
);
CREATE UNIQUE INDEX one_live_transaction_per_nonce ON transactions (nonce) WHERE state <> 'dropped';
CREATE INDEX transactions_under_way ON transactions (nonce) WHERE state IN ('reserved', 'broadcast', 'included');

-- Signed bytes, stored before they are sent.
CREATE TABLE attempts (
    hash TEXT PRIMARY KEY,
    report TEXT NOT NULL REFERENCES transactions (report),
    raw TEXT NOT NULL,              -- hex
    max_fee TEXT NOT NULL,          -- wei per gas
    max_tip TEXT NOT NULL
);
CREATE INDEX attempts_by_report ON attempts (report);

-- Who alone may do what, until when. The token counts holders: work under an older token is refused.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    token BIGINT NOT NULL CHECK (token > 0),
    until BIGINT NOT NULL           -- Unix seconds
);
