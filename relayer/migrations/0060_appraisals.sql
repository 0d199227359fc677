-- An appraisal is long, is written once, and is read when somebody asks. In `bundles` it was written anew with each step of
-- its bundle's.
CREATE TABLE appraisals (
    digest TEXT PRIMARY KEY REFERENCES bundles (digest), -- the evidence's
    appraisal TEXT NOT NULL                              -- JSON
);
INSERT INTO appraisals (digest, appraisal) SELECT digest, appraisal FROM bundles WHERE appraisal IS NOT NULL;
ALTER TABLE bundles DROP COLUMN appraisal;
