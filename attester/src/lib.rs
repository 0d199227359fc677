//! Collects Proof-of-Cloud evidence on a node.
