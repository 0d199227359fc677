-- Freezes come together from several relayers' signatures over the same bytes.

-- What was signed before is good for less than an hour, and by one relayer only.
DROP TABLE orders;

-- Freezes that this relayer has found reason for and has signed. The registry takes them until their deadline.
CREATE TABLE orders (
    hash TEXT PRIMARY KEY,          -- EIP-712 digest that was signed
    operator TEXT NOT NULL,
    deadline BIGINT NOT NULL,       -- Unix seconds
    body TEXT NOT NULL,             -- ABI, hex
    reason TEXT NOT NULL,           -- why, as configured
    state TEXT NOT NULL CHECK (state IN ('open', 'queued', 'done')) -- queued: its call is in `reports`, to be posted
);

CREATE TABLE order_signatures (
    hash TEXT NOT NULL REFERENCES orders (hash) ON DELETE CASCADE,
    signer TEXT NOT NULL,
    signature TEXT NOT NULL,        -- 64 bytes (EIP-2098), hex
    PRIMARY KEY (hash, signer)
);
