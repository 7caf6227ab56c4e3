//! Bundles.

use bellwether_proto::{
    executor::v1::{self as executor, artifact::Source},
    planner::v1 as pb,
};
use bellwether_resource::Violations;

use super::deployment::{strategy, variables};

/// What is released, in the field `bundle`.
pub(crate) fn bundle(violations: &mut Violations, given: &pb::Bundle) {
    violations.text("version", &given.version, 1..=128);
    // it stands in lines that people read, and in the environment of instances
    let printable = !given.version.contains(char::is_control);
    violations.check(printable, "version", format!("{:?}", given.version), "no control characters");
    if let Some(given) = &given.artifact {
        violations.within("artifact", |violations| artifact(violations, given));
    }
    violations.text("purl", &given.purl, 0..=512);
    variables(violations, "configuration", &given.configuration);
    violations.check(given.migrations.len() <= 64, "migrations", given.migrations.len(), "at most 64");
    for (index, migration) in given.migrations.iter().enumerate() {
        let distinct = given.migrations.iter().take(index).all(|other| other.id != migration.id);
        violations.element("migrations", index, |violations| {
            violations.text("id", &migration.id, 1..=128);
            violations.check(distinct, "id", format!("{:?}", migration.id), "distinct within the release");
            violations.text("description", &migration.description, 0..=4000);
        });
    }
    violations.check(given.notes.len() <= 64 * 1024, "notes", given.notes.len(), "at most 65536 bytes");
    violations.check(given.commits.len() <= 1000, "commits", given.commits.len(), "at most 1000");
    for (index, commit) in given.commits.iter().enumerate() {
        violations.element("commits", index, |violations| {
            violations.text("id", &commit.id, 1..=128);
            violations.text("author", &commit.author, 0..=255);
            violations.timestamp("time", commit.time.as_ref());
        });
    }
    violations.enumeration::<pb::ChangeType>("change_type", given.change_type);
    if let Some(given) = &given.strategy {
        violations.within("strategy", |violations| strategy(violations, given));
    }
}

/// What runs is what was approved.
fn pinned(violations: &mut Violations, given: &executor::Artifact) {
    let allowed = "the sha256 of the artifact's bytes: what runs is what was approved";
    violations.check(!given.digest.is_empty(), "digest", "nothing", allowed);
}

fn artifact(violations: &mut Violations, given: &executor::Artifact) {
    violations.text("name", &given.name, 0..=128);
    let hex = given.digest.strip_prefix("sha256:").unwrap_or(&given.digest);
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let right = given.digest.is_empty() || (hex.len() == 64 && hex.bytes().all(digit));
    violations.check(right, "digest", format!("{:?}", given.digest), "a sha256 in 64 lower-case hex digits");
    match &given.source {
        None => violations.add("source", "nothing", "path, uploaded or image"),
        Some(Source::Path(path)) => {
            violations.check(path.starts_with('/'), "path", format!("{path:?}"), "an absolute path");
            pinned(violations, given);
        }
        Some(Source::Uploaded(_)) => pinned(violations, given),
        Some(Source::Image(image)) => {
            violations.text("image", image, 1..=512);
        }
    }
}
