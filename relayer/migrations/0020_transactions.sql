-- Several transactions under way at once: a report's post, a self-send that closes a nonce gap, or what another relayer
-- posted before this one could.

DROP TABLE attempts;
DROP TABLE transactions;

CREATE TABLE transactions (
    id BIGINT PRIMARY KEY,
    report TEXT REFERENCES reports (hash), -- none: a self-send
    state TEXT NOT NULL CHECK (state IN ('reserved', 'signed', 'broadcast', 'included', 'final', 'dropped')),
    account TEXT,                   -- none, and no nonce: another relayer's
    nonce BIGINT CHECK (nonce >= 0),
    gas_limit BIGINT NOT NULL CHECK (gas_limit >= 0),
    since BIGINT NOT NULL,          -- Unix seconds
    hash TEXT,                      -- what was included
    block_hash TEXT,
    block_number BIGINT,
    gas_used BIGINT,
    cost TEXT,                      -- wei, of this relayer
    paid_at BIGINT,                 -- Unix seconds
    CHECK ((account IS NULL) = (nonce IS NULL)),
    CHECK (account IS NOT NULL OR report IS NOT NULL),
    CHECK (state NOT IN ('included', 'final')
        OR (hash IS NOT NULL AND block_hash IS NOT NULL AND block_number IS NOT NULL AND gas_used IS NOT NULL))
);
-- One logical transaction per report, however often it is signed anew; and no nonce is used for two things at a time.
CREATE UNIQUE INDEX one_transaction_per_report ON transactions (report) WHERE state <> 'dropped';
CREATE UNIQUE INDEX one_live_transaction_per_nonce ON transactions (account, nonce)
    WHERE state IN ('reserved', 'signed', 'broadcast', 'included');
CREATE INDEX transactions_by_payment ON transactions (paid_at);

-- Signed bytes, stored before they are sent. Any of them may be the one that is mined.
CREATE TABLE attempts (
    hash TEXT PRIMARY KEY,
    transaction_id BIGINT NOT NULL REFERENCES transactions (id),
    raw TEXT NOT NULL,              -- hex
    max_fee TEXT NOT NULL,          -- wei per gas
    max_tip TEXT NOT NULL,
    cancels BIGINT NOT NULL CHECK (cancels IN (0, 1)) -- 1: a self-send in the place of a report that came too late
);
CREATE INDEX attempts_by_transaction ON attempts (transaction_id);
