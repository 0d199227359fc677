-- Reports that this relayer has signed, from its signature until the registry shows them.
CREATE TABLE cosign_reports (
    hash TEXT PRIMARY KEY,          -- EIP-712 digest
    report TEXT NOT NULL,           -- ABI, hex
    archive TEXT NOT NULL,          -- manifest
    proposer TEXT NOT NULL,
    set_id BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,      -- Unix seconds
    deadline BIGINT NOT NULL,       -- Unix seconds
    recorded_at BIGINT NOT NULL,    -- Unix seconds
    is_open BIGINT NOT NULL CHECK (is_open IN (0, 1)) -- 1 until it is queued, seen on chain, or given up
);
CREATE INDEX cosign_reports_open ON cosign_reports (recorded_at) WHERE is_open = 1;

CREATE TABLE cosign_items (
    report TEXT NOT NULL REFERENCES cosign_reports (hash),
    evidence TEXT NOT NULL REFERENCES bundles (digest),
    PRIMARY KEY (report, evidence)
);
CREATE INDEX cosign_items_by_evidence ON cosign_items (evidence);

-- Signatures under reports. They may come before the report does.
CREATE TABLE cosign_signatures (
    report TEXT NOT NULL,
    signer TEXT NOT NULL,
    signature TEXT NOT NULL,        -- 64 bytes (EIP-2098), hex
    received_at BIGINT NOT NULL,    -- Unix seconds
    PRIMARY KEY (report, signer)
);

-- Requests that were heard, until their time has passed.
CREATE TABLE cosign_nonces (
    sender TEXT NOT NULL,
    nonce TEXT NOT NULL,
    until BIGINT NOT NULL,          -- Unix seconds
    PRIMARY KEY (sender, nonce)
);
CREATE INDEX cosign_nonces_by_time ON cosign_nonces (until);

-- Since when this relayer knows that an issuer has come to this number.
CREATE TABLE cosign_numbers (
    source TEXT NOT NULL,
    number TEXT NOT NULL,
    since BIGINT NOT NULL,          -- Unix seconds
    PRIMARY KEY (source, number)
);
