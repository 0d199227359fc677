//! Small files that are there wholly or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Puts `content` in the place of `path`, which only its owner may read, and syncs it to disk: after a power cut there is
/// the old file or the new one.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = beside(path, ".new");
    // One that a crash left behind may be anybody's.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_folder_of(path)
}

/// The same, where nothing but a plain file may stand in the way. A link is not followed.
///
/// # Errors
/// If something else is at `path`, or nothing can be written there.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "there is something else than a plain file; name another path",
        )),
        _ => replace(path, content),
    }
}

/// What is in `path`, which only its owner may read, or which systemd hands over to this service alone: that is readable by
/// a group that has nobody in it, and by an ACL which shows as that group's permission.
pub(crate) fn read_private(path: &Path) -> io::Result<Vec<u8>> {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    read_private_or(path, credentials.as_deref())
}

fn read_private_or(path: &Path, credentials: Option<&Path>) -> io::Result<Vec<u8>> {
    let mode = fs::metadata(path)?.permissions().mode();
    let is_handed_over = credentials.is_some_and(|folder| is_within(path, folder));
    if mode & 0o077 != 0 && !is_handed_over {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "others can read it (mode {:o}); run `chmod 600` on it",
                mode & 0o777
            ),
        ));
    }
    fs::read(path)
}

fn is_within(path: &Path, folder: &Path) -> bool {
    let (path, folder) = (path.canonicalize(), folder.canonicalize());
    path.is_ok_and(|path| folder.is_ok_and(|folder| path.starts_with(folder)))
}

/// Removes `path` if it is there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// `path` with `suffix` added to its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_secret_that_others_can_read_is_refused_unless_the_service_manager_hands_it_over() {
        let folder = tempfile::tempdir().unwrap();
        let handed_over = folder.path().join("credentials");
        fs::create_dir(&handed_over).unwrap();
        for inside in [folder.path(), &handed_over] {
            let path = inside.join("secret");
            fs::write(&path, "horse").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
            let error = read_private_or(&path, None).unwrap_err().to_string();
            assert!(error.contains("(mode 440); run `chmod 600`"), "{error}");
            let is_ours = inside == handed_over;
            assert_eq!(read_private_or(&path, Some(&handed_over)).is_ok(), is_ours);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert_eq!(read_private_or(&path, None).unwrap(), b"horse");
        }
        let around = handed_over.join("../secret");
        fs::set_permissions(&around, fs::Permissions::from_mode(0o440)).unwrap();
        read_private_or(&around, Some(&handed_over)).unwrap_err();
    }

    #[test]
    fn what_is_private_is_nobody_elses_and_goes_through_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let [precious, link, plain] = ["precious", "link", "plain"].map(|name| folder.path().join(name));
        fs::write(&precious, "precious").unwrap();
        symlink(&precious, &link).unwrap();
        write_private(&link, b"bundle").unwrap_err();
        assert_eq!(fs::read(&precious).unwrap(), b"precious");

        fs::write(&plain, "older").unwrap();
        fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
        for _ in 0..2 {
            write_private(&plain, b"bundle").unwrap();
            assert_eq!(fs::read(&plain).unwrap(), b"bundle");
            assert_eq!(fs::metadata(&plain).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
