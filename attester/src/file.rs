//! Small files that are there wholly or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process,
};

/// Puts `content` in the place of `path`, which only its owner may read, and syncs it to disk: after a power cut there is
/// the old file or the new one.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = beside(path, ".new");
    write_new(&temporary, content)?;
    fs::rename(&temporary, path)?;
    sync_folder_of(path)
}

/// Puts `content` where nothing is yet, as `replace` does: wholly or not at all.
///
/// # Errors
/// `AlreadyExists` if something is there; that stays as it is. Also where the file system has no hard links, as FAT has none.
pub(crate) fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    // Not another process's, which may be at the same.
    let temporary = beside(path, &format!(".new-{}", process::id()));
    let written = write_new(&temporary, content).and_then(|()| fs::hard_link(&temporary, path));
    let removed = remove(&temporary);
    written.and(removed)?;
    sync_folder_of(path)
}

/// As `replace`, where nothing but a plain file may stand in the way. A link is not followed.
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

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    // One that a crash left behind may be anybody's.
    remove(path)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_is_created_is_whole_alone_and_never_in_the_place_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        // Cut short by a crash of a process with our number.
        let left = beside(&path, &format!(".new-{}", process::id()));
        fs::write(&left, "ke").unwrap();
        create(&path, b"key").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let error = create(&path, b"another").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"key");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );

        let error = create(&folder.path().join("none/key"), b"key").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
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
