//! Unary calls: what they take along, and when they are made again.

use std::{collections::HashMap, time::Duration};

use bellwether_client::{Calls, Transport};
use bellwether_clock::Env;
use bellwether_proto::executor::v1::{
    GetTargetRequest, GetTargetResponse, executor_service_client::ExecutorServiceClient,
};
use bellwether_server::{Kind, Role};
use tonic::{Code, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    fake::Fake,
    harness::{Running, start},
};

fn named(name: &str) -> GetTargetRequest {
    GetTargetRequest { name: name.into() }
}

async fn get(client: &ExecutorServiceClient<Transport>) -> Result<Response<GetTargetResponse>, Status> {
    client.clone().get_target(named("targets/shop@production")).await
}

async fn start_refusing(refusals: Vec<Status>) -> (Fake, Running) {
    let fake = Fake::default();
    fake.refusals.lock().unwrap().extend(refusals);
    (fake.clone(), start(fake).await)
}

#[tokio::test]
async fn reads_are_made_again_and_changes_only_with_an_id() {
    let twice = || vec![Status::unavailable("not yet"), Status::resource_exhausted("too much")];
    let calls = Calls::new(Env::system());
    let (fake, server) = start_refusing(twice()).await;
    let client = server.client();
    calls.read(async || get(&client).await).await.unwrap();
    assert_eq!(fake.seen.lock().unwrap().len(), 3);

    let (fake, server) = start_refusing(twice()).await;
    let client = server.client();
    assert_eq!(calls.change("", async || get(&client).await).await.unwrap_err().code, Code::Unavailable);
    assert_eq!(fake.seen.lock().unwrap().len(), 1);
    calls.change("id-1", async || get(&client).await).await.unwrap();
    assert_eq!(fake.seen.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn only_what_may_help_is_made_again() {
    let mut details = ErrorDetails::new();
    let values: HashMap<_, _> = [("retryable".to_owned(), "false".to_owned())].into();
    details.set_error_info("MESSAGE_TOO_LARGE", "bellwether.dev", values);
    let retryable = HashMap::from([("retryable".to_owned(), "true".to_owned())]);
    let conflict = ErrorDetails::with_error_info("CONFLICT", "bellwether.dev", retryable);
    let conflict = Status::with_error_details(Code::Aborted, "changed meanwhile", conflict);
    let too_large = Status::with_error_details(Code::ResourceExhausted, "too large", details);
    let (fake, server) = start_refusing(vec![too_large, conflict, Status::aborted("changed")]).await;
    let (client, calls) = (server.client(), Calls::new(Env::system()));
    let error = calls.read(async || get(&client).await).await.unwrap_err();
    assert_eq!(error.reason, "MESSAGE_TOO_LARGE");
    let error = calls.read(async || get(&client).await).await.unwrap_err();
    assert_eq!(error.code, Code::Aborted);
    assert_eq!(fake.seen.lock().unwrap().len(), 3, "the conflict alone");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable_until_patience_ends() {
    let nobody = Transport::builder("http://127.0.0.1:1").build().unwrap();
    let client = ExecutorServiceClient::new(nobody);
    let calls = Calls::new(Env::system()).patience(Duration::from_millis(200));
    let error = calls.read(async || get(&client).await).await.unwrap_err();
    assert_eq!((error.code, error.reason.as_str()), (Code::Unavailable, "UNREACHABLE"));
    assert!(error.message.contains("refused"), "{error}");
}

#[tokio::test]
async fn a_call_takes_its_deadline_along() {
    let fake = Fake::default();
    let server = start(fake.clone()).await;
    let url = format!("http://{}", server.address);
    let transport = Transport::builder(url).build().unwrap().within(Duration::from_millis(80));
    let mut client = ExecutorServiceClient::new(transport);
    let status = client.get_target(named("targets/slow@x")).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(fake.seen.lock().unwrap()[0].deadline);
}

#[tokio::test]
async fn a_service_calls_as_itself_and_for_others() {
    let fake = Fake::default();
    let server = start(fake.clone()).await;
    let token = server.dir.path().join("service.token");
    let url = format!("http://{}", server.address);
    let transport = Transport::builder(url).token_file(token).service("executor").build().unwrap();
    get(&ExecutorServiceClient::new(transport.clone())).await.unwrap();
    get(&ExecutorServiceClient::new(transport.acting_for("human/olga", "operator,approver"))).await.unwrap();
    let seen = fake.seen.lock().unwrap().clone();
    assert_eq!(
        (seen[0].caller.principal.id.as_str(), seen[0].caller.principal.kind),
        ("executor", Kind::Service)
    );
    assert_eq!(seen[0].caller.on_behalf_of, None);
    assert_eq!(seen[1].caller.actor().id, "olga");
    assert_eq!(seen[1].caller.on_behalf_of.clone().unwrap().roles, [Role::Operator, Role::Approver]);
}

#[tokio::test]
async fn what_cannot_be_used_is_said() {
    let error = Transport::builder("not a url").build().unwrap_err();
    assert!(error.to_string().contains("not a url"), "{error}");
    let error = Transport::builder("http://x").token_file("/nowhere").build().unwrap_err();
    assert!(error.to_string().contains("/nowhere"), "{error}");
    assert!(Transport::builder("http://x").token("a\nb").build().is_err());
}
