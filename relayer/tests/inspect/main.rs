//! `chassis inspect` and `chassis verify`, as an auditor runs them, on real evidence.
#![allow(clippy::unwrap_used, reason = "tests")]

mod bundle;
mod every_file;
mod known;
mod run;
mod verdicts;
