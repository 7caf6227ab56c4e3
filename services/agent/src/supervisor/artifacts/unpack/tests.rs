use std::fs;

use flate2::{Compression, write::GzEncoder};
use proptest::{collection::vec, prelude::*, sample::select};
use tar::{Builder, Header};

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
        ("a/link", EntryType::Symlink, "b/../../../evil"),
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

#[test]
fn a_link_after_a_link_does_not_lead_outside() {
    let archives: [&[(&str, &str)]; 2] = [
        // by its name `..` is below the root, by where it leads it is above
        &[("a/b/c/up", "../../.."), ("out", "a/b/c/up/../evil")],
        &[("a/x", ".."), ("a/x/y/out", "../../evil")],
    ];
    for links in archives {
        let pack = |builder: &mut Packer| {
            links.iter().for_each(|(path, target)| entry(builder, path, EntryType::Symlink, target, b""));
        };
        let (_directory, unpacked) = unpack(pack, 100);
        assert!(matches!(unpacked, Err(StoreError::Archive(_))), "{links:?}: {unpacked:?}");
    }
}

#[test]
fn a_head_that_would_fill_the_memory_is_refused() {
    let (_directory, unpacked) = unpack(
        |builder| {
            entry(builder, "././@LongLink", EntryType::GNULongName, "", &vec![b'a'; 2 << 20]);
            entry(builder, "short", EntryType::Regular, "", b"");
        },
        u64::MAX,
    );
    assert!(unpacked.unwrap_err().to_string().contains("too large"));
}

#[test]
fn a_place_is_taken_once() {
    for (path, kind) in [("a", EntryType::Regular), ("a/b", EntryType::Regular), (".", EntryType::Regular)] {
        let (_directory, unpacked) = unpack(
            |builder| {
                entry(builder, "a", EntryType::Regular, "", b"1");
                entry(builder, path, kind, "", b"2");
            },
            100,
        );
        assert!(matches!(unpacked, Err(StoreError::Archive(_))), "{path}: {unpacked:?}");
    }
}

fn path() -> impl Strategy<Value = String> {
    let part = select(vec!["a", "b", "c", "..", ".", "", "evil"]);
    vec(part, 1..5).prop_map(|parts| parts.join("/"))
}

fn kind() -> impl Strategy<Value = EntryType> {
    use EntryType::{Continuous, Directory, Fifo, Link, Regular, Symlink};
    select(vec![Regular, Regular, Symlink, Symlink, Symlink, Directory, Continuous, Link, Fifo])
}

/// Whether everything below a directory, links followed to their ends, is below the root.
fn all_inside(root: &Path, below: &Path) -> bool {
    fs::read_dir(below).unwrap().all(|entry| {
        let path = entry.unwrap().path();
        let leads = path.canonicalize().map_or(true, |end| end.starts_with(root));
        leads && (!path.is_dir() || path.is_symlink() || all_inside(root, &path))
    })
}

proptest! {
    #[test]
    fn nothing_lands_or_leads_outside(entries in vec((path(), kind(), path(), 0..9_usize), 1..9)) {
        let outer = tempfile::tempdir().unwrap();
        fs::write(outer.path().join("evil"), "before").unwrap();
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, kind, link, size) in &entries {
            let bytes = if kind.is_file() { &b"12345678"[..*size] } else { b"" };
            entry(&mut builder, path, *kind, link, bytes);
        }
        let bytes = builder.into_inner().unwrap().finish().unwrap();
        let root = outer.path().join("root");
        let unpacked = limited(bytes.as_slice(), &root, 40);
        prop_assert!(!matches!(unpacked, Err(StoreError::Io(_))), "{unpacked:?}");
        prop_assert_eq!(fs::read(outer.path().join("evil")).unwrap(), b"before");
        prop_assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 2);
        prop_assert!(all_inside(&root.canonicalize().unwrap(), &root), "{entries:?}");
    }

    #[test]
    fn what_is_no_archive_is_refused(bytes in vec(any::<u8>(), 0..2000), zipped in any::<bool>()) {
        let root = tempfile::tempdir().unwrap();
        let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
        zip.write_all(&bytes).unwrap();
        let given = if zipped { zip.finish().unwrap() } else { bytes };
        let unpacked = limited(given.as_slice(), &root.path().join("root"), 4000);
        // a few zeros are an archive without entries
        prop_assert!(matches!(unpacked, Ok(()) | Err(StoreError::Archive(_))), "{unpacked:?}");
    }

    #[test]
    fn an_archive_that_breaks_off_or_was_changed_is_refused_or_unpacked(at in any::<prop::sample::Index>(), cut in any::<bool>()) {
        let mut builder = Builder::new(Vec::new());
        for path in ["a/b", "c"] {
            let mut header = Header::new_gnu();
            header.set_size(700);
            header.set_mode(0o755);
            builder.append_data(&mut header, path, &[7; 700][..]).unwrap();
        }
        let mut tar = builder.into_inner().unwrap();
        let at = at.index(tar.len());
        if cut { tar.truncate(at) } else { tar[at] ^= 0xff }
        let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
        zip.write_all(&tar).unwrap();
        let root = tempfile::tempdir().unwrap();
        let unpacked = limited(zip.finish().unwrap().as_slice(), &root.path().join("root"), 4000);
        prop_assert!(matches!(unpacked, Ok(()) | Err(StoreError::Archive(_))), "{unpacked:?}");
    }
}
