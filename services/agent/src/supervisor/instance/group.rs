//! Control groups of instances: version 2 where it has the controller, else version 1.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Below this each limited instance has a group.
const NAME: &str = "bellwether";
/// The period in which time on the processor is measured out, in microseconds.
const CPU_PERIOD: f64 = 100_000.0;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes.
    Memory,
    /// Time on processors.
    Cpu,
}

/// All of them.
pub const KINDS: [Kind; 2] = [Kind::Memory, Kind::Cpu];

/// The group of one instance.
#[derive(Debug)]
pub struct Group {
    /// The group that it is made in.
    base: PathBuf,
    id: String,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

// === impl Kind ===

impl Kind {
    fn controller(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
        }
    }
}

// === impl Group ===

impl Group {
    /// That of an instance, made or not.
    ///
    /// # Errors
    /// No hierarchy of this host has the controller.
    pub fn of(kind: Kind, id: &str) -> io::Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let found = two(&mounts, kind).or_else(|| one(&mounts, &own, kind));
        let (base, version) = found.ok_or_else(|| {
            io::Error::other(format!("no control group hierarchy has the controller {}", kind.controller()))
        })?;
        Ok(Self { base, id: id.to_owned(), version })
    }

    /// Makes it.
    ///
    /// # Errors
    /// The file system's: as a rule, this process may not.
    pub fn make(&self) -> io::Result<()> {
        let all = self.base.join(NAME);
        fs::create_dir_all(&all).map_err(|error| at(&all, &error))?;
        if self.version == Version::Two {
            for above in [&self.base, &all] {
                write(&above.join("cgroup.subtree_control"), "+memory +cpu")?;
            }
        }
        fs::create_dir_all(self.path()).map_err(|error| at(&self.path(), &error))
    }

    /// Limits its memory. Where it wants more and nothing can be freed, the system ends it.
    ///
    /// # Errors
    /// The file system's.
    pub fn limit_memory(&self, bytes: u64) -> io::Result<()> {
        match self.version {
            Version::One => write(&self.path().join("memory.limit_in_bytes"), &bytes.to_string()),
            Version::Two => {
                write(&self.path().join("memory.max"), &bytes.to_string())?;
                // half an instance is of no use
                write(&self.path().join("memory.oom.group"), "1")
            }
        }
    }

    /// Limits its time on processors to that of so many cores.
    ///
    /// # Errors
    /// The file system's.
    pub fn limit_cpu(&self, cores: f64) -> io::Result<()> {
        let quota = (cores * CPU_PERIOD).max(1_000.0);
        match self.version {
            Version::One => {
                write(&self.path().join("cpu.cfs_period_us"), &format!("{CPU_PERIOD:.0}"))?;
                write(&self.path().join("cpu.cfs_quota_us"), &format!("{quota:.0}"))
            }
            Version::Two => write(&self.path().join("cpu.max"), &format!("{quota:.0} {CPU_PERIOD:.0}")),
        }
    }

    /// Moves a process into it.
    ///
    /// # Errors
    /// The file system's; the process has ended.
    pub fn enter(&self, pid: i32) -> io::Result<()> {
        write(&self.path().join("cgroup.procs"), &pid.to_string())
    }

    /// How many processes the system has ended because of the limit of memory.
    pub fn killed_for_memory(&self) -> u64 {
        let file = match self.version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events",
        };
        killed(&fs::read_to_string(self.path().join(file)).unwrap_or_default())
    }

    /// Removes it; where it is not there or not empty, nothing happens.
    pub fn remove(&self) {
        let _ = fs::remove_dir(self.path());
    }

    fn path(&self) -> PathBuf {
        self.base.join(NAME).join(&self.id)
    }
}

/// The root of version 2, if it has the controller.
fn two(mounts: &str, kind: Kind) -> Option<(PathBuf, Version)> {
    let root = of_type(mounts, "cgroup2").map(|(place, _)| PathBuf::from(place)).next()?;
    let controllers = fs::read_to_string(root.join("cgroup.controllers")).ok()?;
    controllers.split_whitespace().any(|it| it == kind.controller()).then_some((root, Version::Two))
}

/// The group of this process in the hierarchy of version 1 that has the controller: what limits this process limits its
/// instances too.
fn one(mounts: &str, own: &str, kind: Kind) -> Option<(PathBuf, Version)> {
    let has = |list: &str| list.split(',').any(|it| it == kind.controller());
    let (root, _) = of_type(mounts, "cgroup").find(|(_, options)| has(options))?;
    let mut groups = own.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    let (_, group) = groups.find(|(controllers, _)| has(controllers))?;
    Some((Path::new(root).join(group.trim_start_matches('/')), Version::One))
}

/// Where file systems of a type are mounted, with their options.
fn of_type<'a>(mounts: &'a str, wanted: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    mounts.lines().filter_map(move |line| {
        let mut fields = line.split(' ').skip(1);
        let (place, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        (kind == wanted).then_some((place, options))
    })
}

/// The number after `oom_kill`.
fn killed(text: &str) -> u64 {
    let mut counts = text.lines().filter_map(|line| line.strip_prefix("oom_kill "));
    counts.find_map(|count| count.trim().parse().ok()).unwrap_or(0)
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    fs::write(file, text).map_err(|error| at(file, &error))
}

/// With the file's name: these errors are for people who have to find it.
fn at(file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n\
        cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu,cpuacct 0 0\n\
        cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\n\
        cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n";

    #[test]
    fn the_group_of_version_one_is_that_of_this_process() {
        let own = "4:memory:/system/agent\n1:cpu,cpuacct:/\n0::/\n";
        let place = |kind| one(MOUNTS, own, kind).map(|(path, _)| path);
        assert_eq!(place(Kind::Memory), Some("/sys/fs/cgroup/memory/system/agent".into()));
        assert_eq!(place(Kind::Cpu), Some("/sys/fs/cgroup/cpu/".into()));
        assert_eq!(one("", own, Kind::Cpu), None);
        assert_eq!(one(MOUNTS, "", Kind::Cpu), None);
    }

    #[test]
    fn kills_are_read_from_both_versions() {
        assert_eq!(killed("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), 3);
        assert_eq!(killed("low 0\nmax 7\noom 2\noom_kill 1\noom_group_kill 1\n"), 1);
        assert_eq!(killed(""), 0);
    }
}
