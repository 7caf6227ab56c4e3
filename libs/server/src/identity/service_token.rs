//! The secret by which Bellwether's own services know each other.

use std::{io, path::Path};

use bellwether_clock::Env;

use crate::{generate_secret, private_file};

/// The service token of this file, made with mode 0600 where the file is absent. Processes that start together on
/// one data directory end up with the same.
///
/// # Errors
/// I/O errors; PermissionDenied where others than its owner may read the file.
pub fn ensure_service_token(path: &Path, env: &Env) -> io::Result<String> {
    match private_file::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            private_file::create(path, generate_secret(env).as_bytes())?;
            Ok(private_file::read(path)?.trim().to_owned())
        }
        other => Ok(other?.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn the_first_one_makes_it_and_everybody_gets_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("service.token");
        let env = Env::system();
        let first = ensure_service_token(&path, &env).unwrap();
        assert_eq!(ensure_service_token(&path, &env).unwrap(), first);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn one_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("service.token");
        fs::write(&path, "bw_x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = ensure_service_token(&path, &Env::system()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
}
