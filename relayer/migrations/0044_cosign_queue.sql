-- Whom it is to propose next, what waits for finality only, and what may be forgotten.

-- A bundle that is put off keeps `claimed_until`: those that never were go first, then those put off longest ago.
CREATE INDEX bundles_to_propose ON bundles (claimed_until, received_at, digest) WHERE state = 'appraised';
CREATE INDEX bundles_under_way ON bundles (operator) WHERE state IN ('cosigning', 'queued', 'posted', 'included');

-- What is long done with goes.
CREATE INDEX cosign_reports_closed ON cosign_reports (recorded_at) WHERE is_open = 0;
CREATE INDEX signatures_by_time ON signatures (as_of);

-- The block after which the registry showed a report that another relayer had posted, which need not be final.
ALTER TABLE cosign_reports ADD COLUMN shown_at BIGINT;
