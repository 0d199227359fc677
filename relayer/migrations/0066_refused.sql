-- Reports that members signed and this relayer refused, since they carry another result of an appraisal than its own.
CREATE TABLE cosign_refused (
    signer TEXT NOT NULL,
    hash TEXT NOT NULL,             -- the report's EIP-712 digest
    report TEXT NOT NULL,           -- ABI-encoded, hex
    signature TEXT NOT NULL,        -- 64 bytes, hex
    refused_at BIGINT NOT NULL,     -- Unix seconds
    PRIMARY KEY (signer, hash)
);
CREATE INDEX cosign_refused_by_time ON cosign_refused (refused_at);

-- These other results, each once; and its own, where a report carries both.
CREATE TABLE cosign_lies (
    signer TEXT NOT NULL,
    name TEXT NOT NULL,             -- what must not have two results: digest of evidence, policy, endorsements and time
    result TEXT NOT NULL,           -- digest of what the signer says
    evidence TEXT NOT NULL,
    own TEXT NOT NULL,              -- digest of what this relayer found
    results TEXT NOT NULL,          -- ABI-encoded, hex: both, this relayer's first
    report TEXT NOT NULL,           -- where the signer says it
    refused_at BIGINT NOT NULL,     -- Unix seconds
    PRIMARY KEY (signer, name, result)
);
CREATE INDEX cosign_lies_by_time ON cosign_lies (refused_at);
