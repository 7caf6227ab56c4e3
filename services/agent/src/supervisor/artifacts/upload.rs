//! One upload, from its header to the rename that makes it an artifact.

use std::{
    fs::{self, File, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Component, Path, PathBuf},
};

use bellwether_clock::Env;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{
    digest,
    meta::{Format, Meta},
    store::{Artifacts, StoreError, manifest},
    unpack,
};

/// A larger artifact is refused.
const MAX_BYTES: u64 = 4 << 30;

/// What comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// sha256 in hex of the bytes.
    pub digest: String,
    /// How many bytes.
    pub size_bytes: u64,
    /// What they are.
    pub format: Format,
    /// The target that it is for.
    pub target: String,
    /// The file to run of an archive.
    pub entry_point: String,
}

/// An upload under way. Dropped before its end it leaves nothing behind.
#[derive(Debug)]
pub struct Upload {
    store: Artifacts,
    header: Header,
    directory: TempDir,
    file: File,
    hash: Sha256,
    received: u64,
}

// === impl Artifacts ===

impl Artifacts {
    /// Begins an upload; none: the artifact is stored already, and now also for this target.
    ///
    /// # Errors
    /// The header makes no sense; the file system's.
    pub fn begin(&self, header: Header, env: &Env) -> Result<Option<Upload>, StoreError> {
        header.check()?;
        if let Ok(mut meta) = self.meta(&header.digest) {
            meta.targets.insert(header.target, env.now());
            write_meta(&self.place(&meta.digest), &meta)?;
            return Ok(None);
        }
        fs::create_dir_all(self.incoming())?;
        let directory = tempfile::tempdir_in(self.incoming())?;
        let file = File::create(directory.path().join("blob"))?;
        Ok(Some(Upload { store: self.clone(), header, directory, file, hash: Sha256::new(), received: 0 }))
    }
}

// === impl Upload ===

impl Upload {
    /// The next bytes.
    ///
    /// # Errors
    /// More than the header says; the file system's.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.received += bytes.len() as u64;
        if self.received > self.header.size_bytes {
            return Err(StoreError::Header(format!("more than {} bytes came", self.header.size_bytes)));
        }
        self.hash.update(bytes);
        Ok(self.file.write_all(bytes)?)
    }

    /// Checks the bytes and makes them an artifact, whole or not at all.
    ///
    /// # Errors
    /// Other bytes than the header says; an archive that must not be unpacked; the file system's.
    pub fn finish(self, env: &Env) -> Result<(), StoreError> {
        let found = hex::encode(self.hash.finalize());
        if found != self.header.digest {
            return Err(StoreError::Mismatch { found, wanted: self.header.digest });
        }
        self.file.sync_all()?;
        let root = self.directory.path();
        let blob = root.join("blob");
        let entry_point = match self.header.format {
            Format::Executable => PathBuf::from("blob"),
            Format::TarGz => {
                unpack::tar_gz(File::open(&blob)?, &root.join("root"))?;
                fs::remove_file(&blob)?;
                Path::new("root").join(&self.header.entry_point)
            }
        };
        let runs = root.join(&entry_point);
        // through links it could be a file of somebody else
        let real = runs.canonicalize().unwrap_or_default();
        if !real.is_file() || !real.starts_with(root.canonicalize()?) {
            return Err(StoreError::Archive(format!("it holds no file {}", self.header.entry_point)));
        }
        fs::set_permissions(&runs, Permissions::from_mode(0o755))?;
        let mut meta = Meta { digest: found, format: self.header.format, entry_point, ..Meta::default() };
        manifest(root, root, &mut meta)?;
        meta.targets.insert(self.header.target, env.now());
        write_meta(root, &meta)?;
        let place = self.store.place(&meta.digest);
        let whole = self.directory.keep();
        fs::set_permissions(&whole, Permissions::from_mode(0o755))?;
        match fs::rename(&whole, &place) {
            // another upload of the same bytes was faster
            Err(_) if place.exists() => Ok(fs::remove_dir_all(whole)?),
            renamed => Ok(renamed?),
        }
    }
}

// === impl Header ===

impl Header {
    fn check(&self) -> Result<(), StoreError> {
        let wrong = |text: &str| Err(StoreError::Header(text.into()));
        if !digest::is_digest(&self.digest) {
            return wrong("digest must be a sha256 in lower-case hex");
        }
        if self.size_bytes == 0 || self.size_bytes > MAX_BYTES {
            return wrong("size_bytes must be 1 to 4 GiB");
        }
        let entry = Path::new(&self.entry_point);
        let inside = entry.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if self.format == Format::TarGz && (self.entry_point.is_empty() || !inside) {
            return wrong("entry_point must be a path inside the archive");
        }
        Ok(())
    }
}

fn write_meta(directory: &Path, meta: &Meta) -> Result<(), StoreError> {
    let bytes = serde_json::to_vec(meta).map_err(std::io::Error::other)?;
    let next = directory.join("meta.next");
    fs::write(&next, bytes)?;
    Ok(fs::rename(next, directory.join("meta.json"))?)
}
