//! Compiles `proto/` without protoc: protox parses, tonic-prost-build and pbjson-build generate.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

/// Every contract; a new file is added here.
const FILES: &[&str] = &[
    "bellwether/agent/v1/desired.proto",
    "bellwether/agent/v1/service.proto",
    "bellwether/common/v1/permission.proto",
    "bellwether/common/v1/resource.proto",
    "bellwether/common/v1/watch.proto",
    "bellwether/executor/v1/fleet.proto",
    "bellwether/executor/v1/rollout.proto",
    "bellwether/executor/v1/service.proto",
    "bellwether/executor/v1/strategy.proto",
    "bellwether/executor/v1/target.proto",
    "bellwether/monitor/v1/analysis.proto",
    "bellwether/monitor/v1/health_policy.proto",
    "bellwether/monitor/v1/samples.proto",
    "bellwether/monitor/v1/service.proto",
    "bellwether/monitor/v1/source.proto",
    "bellwether/notifier/v1/delivery.proto",
    "bellwether/notifier/v1/routing.proto",
    "bellwether/notifier/v1/service.proto",
    "bellwether/planner/v1/application.proto",
    "bellwether/planner/v1/catalog.proto",
    "bellwether/planner/v1/commands.proto",
    "bellwether/planner/v1/environment.proto",
    "bellwether/planner/v1/plan.proto",
    "bellwether/planner/v1/release.proto",
    "bellwether/planner/v1/service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_source_info(true).include_imports(true).open_files(FILES)?;
    // the extension on methods survives only in the encoded form: prost-types knows no extensions
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    let descriptors = compiler.file_descriptor_set();

    let mut config = tonic_prost_build::Config::new();
    config.extern_path(".google.protobuf", "::pbjson_types").compile_well_known_types();
    tonic_prost_build::configure()
        .build_transport(true)
        .compile_fds_with_config(descriptors.clone(), config)?;

    pbjson_build::Builder::new()
        .register_descriptors(&descriptors.encode_to_vec())?
        .build(&[".bellwether"])?;
    Ok(())
}
