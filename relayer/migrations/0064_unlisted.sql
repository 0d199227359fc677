-- Since when the host of an operator's bundle on chain has not been in its provider's list, Unix seconds. Beside the warning,
-- not in it: another bundle of the operator's that passes ends a warning, and may never come on chain.
ALTER TABLE reappraisals ADD COLUMN unlisted_since BIGINT;
