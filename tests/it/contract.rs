//! The rules for every call, on the whole stack.

use bellwether_client::{ApiError, Transport};
use bellwether_proto::{
    DESCRIPTORS,
    executor::v1::strategy::Kind,
    planner::v1::{
        ApproveReleaseRequest, Bundle, Deployment, Environment, ListHoldsRequest, ListReleasesRequest,
        Release as Submitted, SubmitReleaseRequest, environment::UpstreamMode,
    },
};
use bellwether_tests::{
    ports::free_address,
    shop::{self, Release},
    stack::{Part, Setup, Stack},
};
use prost_reflect::{DescriptorPool, MethodDescriptor};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use super::PROGRAM;

/// The shop on the platform in memory.
async fn stack(setup: Setup) -> Stack {
    let stack = Stack::start(setup.on_fake()).await.unwrap();
    shop::apply_environment(&stack, Environment { name: shop::ENVIRONMENT.to_owned(), ..Default::default() })
        .await
        .unwrap();
    let listen = free_address().unwrap().to_string();
    let deployment = Deployment { command: vec!["app".to_owned()], ..shop::deployment(1, &listen) };
    shop::apply_to(&stack, "shop", [(shop::ENVIRONMENT.to_owned(), deployment)].into()).await.unwrap();
    stack
}

fn request(version: &str, request_id: &str) -> SubmitReleaseRequest {
    SubmitReleaseRequest {
        request_id: request_id.to_owned(),
        application: "shop".to_owned(),
        bundle: Some(Bundle {
            version: version.to_owned(),
            strategy: Some(Release::unjudged(version).strategy),
            ..Default::default()
        }),
        ..Default::default()
    }
}

async fn submit(stack: &Stack, request: SubmitReleaseRequest) -> Result<Submitted, Status> {
    Ok(stack.planner().submit_release(request).await?.into_inner().release.unwrap())
}

/// The reason of an error: it has exactly one.
fn reason(status: &Status) -> String {
    ApiError::from(status.clone()).reason.clone()
}

