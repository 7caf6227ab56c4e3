//! Long paths for local sockets.

use std::{
    collections::HashMap,
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// A short path to the same file, by way of its directory, which stays open for as long as this process runs.
///
/// # Errors
/// The directory cannot be opened.
pub fn of(path: &Path) -> io::Result<PathBuf> {
    static OPEN: Mutex<Option<HashMap<PathBuf, File>>> = Mutex::new(None);
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(path.to_owned());
    };
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let open = open.get_or_insert_default();
    let fd = match open.get(directory) {
        Some(file) => file.as_raw_fd(),
        None => open.entry(directory.to_owned()).or_insert(File::open(directory)?).as_raw_fd(),
    };
    Ok(PathBuf::from(format!("/proc/self/fd/{fd}")).join(name))
}
