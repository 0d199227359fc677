//! Secrets in files.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// What is in `path`, which only its owner may read, or which systemd hands over to this service alone: that is readable by
/// a group that has nobody in it, and by an ACL which shows as that group's permission.
///
/// # Errors
/// If it cannot be read, or others can read it.
pub fn read_private(path: &Path) -> io::Result<Vec<u8>> {
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

#[cfg(test)]
mod tests {
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
}