#[tokio::test]
async fn c01_c02_a_request_id_is_one_release_across_a_kill() {
    let mut stack = stack(Setup::one(PROGRAM)).await;
    let first = submit(&stack, request("1", "the-same")).await.unwrap();
    stack.process().kill().unwrap();
    stack.up_again().await.unwrap();
    let again = submit(&stack, request("1", "the-same")).await.unwrap();
    assert_eq!(again.name, first.name);
    let status = submit(&stack, request("2", "the-same")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
    let releases = stack.planner().list_releases(ListReleasesRequest::default()).await.unwrap().into_inner();
    assert_eq!(releases.releases.len(), 1);
}

#[tokio::test]
async fn c03_an_approval_of_what_was_changed_meanwhile_is_aborted() {
    let stack = stack(Setup::one(PROGRAM)).await;
    let release = submit(&stack, request("1", "")).await.unwrap();
    let approve = |etag: &str| ApproveReleaseRequest {
        name: release.name.clone(),
        environment: shop::ENVIRONMENT.to_owned(),
        etag: etag.to_owned(),
        reason: "looks good".to_owned(),
        ..Default::default()
    };
    let status = stack.planner().approve_release(approve("stale")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    let status = stack.planner().approve_release(approve("")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "ETAG_REQUIRED"));
}

#[tokio::test]
async fn c04_an_unknown_enum_value_is_refused() {
    let stack = stack(Setup::one(PROGRAM)).await;
    let environment = Environment { name: "odd".to_owned(), upstream_mode: 4711, ..Default::default() };
    assert!(UpstreamMode::try_from(environment.upstream_mode).is_err());
    let error = shop::apply_environment(&stack, environment).await.unwrap_err();
    assert_eq!(error.downcast::<Status>().unwrap().code(), Code::InvalidArgument);
    let mut odd = request("1", "");
    odd.bundle.as_mut().unwrap().strategy.as_mut().unwrap().kind = 4711;
    assert_eq!(submit(&stack, odd).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn c05_a_page_token_belongs_to_its_query() {
    let stack = stack(Setup::one(PROGRAM)).await;
    for version in ["1", "2", "3"] {
        submit(&stack, request(version, "")).await.unwrap();
    }
    let mut list = ListReleasesRequest { page_size: 2, ..Default::default() };
    let page = stack.planner().list_releases(list.clone()).await.unwrap().into_inner();
    assert_eq!(page.releases.len(), 2);
    list.page_token = page.next_page_token;
    let rest = stack.planner().list_releases(list.clone()).await.unwrap().into_inner();
    assert_eq!((rest.releases.len(), rest.next_page_token.as_str()), (1, ""));
    list.filter = "application = \"shop\"".to_owned();
    let status = stack.planner().list_releases(list).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

fn part_of(method: &MethodDescriptor) -> Option<Part> {
    match method.parent_service().full_name() {
        "bellwether.planner.v1.ReleasePlannerService" => Some(Part::Planner),
        "bellwether.executor.v1.ExecutorService" => Some(Part::Executor),
        "bellwether.monitor.v1.HealthMonitorService" => Some(Part::Monitor),
        "bellwether.notifier.v1.NotifierService" => Some(Part::Notifier),
        "bellwether.agent.v1.AgentService" => Some(Part::Agent),
        _ => None,
    }
}

/// Calls a method with an empty request: the empty message has no bytes, whatever its type. Of a stream, the first
/// answer, where there is one at once.
async fn call_empty(transport: Transport, method: &MethodDescriptor) -> Code {
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let (path, codec) = (path.parse().unwrap(), ProstCodec::<(), ()>::default());
    let mut grpc = tonic::client::Grpc::new(transport);
    grpc.ready().await.unwrap();
    let answered = match (method.is_client_streaming(), method.is_server_streaming()) {
        (false, false) => grpc.unary(Request::new(()), path, codec).await.map(drop),
        (false, true) => grpc.server_streaming(Request::new(()), path, codec).await.map(drop),
        (true, false) => {
            grpc.client_streaming(Request::new(tokio_stream::once(())), path, codec).await.map(drop)
        }
        (true, true) => grpc.streaming(Request::new(tokio_stream::once(())), path, codec).await.map(drop),
    };
    answered.err().map_or(Code::Ok, |status| status.code())
}

#[tokio::test]
async fn c06_every_call_of_every_service_with_an_empty_request_is_answered_properly() {
    let stack = Stack::start(Setup::four(PROGRAM)).await.unwrap();
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let methods: Vec<_> = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
    let mut called = 0;
    for method in &methods {
        let Some(part) = part_of(method) else { continue };
        let transport = match part {
            Part::Agent => stack.agent_transport().unwrap(),
            other => stack.transport_to(other),
        };
        let code = call_empty(transport, method).await;
        let proper = [Code::Ok, Code::InvalidArgument, Code::NotFound, Code::FailedPrecondition];
        assert!(proper.contains(&code), "{}: {code:?}", method.full_name());
        called += 1;
    }
    assert!(called > 60, "{called}");
    for part in [Part::Planner, Part::Executor, Part::Monitor, Part::Notifier, Part::Agent] {
        assert!(stack.answers(part).await, "{} lives", part.name());
        let log = stack.log(part);
        assert!(!log.contains("panicked"), "{log}");
    }
}

#[tokio::test]
async fn c07_a_request_of_5_mebibytes_is_too_much_and_the_connection_lives() {
    let stack = stack(Setup::one(PROGRAM)).await;
    let mut planner = stack.planner();
    let mut big = request("1", "");
    big.bundle.as_mut().unwrap().notes = "x".repeat(5 << 20);
    let status = planner.submit_release(big).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    planner.list_holds(ListHoldsRequest::default()).await.unwrap();
}

#[tokio::test]
async fn c08_validate_only_fails_exactly_when_the_real_call_does() {
    let stack = stack(Setup::one(PROGRAM)).await;
    let mut nowhere = request("1", "");
    nowhere.application = "nobody".to_owned();
    let mut falling = request("1", "");
    falling.bundle.as_mut().unwrap().strategy =
        Some(Release::of("1", Kind::Canary).weights(&[50.0, 10.0]).strategy);
    for given in [request("1", ""), request("", ""), nowhere, falling, SubmitReleaseRequest::default()] {
        let dry = submit_dry(&stack, given.clone()).await;
        let real = submit(&stack, given.clone()).await.map(drop);
        let told = |answer: &Result<(), Status>| {
            answer.as_ref().err().map(|status| (status.code(), status.message().to_owned()))
        };
        assert_eq!(told(&dry), told(&real), "{given:?}");
    }
    let releases = stack.planner().list_releases(ListReleasesRequest::default()).await.unwrap().into_inner();
    assert_eq!(releases.releases.len(), 1, "the one that was real and right");
}

async fn submit_dry(stack: &Stack, given: SubmitReleaseRequest) -> Result<(), Status> {
    let request = SubmitReleaseRequest { validate_only: true, ..given };
    stack.planner().submit_release(request).await.map(drop)
}
