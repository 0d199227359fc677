//! Giving up root, for good.
//!
//! A node needs root for a moment: to read the event logs and to make a report entry. It does not need root while it talks
//! to the network. [`become_user`] trusts no call's success: it looks at what the process is afterwards, in each of its
//! threads, and tries to get root back.

use std::{ffi::CString, fs, path::PathBuf};

use nix::{
    sys::prctl,
    unistd::{
        Gid, Uid, User as Entry, geteuid, getresgid, getresuid, initgroups, setresgid, setresuid, setuid,
    },
};

use crate::Error;

/// A user of this machine, who is not root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    name: CString,
    uid: Uid,
    gid: Gid,
}

impl User {
    /// The user with this name.
    ///
    /// # Errors
    /// If there is none, or it is root by another name.
    pub fn named(name: &str) -> Result<Self, Error> {
        let fail = |problem: String| Err(Error::Privileges(problem));
        let entry = match Entry::from_name(name) {
            Ok(Some(entry)) => entry,
            Ok(None) => {
                return fail(format!(
                    "there is no user `{name}`; make one with `useradd --system`"
                ));
            }
            Err(error) => return fail(format!("looking up user `{name}` failed: {error}")),
        };
        if entry.uid.is_root() || entry.gid.as_raw() == 0 {
            return fail(format!("`{name}` is root, or in its group; name another user"));
        }
        let Ok(name) = CString::new(entry.name) else {
            return fail("a name with a zero byte".into());
        };
        Ok(Self {
            name,
            uid: entry.uid,
            gid: entry.gid,
        })
    }

    pub(crate) fn uid(&self) -> u32 {
        self.uid.as_raw()
    }

    pub(crate) fn gid(&self) -> u32 {
        self.gid.as_raw()
    }

    pub(crate) fn name(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }
}

/// Becomes `user`, with that user's groups and no capabilities. There is no way back, for no thread of this process.
///
/// # Errors
/// If this process is not root, or anything of root is left afterwards. Then end the process: half of it may be done.
pub fn become_user(user: &User) -> Result<(), Error> {
    be_root(user)?;
    // Groups first: without root they could not be set any more.
    initgroups(&user.name, user.gid)
        .and_then(|()| setresgid(user.gid, user.gid, user.gid))
        .and_then(|()| setresuid(user.uid, user.uid, user.uid))
        .and_then(|()| prctl::set_no_new_privs())
        .map_err(|error| Error::Privileges(format!("becoming `{}` failed: {error}", user.name())))?;
    check(user)
}

/// # Errors
/// If this process is not root, and so cannot become `user`.
pub(crate) fn be_root(user: &User) -> Result<(), Error> {
    if geteuid().is_root() {
        return Ok(());
    }
    Err(Error::Privileges(format!(
        "only root can become `{}`; start as root, or leave --user out",
        user.name()
    )))
}

fn check(user: &User) -> Result<(), Error> {
    let left = |what: &str| {
        Err(Error::Privileges(format!(
            "{what} after becoming `{}`",
            user.name()
        )))
    };
    let (Ok(uids), Ok(gids)) = (getresuid(), getresgid()) else {
        return left("the system does not say who we are");
    };
    if [uids.real, uids.effective, uids.saved] != [user.uid; 3] {
        return left("another user is left");
    }
    if [gids.real, gids.effective, gids.saved] != [user.gid; 3] {
        return left("another group is left");
    }
    if setuid(Uid::from_raw(0)).is_ok() {
        return left("root can be regained");
    }
    for path in threads()? {
        let status = fs::read_to_string(&path).map_err(unreadable(&path))?;
        if !is_powerless(&status, user.uid()) {
            return left("a thread is still privileged");
        }
    }
    Ok(())
}

fn threads() -> Result<Vec<PathBuf>, Error> {
    let tasks = PathBuf::from("/proc/self/task");
    fs::read_dir(&tasks)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path().join("status")))
                .collect()
        })
        .map_err(unreadable(&tasks))
}

fn unreadable(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File {
        doing: "read",
        path,
        source,
        hint: "; without it nobody can tell whether privileges are gone",
    }
}

/// Whether `/proc/…/status` tells of this user alone, of no capability, and that none can come.
fn is_powerless(status: &str, uid: u32) -> bool {
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim)
    };
    let uid = uid.to_string();
    let is_user = field("Uid").is_some_and(|ids| ids.split_whitespace().all(|id| id == uid));
    let no_capability = |name: &&str| {
        field(name).is_some_and(|set| !set.is_empty() && set.bytes().all(|digit| digit == b'0'))
    };
    is_user
        && ["CapInh", "CapPrm", "CapEff", "CapAmb"].iter().all(no_capability)
        && field("NoNewPrivs") == Some("1")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tx\nUid:\t65534\t65534\t65534\t65534\nCapInh:\t0000000000000000\n\
                          CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\n\
                          CapAmb:\t0000000000000000\nNoNewPrivs:\t1\n";

    #[test]
    fn only_a_powerless_thread_passes() {
        assert!(is_powerless(STATUS, 65_534));
        assert!(!is_powerless(STATUS, 1));
        for (from, to) in [
            ("65534\nCapInh", "0\nCapInh"),
            ("CapPrm:\t0000000000000000", "CapPrm:\t0000000000000002"),
            ("CapEff:\t0000000000000000\n", ""),
            ("CapAmb:\t0", "CapAmb:\t8"),
            ("NoNewPrivs:\t1", "NoNewPrivs:\t0"),
        ] {
            assert!(STATUS.contains(from));
            assert!(!is_powerless(&STATUS.replace(from, to), 65_534), "{to}");
        }
    }

    #[test]
    fn root_and_strangers_are_nobody_to_become() {
        for name in ["root", "no-such-user-here", ""] {
            assert!(matches!(User::named(name), Err(Error::Privileges(_))), "`{name}`");
        }
    }
}
