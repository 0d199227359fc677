//! Whom a node goes on as, once it has given root up.

use super::{Level, Report};
use crate::User;

pub(super) fn look(user: Option<&str>, report: &mut Report) {
    let Some(name) = user else {
        let found = "none: a node that is started as root stays root; name one with --user";
        return report.note("user", Level::Quote, found);
    };
    match User::named(name) {
        Ok(_) => report.ok("user", Level::Quote, name),
        Err(error) => {
            let todo = "make the user, in group tss: `useradd --system --groups tss NAME`";
            report.missing("user", Level::Quote, error.to_string(), todo);
        }
    }
}
