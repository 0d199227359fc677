-- Whom operators have told to be told, and what is still to be told.

CREATE TABLE webhooks (
    operator TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    issued_at BIGINT NOT NULL       -- of the operator's signature, Unix seconds: an older one changes nothing
);

-- A row goes when the message was taken, or given up.
CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,            -- of the message: the same for each try
    operator TEXT NOT NULL,
    body TEXT NOT NULL,             -- JSON
    tries BIGINT NOT NULL DEFAULT 0,
    due BIGINT NOT NULL             -- Unix seconds
);
CREATE INDEX deliveries_by_due ON deliveries (due);

-- Freezes that this relayer has signed. The registry takes them until their deadline, by enough signatures.
CREATE TABLE orders (
    hash TEXT PRIMARY KEY,          -- EIP-712 digest that was signed
    operator TEXT NOT NULL,
    deadline BIGINT NOT NULL,       -- Unix seconds
    document TEXT NOT NULL          -- JSON: the order, its signer and signature, and the call that carries it out
);
