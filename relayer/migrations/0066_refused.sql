-- What a member signed and this relayer refused, where it carries another result of an appraisal than this relayer's own.
CREATE TABLE cosign_refused (
    hash TEXT NOT NULL,             -- the report's EIP-712 digest
    signer TEXT NOT NULL,
    report TEXT NOT NULL,           -- ABI-encoded, hex
    signature TEXT NOT NULL,        -- 64 bytes, hex
    results TEXT NOT NULL,          -- ABI-encoded, hex: pairs of this relayer's AttestationResult and the signer's
    refused_at BIGINT NOT NULL,     -- Unix seconds
    PRIMARY KEY (signer, hash)
);
CREATE INDEX cosign_refused_by_time ON cosign_refused (refused_at);
