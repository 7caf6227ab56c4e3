//! The secret by which Bellwether's own services know each other.

use std::{io, path::Path};

use bellwether_clock::Env;

use crate::{generate_secret, private_file};

/// The service token of this file, made with mode 0600 where the file is absent. Processes that start together on
/// one data directory, be it from containers that share it, end up with the same.
///
/// # Errors
/// I/O errors; PermissionDenied where others than its owner may read the file; InvalidData where it is empty.
pub fn ensure_service_token(path: &Path, env: &Env) -> io::Result<String> {
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // whoever was first has made it
            private_file::create(path, generate_secret(env).as_bytes())?;
            read(path)
        }
        other => other,
    }
}

fn read(path: &Path) -> io::Result<String> {
    let text = private_file::read(path)?;
    match text.trim() {
        "" => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty; remove it to have another one made"))
        }
        token => Ok(token.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, fs, os::unix::fs::PermissionsExt as _, sync::Barrier, thread};

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

    /// Threads have one process id, as the first processes of containers have.
    #[test]
    fn those_who_start_together_have_the_same() {
        const TOGETHER: usize = 16;
        for _ in 0..50 {
            let dir = tempfile::tempdir().unwrap();
            let (path, barrier) = (dir.path().join("service.token"), Barrier::new(TOGETHER));
            let start = || {
                barrier.wait();
                ensure_service_token(&path, &Env::system()).unwrap()
            };
            let tokens: HashSet<String> = thread::scope(|scope| {
                let threads: Vec<_> = (0..TOGETHER).map(|_| scope.spawn(start)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(tokens.len(), 1);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        }
    }

    #[test]
    fn one_who_died_while_making_it_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("service.token");
        let left = dir.path().join(format!("service.token.{}.0.new", std::process::id()));
        fs::write(&left, "half").unwrap();
        assert!(ensure_service_token(&path, &Env::system()).unwrap().starts_with("bw_"));
    }

    #[test]
    fn an_empty_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("service.token");
        fs::write(&path, "\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let error = ensure_service_token(&path, &Env::system()).unwrap_err();
        assert!(error.to_string().contains("it is empty"), "{error}");
    }
}
