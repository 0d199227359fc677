//! The simulated cloud against the code that verifies the real one, and every end-to-end test.

mod firmware;
mod intel;
mod tpm;
