-- Several reports may carry one bundle, each with a result of its own.

ALTER TABLE cosign_items ADD COLUMN result TEXT; -- digest of the AttestationResult that this report carries
ALTER TABLE cosign_items ADD COLUMN fields TEXT; -- JSON: what its grant is made of
-- 1: while the report is open, the bundle waits for it. A member can have that of a bundle once in a while, not again and
-- again.
ALTER TABLE cosign_items ADD COLUMN holds BIGINT NOT NULL DEFAULT 1 CHECK (holds IN (0, 1));
