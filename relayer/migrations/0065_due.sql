-- Bundles are taken up as they become due: when they came, or when the time for which they were put off is over.
DROP INDEX bundles_to_appraise;
CREATE INDEX bundles_to_appraise
    ON bundles ((CASE WHEN claimed_until > received_at THEN claimed_until ELSE received_at END), digest, claimed_until)
    WHERE state = 'received';
