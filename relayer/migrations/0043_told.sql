-- The last change of a status of which operators were told.

CREATE TABLE told (
    id     BIGINT PRIMARY KEY CHECK (id = 1),
    change TEXT NOT NULL
);
