-- Bundles that were put off are taken up after those that never were.
CREATE INDEX bundles_to_appraise ON bundles (claimed_until, received_at, digest) WHERE state = 'received';
