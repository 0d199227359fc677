//! Several honest relayers through what happens to honest ones.

mod barred;
mod disclosure;
mod killed;
mod slow;
