//! The plan's canonical form.

use bellwether_plan::{ApplicationType, canonical};

use crate::fixtures::World;

#[test]
fn g18_same_inputs_same_bytes_and_digest() {
    let (one, two) = (World::new(ApplicationType::ECommerce), World::new(ApplicationType::ECommerce));
    assert_eq!(canonical(&one.plan().unwrap()), canonical(&two.plan().unwrap()));
    assert_eq!(one.plan().unwrap().digest(), two.plan().unwrap().digest());
}

#[test]
fn a_plan_survives_its_json_form_with_its_digest() {
    let plan = World::new(ApplicationType::BankingApi).serving().plan().unwrap();
    let again: bellwether_plan::Plan = serde_json::from_slice(&canonical(&plan)).unwrap();
    assert_eq!((again.digest(), &again), (plan.digest(), &plan));
}

#[test]
fn the_number_of_instances_is_not_part_of_it_and_everything_else_is() {
    let base = || World::new(ApplicationType::ECommerce);
    let digest = base().plan().unwrap().digest();
    let scaled = base().each_deployment(|deployment| deployment.instances += 3);
    assert_eq!(scaled.plan().unwrap().digest(), digest);
    let mut configured = base();
    configured.bundle.configuration.insert("FEATURE".into(), "on".into());
    assert_ne!(configured.plan().unwrap().digest(), digest);
    let mut later = base();
    later.application.generation += 1;
    assert_ne!(later.plan().unwrap().digest(), digest);
    let respecified = base().each_deployment(|deployment| deployment.spec.0["spec"]["env"] = "A".into());
    assert_ne!(respecified.plan().unwrap().digest(), digest);
}

#[test]
fn identity_is_what_runs_not_what_it_is_called() {
    let mut bundle = World::new(ApplicationType::Custom).bundle;
    let identity = bundle.identity();
    bundle.version = "2".into();
    bundle.notes = "new".into();
    bundle.commits.clear();
    assert_eq!(bundle.identity(), identity);
    bundle.configuration.insert("A".into(), "B".into());
    assert_ne!(bundle.identity(), identity);
}
