//! Unpacks an archive from somebody who may wish us ill: nothing lands outside, nothing is written through a link,
//! nothing but files, directories and links inside, no special permissions, no more than a disk can take.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink},
    path::{Component, Path, PathBuf},
};

use flate2::read::GzDecoder;
use tar::{Archive, Entry, EntryType};

use super::store::StoreError;

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
    let mut archive = Archive::new(GzDecoder::new(archive));
    let mut left = max_bytes;
    // links are made when every file is in its place, so that no file can be written through one
    let mut links = Vec::new();
    for (number, entry) in archive.entries()?.enumerate() {
        if number == MAX_ENTRIES {
            return Err(refused("too many entries"));
        }
        let mut entry = entry?;
        let path = inside(&entry.path()?)?;
        match entry.header().entry_type() {
            EntryType::Directory => directory(&into.join(path))?,
            EntryType::Regular | EntryType::Continuous => file(&mut entry, &into.join(path), &mut left)?,
            EntryType::Symlink => {
                let target = entry.link_name()?.ok_or_else(|| refused("a link to nothing"))?.into_owned();
                stays_inside(&path, &target)?;
                links.push((into.join(path), target));
            }
            EntryType::XGlobalHeader | EntryType::XHeader => {}
            other => return Err(refused(&format!("{} is of the kind {other:?}", path.display()))),
        }
    }
    for (path, target) in links {
        path.parent().map_or(Ok(()), directory)?;
        symlink(target, path)?;
    }
    Ok(())
}

fn file(entry: &mut Entry<'_, impl Read>, path: &Path, left: &mut u64) -> Result<(), StoreError> {
    path.parent().map_or(Ok(()), directory)?;
    let executable = entry.header().mode()? & 0o100 != 0;
    let mode = if executable { 0o755 } else { 0o644 };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    // the header's size is only a claim
    let copied = io::copy(&mut entry.take(left.saturating_add(1)), &mut file)?;
    *left = left.checked_sub(copied).ok_or_else(|| refused("it unpacks to too much"))?;
    Ok(file.sync_all()?)
}

fn directory(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o755).create(path).map_err(StoreError::Io)
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

/// Whether a link's target, read from where the link is, never leaves the root.
fn stays_inside(link: &Path, target: &Path) -> Result<(), StoreError> {
    let leaves = || refused(&format!("{} leads outside", link.display()));
    let mut depth = link.components().count().saturating_sub(1);
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => depth = depth.checked_sub(1).ok_or_else(leaves)?,
            Component::RootDir | Component::Prefix(_) => return Err(leaves()),
        }
    }
    Ok(())
}

fn refused(text: &str) -> StoreError {
    StoreError::Archive(text.to_owned())
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};
    use tar::{Builder, Header};

    use std::fs;

    use super::*;

    type Packer = Builder<GzEncoder<Vec<u8>>>;

    fn unpack(pack: impl FnOnce(&mut Packer), max_bytes: u64) -> (tempfile::TempDir, Result<(), StoreError>) {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        pack(&mut builder);
        let bytes = builder.into_inner().unwrap().finish().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let unpacked = limited(bytes.as_slice(), &directory.path().join("root"), max_bytes);
        (directory, unpacked)
    }

    /// With the path as it is: the builder itself would refuse the bad ones.
    fn entry(builder: &mut Packer, path: &str, kind: EntryType, link: &str, bytes: &[u8]) {
        let mut header = Header::new_gnu();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o4755);
        header.set_cksum();
        builder.append(&header, bytes).unwrap();
    }

    #[test]
    fn files_directories_and_inner_links_are_unpacked() {
        use std::os::unix::fs::PermissionsExt;
        let (directory, unpacked) = unpack(
            |builder| {
                entry(builder, "bin/shop", EntryType::Regular, "", b"#!/bin/sh\n");
                entry(builder, "current", EntryType::Symlink, "bin/shop", b"");
            },
            100,
        );
        unpacked.unwrap();
        let root = directory.path().join("root");
        assert_eq!(fs::read(root.join("current")).unwrap(), b"#!/bin/sh\n");
        assert_eq!(root.join("bin/shop").metadata().unwrap().permissions().mode() & 0o7777, 0o755);
    }

    #[test]
    fn what_leads_outside_is_refused() {
        for (path, kind, link) in [
            ("../evil", EntryType::Regular, ""),
            ("/evil", EntryType::Regular, ""),
            ("a/../../evil", EntryType::Regular, ""),
            ("link", EntryType::Symlink, "/etc/passwd"),
            ("a/link", EntryType::Symlink, "../../evil"),
            ("hard", EntryType::Link, "/etc/passwd"),
            ("device", EntryType::Char, ""),
        ] {
            let (directory, unpacked) = unpack(|builder| entry(builder, path, kind, link, b""), 100);
            assert!(matches!(unpacked, Err(StoreError::Archive(_))), "{path}: {unpacked:?}");
            assert!(!directory.path().join("evil").exists());
        }
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let (directory, unpacked) = unpack(
            |builder| {
                entry(builder, "inner/file", EntryType::Regular, "", b"old");
                entry(builder, "link", EntryType::Symlink, "inner", b"");
                entry(builder, "link/file", EntryType::Regular, "", b"new");
            },
            100,
        );
        assert!(unpacked.is_err());
        assert_eq!(fs::read(directory.path().join("root/inner/file")).unwrap(), b"old");
    }

    #[test]
    fn a_bomb_is_refused() {
        let (_directory, unpacked) =
            unpack(|builder| entry(builder, "zeros", EntryType::Regular, "", &[0; 5000]), 4999);
        assert!(unpacked.unwrap_err().to_string().contains("too much"));
    }
}
