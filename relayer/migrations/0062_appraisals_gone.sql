-- The archive has every appraisal, by the digest of its result.
DROP TABLE appraisals;
