//! Everything that one supervisor looks after.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    ops::RangeInclusive,
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    sync::Arc,
};

use bellwether_clock::Env;
use tokio::sync::RwLock;

use super::{
    artifacts::{Artifacts, Pins},
    instance::{Context, Record},
    ports::Ports,
    routing::{Gateway, Program},
    target::{File, Target, TargetError, is_name},
    wake::Wake,
};
use crate::durable::{self, FileError};

/// Where a supervisor has its files and what it may use.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The data directory.
    pub directory: PathBuf,
    /// Ports for instances.
    pub ports: RangeInclusive<u16>,
    /// The program to start as a gateway.
    pub program: Program,
}

/// Everything that one supervisor looks after.
#[derive(Debug)]
pub struct Host {
    context: Arc<Context>,
    gateway: Arc<Gateway>,
    directory: PathBuf,
    targets: RwLock<BTreeMap<String, Arc<Target>>>,
}

// === impl Host ===

impl Host {
    /// Takes over what an earlier supervisor has left: the gateway, the targets, their instances.
    ///
    /// # Errors
    /// The data directory cannot be used.
    pub async fn open(layout: Layout, env: Env) -> Result<Arc<Self>, FileError> {
        let Layout { directory, ports, program } = layout;
        make(&directory).map_err(|source| FileError::Io { path: directory.clone(), source })?;
        let wake = Arc::new(Wake::default());
        let context = Arc::new(Context {
            records: directory.join("instances"),
            logs: directory.join("logs"),
            ports: Ports::new(ports, env.clone()),
            artifacts: Artifacts::new(directory.join("artifacts")),
            pins: Pins::new(directory.join("pins")),
            wake: wake.clone(),
            env: env.clone(),
        });
        let gateway = Gateway::at(directory.join("gateway"), program, env, wake).await?;
        let host =
            Self { context, gateway, directory: directory.join("targets"), targets: RwLock::default() };
        host.adopt().await?;
        Ok(Arc::new(host))
    }

    /// A target that is known.
    ///
    /// # Errors
    /// It is not.
    pub async fn target(&self, name: &str) -> Result<Arc<Target>, TargetError> {
        let known = self.targets.read().await.get(name).cloned();
        known.ok_or_else(|| TargetError::Unknown(name.to_owned()))
    }

    /// A target, known or not.
    ///
    /// # Errors
    /// This is no target's name.
    pub async fn target_or_new(&self, name: &str) -> Result<Arc<Target>, TargetError> {
        if !is_name(name) {
            return Err(TargetError::Name(name.to_owned()));
        }
        let mut targets = self.targets.write().await;
        if let Some(target) = targets.get(name) {
            return Ok(target.clone());
        }
        let target = Target::new(name, &self.directory, self.context.clone(), self.gateway.clone()).await;
        targets.insert(name.to_owned(), target.clone());
        Ok(target)
    }

    /// Every target.
    pub async fn targets(&self) -> Vec<Arc<Target>> {
        self.targets.read().await.values().cloned().collect()
    }

    /// The gateway.
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// What can be run.
    pub fn artifacts(&self) -> &Artifacts {
        &self.context.artifacts
    }

    /// The clock.
    pub fn env(&self) -> &Env {
        &self.context.env
    }

    /// The artifacts that some target needs.
    pub async fn artifacts_in_use(&self) -> BTreeSet<String> {
        let mut in_use = BTreeSet::new();
        for target in self.targets().await {
            in_use.extend(target.artifacts().await);
        }
        in_use
    }

    /// Ends everything: the gateway first, then all instances, each after its grace.
    pub async fn end(&self) {
        self.gateway.end().await;
        futures::future::join_all(self.targets().await.iter().map(|target| target.end())).await;
    }

    async fn adopt(&self) -> Result<(), FileError> {
        let (files, bad) = durable::load_all::<File>(&self.directory)?;
        let mut records: BTreeMap<String, Vec<Record>> = BTreeMap::new();
        for record in durable::load_all::<Record>(&self.context.records)?.0 {
            records.entry(record.target.clone()).or_default().push(record);
        }
        let named = |name: &String| File { name: name.clone(), ..File::default() };
        let mut found: BTreeMap<String, (File, Option<FileError>)> = BTreeMap::new();
        for (name, error) in bad.into_iter().filter_map(|bad| Some((name_of(&bad.path)?, bad.error))) {
            found.insert(name.clone(), (named(&name), Some(error)));
        }
        for file in files.into_iter().filter(|file| is_name(&file.name)) {
            found.insert(file.name.clone(), (file, None));
        }
        // an instance without a target is one that nobody wishes for
        for name in records.keys().filter(|name| is_name(name)) {
            found.entry(name.clone()).or_insert_with(|| (named(name), None));
        }
        let mut targets = self.targets.write().await;
        for (name, (file, unreadable)) in found {
            let records = records.remove(&name).unwrap_or_default();
            let (context, gateway) = (self.context.clone(), self.gateway.clone());
            let target = Target::open(file, unreadable, records, &self.directory, context, gateway).await;
            targets.insert(name, target);
        }
        Ok(())
    }
}

/// The name of the target whose file this is; none: no target's.
fn name_of(file: &std::path::Path) -> Option<String> {
    Some(format!("targets/{}", file.file_stem()?.to_str()?)).filter(|name| is_name(name))
}

/// Only for this user: environment variables of instances lie here.
fn make(directory: &std::path::Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}
