//! Unpacks an archive from somebody who may wish us ill: nothing lands outside, nothing is written through a link,
//! nothing but files, directories and links inside, no special permissions, no more than a disk can take.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink},
    path::{Component, Path, PathBuf},
};

use flate2::read::GzDecoder;
use tar::{Archive, Entry, EntryType};

use self::metered::{Budget, Metered};
use super::store::StoreError;

mod metered;

/// An entry's head, long names and all, is not larger; it is held in memory.
const MAX_HEAD_BYTES: u64 = 1 << 20;
const BUFFER: usize = 64 * 1024;
/// More unpacked bytes are refused.
const MAX_BYTES: u64 = 8 << 30;
/// More entries are refused.
const MAX_ENTRIES: usize = 200_000;

/// Unpacks a gzipped tar archive into a new directory.
///
/// # Errors
/// It is none, or holds something that is refused.
pub fn tar_gz(archive: impl Read, into: &Path) -> Result<(), StoreError> {
    limited(archive, into, MAX_BYTES)
}

fn limited(archive: impl Read, into: &Path, max_bytes: u64) -> Result<(), StoreError> {
    directory(into)?;
    let budget = Budget::default();
    budget.set(MAX_HEAD_BYTES);
    let mut archive = Archive::new(Metered::new(GzDecoder::new(archive), budget.clone()));
    let mut left = max_bytes;
    // links are made when every file is in its place, so that no file can be written through one
    let mut links = Vec::new();
    for (number, entry) in archive.entries().map_err(unreadable)?.enumerate() {
        if number == MAX_ENTRIES {
            return Err(refused("too many entries"));
        }
        let mut entry = entry.map_err(unreadable)?;
        let path = inside(&entry.path().map_err(unreadable)?)?;
        match entry.header().entry_type() {
            EntryType::Directory => directory(&into.join(path))?,
            EntryType::Regular | EntryType::Continuous => {
                budget.set(u64::MAX);
                file(&mut entry, &into.join(path), &mut left)?;
            }
            EntryType::Symlink => {
                let target = entry.link_name().map_err(unreadable)?;
                let target = target.ok_or_else(|| refused("a link to nothing"))?.into_owned();
                stays_inside(&path, &target)?;
                links.push((into.join(path), target));
            }
            EntryType::XGlobalHeader | EntryType::XHeader => {}
            other => return Err(refused(&format!("{} is of the kind {other:?}", path.display()))),
        }
        budget.set(MAX_HEAD_BYTES);
    }
    links.into_iter().try_for_each(|(path, target)| link(into, &path, &target))
}

fn link(into: &Path, path: &Path, target: &Path) -> Result<(), StoreError> {
    let below = path.parent().unwrap_or(path);
    directory(below)?;
    // its target was read as from here; a link on the way would have it read as from elsewhere
    if below.canonicalize()? != into.canonicalize()?.join(below.strip_prefix(into).unwrap_or(below)) {
        return Err(refused(&format!("{} lies behind a link", path.display())));
    }
    symlink(target, path).map_err(|error| not_placed(error, path))
}

fn file(entry: &mut Entry<'_, impl Read>, path: &Path, left: &mut u64) -> Result<(), StoreError> {
    path.parent().map_or(Ok(()), directory)?;
    let executable = entry.header().mode().map_err(unreadable)? & 0o100 != 0;
    let mode = if executable { 0o755 } else { 0o644 };
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = file.map_err(|error| not_placed(error, path))?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = entry.read(&mut buffer).map_err(unreadable)?;
        if read == 0 {
            return Ok(file.sync_all()?);
        }
        // the header's size is only a claim
        *left = left.checked_sub(read as u64).ok_or_else(|| refused("it unpacks to too much"))?;
        file.write_all(buffer.get(..read).unwrap_or_default())?;
    }
}

fn directory(path: &Path) -> Result<(), StoreError> {
    let made = DirBuilder::new().recursive(true).mode(0o755).create(path);
    made.map_err(|error| not_placed(error, path))
}

/// The path, if it is a plain one below the root.
fn inside(path: &Path) -> Result<PathBuf, StoreError> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(refused(&format!("{} leads outside", path.display())));
            }
        }
    }
    Ok(plain)
}

/// Whether a link's target, read from where the link is, never leaves the root. Upwards leads only its beginning: after a
/// name that is a link itself, `..` would be the directory above that one's target.
fn stays_inside(link: &Path, target: &Path) -> Result<(), StoreError> {
    let leaves = || refused(&format!("{} leads outside", link.display()));
    let above = target.components().take_while(|part| *part == Component::ParentDir).count();
    let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    if above >= link.components().count() || !target.components().skip(above).all(plain) {
        return Err(leaves());
    }
    Ok(())
}

/// The archive is broken off, or is none.
fn unreadable(error: io::Error) -> StoreError {
    refused(&format!("it cannot be read: {error}"))
}

/// The archive names one place twice, or as a file and as a directory; or the file system fails.
fn not_placed(error: io::Error, path: &Path) -> StoreError {
    use io::ErrorKind::{AlreadyExists, InvalidFilename, InvalidInput, IsADirectory, NotADirectory};
    match error.kind() {
        AlreadyExists | InvalidFilename | InvalidInput | IsADirectory | NotADirectory => {
            refused(&format!("{} cannot be placed: {error}", path.display()))
        }
        _ => StoreError::Io(error),
    }
}

fn refused(text: &str) -> StoreError {
    StoreError::Archive(text.to_owned())
}

#[cfg(test)]
mod tests;
