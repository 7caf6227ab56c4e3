//! An instance's output: a file that the process writes to itself, so that it goes on when the supervisor is gone.

use std::{
    fs::{File, OpenOptions, create_dir_all, remove_dir_all},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::Stdio,
};

use uuid::Uuid;

/// A larger file is moved aside.
const ROTATE_BYTES: u64 = 16 * 1024 * 1024;
/// As much of a file's end is searched for lines.
const TAIL_BYTES: u64 = 1024 * 1024;
/// A longer line is cut.
const MAX_LINE: usize = 16 * 1024;

/// The files of one instance's output.
#[derive(Clone, Debug)]
pub struct Log {
    directory: PathBuf,
}

/// A place in an output from which it is read on.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    offset: u64,
    partial: Vec<u8>,
}

// === impl Log ===

impl Log {
    /// Of the instance `id`, below `directory`.
    pub fn new(directory: &Path, id: Uuid) -> Self {
        Self { directory: directory.join(id.to_string()) }
    }

    /// For a process to write to: always at the end, also after the file was emptied.
    ///
    /// # Errors
    /// The file system's.
    pub fn writer(&self) -> io::Result<(Stdio, Stdio)> {
        create_dir_all(&self.directory)?;
        let file = OpenOptions::new().create(true).append(true).open(self.current())?;
        Ok((file.try_clone()?.into(), file.into()))
    }

    /// Moves the content of a large file aside and empties it, where its writer cannot be told to open another. Lines
    /// that are written in between are lost.
    ///
    /// # Errors
    /// The file system's.
    pub fn rotate(&self) -> io::Result<()> {
        let current = self.current();
        if current.metadata().map_or(0, |file| file.len()) < ROTATE_BYTES {
            return Ok(());
        }
        std::fs::copy(&current, self.directory.join("output.1"))?;
        OpenOptions::new().write(true).open(&current)?.set_len(0)
    }

    /// The last lines, at most `count`, and the place after them.
    pub fn tail(&self, count: usize) -> (Vec<String>, Tail) {
        let mut tail = Tail { path: self.current(), offset: 0, partial: Vec::new() };
        let length = self.current().metadata().map_or(0, |file| file.len());
        tail.offset = length.saturating_sub(TAIL_BYTES);
        let whole = tail.offset == 0;
        let mut lines = tail.read();
        // the search may have begun inside a line
        let first = usize::from(!whole && !lines.is_empty()).max(lines.len().saturating_sub(count));
        (lines.split_off(first), tail)
    }

    /// Removes the files.
    pub fn remove(&self) {
        // a log that cannot be removed harms nobody
        let _ = remove_dir_all(&self.directory);
    }

    fn current(&self) -> PathBuf {
        self.directory.join("output")
    }
}

// === impl Tail ===

impl Tail {
    /// The lines since the last call; none where the file is gone.
    pub fn read(&mut self) -> Vec<String> {
        let bytes = self.read_bytes().unwrap_or_default();
        self.partial.extend(bytes);
        let mut lines = Vec::new();
        while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            lines.push(text(line.strip_suffix(b"\n").unwrap_or(&line)));
        }
        if self.partial.len() > MAX_LINE {
            lines.push(text(&std::mem::take(&mut self.partial)));
        }
        lines
    }

    fn read_bytes(&mut self) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        if length < self.offset {
            // it was moved aside
            self.offset = 0;
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        let read = file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        self.offset += read as u64;
        Ok(bytes)
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line.get(..MAX_LINE).unwrap_or(line)).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_last_lines_and_then_the_new_ones() {
        let directory = tempfile::tempdir().unwrap();
        let log = Log::new(directory.path(), Uuid::nil());
        drop(log.writer().unwrap());
        let mut file = OpenOptions::new().append(true).open(log.current()).unwrap();
        writeln!(file, "one\ntwo\nthree").unwrap();
        let (lines, mut tail) = log.tail(2);
        assert_eq!(lines, ["two", "three"]);
        write!(file, "fo").unwrap();
        assert!(tail.read().is_empty());
        writeln!(file, "ur").unwrap();
        assert_eq!(tail.read(), ["four"]);
        file.set_len(0).unwrap();
        writeln!(file, "anew").unwrap();
        assert_eq!(tail.read(), ["anew"]);
    }

    #[test]
    fn a_large_file_is_moved_aside() {
        let directory = tempfile::tempdir().unwrap();
        let log = Log::new(directory.path(), Uuid::nil());
        drop(log.writer().unwrap());
        let file = OpenOptions::new().append(true).open(log.current()).unwrap();
        file.set_len(ROTATE_BYTES).unwrap();
        log.rotate().unwrap();
        assert_eq!(log.current().metadata().unwrap().len(), 0);
        assert_eq!(
            directory.path().join(Uuid::nil().to_string()).join("output.1").metadata().unwrap().len(),
            ROTATE_BYTES
        );
    }
}
