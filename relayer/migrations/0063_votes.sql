-- What this relayer has voted yes to. Another k may sign it and bring it on chain, and this one finds it again by its result.
CREATE TABLE votes (
    proposer TEXT NOT NULL,
    evidence TEXT NOT NULL,
    result TEXT NOT NULL,           -- digest of the AttestationResult
    operator TEXT NOT NULL,
    is_public BIGINT NOT NULL CHECK (is_public IN (0, 1)),
    fields TEXT NOT NULL,           -- JSON: what a grant is made of
    voted_at BIGINT NOT NULL,       -- Unix seconds
    PRIMARY KEY (proposer, evidence, result)
);
CREATE INDEX votes_by_operator ON votes (operator);
CREATE INDEX votes_by_time ON votes (voted_at);
