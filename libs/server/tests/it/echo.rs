//! A small service whose methods do what the tests need.

use std::{
    convert::Infallible,
    sync::LazyLock,
    task::{Context, Poll},
};

use bellwether_server::{Caller, Deadline, Shutdown};
use futures::{Stream, StreamExt as _, future::BoxFuture, stream};
use http::{Request, Response};
use prost::Message as _;
use tonic::{
    Status,
    body::Body,
    server::{Grpc, NamedService},
};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

/// The wrapper types of protobuf are plain values in prost.
pub type Codec = ProstCodec<Vec<u8>, Vec<u8>>;

const PROTO: &str = r#"
syntax = "proto3";
package test.v1;
import "bellwether/common/v1/permission.proto";
import "google/protobuf/wrappers.proto";
service EchoService {
  rpc Echo(google.protobuf.BytesValue) returns (google.protobuf.BytesValue) {
    option (bellwether.common.v1.permission) = PERMISSION_VIEW;
  }
  rpc Change(google.protobuf.BytesValue) returns (google.protobuf.BytesValue) {
    option (bellwether.common.v1.permission) = PERMISSION_OPERATE;
  }
  rpc Panic(google.protobuf.BytesValue) returns (google.protobuf.BytesValue) {
    option (bellwether.common.v1.permission) = PERMISSION_VIEW;
  }
  rpc Hang(google.protobuf.BytesValue) returns (google.protobuf.BytesValue) {
    option (bellwether.common.v1.permission) = PERMISSION_VIEW;
  }
  rpc Follow(google.protobuf.BytesValue) returns (stream google.protobuf.BytesValue) {
    option (bellwether.common.v1.permission) = PERMISSION_VIEW;
  }
  rpc Forgotten(google.protobuf.BytesValue) returns (google.protobuf.BytesValue);
}
"#;

#[derive(Clone)]
pub struct Echo;

/// The descriptor set of the service with the option of each method.
pub fn descriptors() -> &'static [u8] {
    static SET: LazyLock<Vec<u8>> = LazyLock::new(compile);
    &SET
}

fn compile() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("echo.proto"), PROTO).unwrap();
    let proto = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto");
    let mut compiler = protox::Compiler::new([dir.path(), proto.as_ref()]).unwrap();
    compiler.include_imports(true).open_files(["echo.proto"]).unwrap();
    compiler.encode_file_descriptor_set()
}

impl NamedService for Echo {
    const NAME: &'static str = "test.v1.EchoService";
}

impl Service<Request<Body>> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut grpc = Grpc::new(Codec::default());
        Box::pin(async move {
            let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
            if method == "Follow" {
                return Ok(grpc.server_streaming(service_fn(follow), request).await);
            }
            Ok(grpc.unary(service_fn(move |request| unary(method.clone(), request)), request).await)
        })
    }
}

async fn unary(method: String, request: tonic::Request<Vec<u8>>) -> Result<tonic::Response<Vec<u8>>, Status> {
    let caller = Caller::of(request.extensions())?;
    match method.as_str() {
        "Echo" => Ok(tonic::Response::new(request.into_inner())),
        "Change" => {
            assert!(Deadline::of(request.extensions()).is_some());
            Ok(tonic::Response::new(caller.actor().id.clone().into_bytes()))
        }
        "Panic" => panic!("this secret stays in the log"),
        "Hang" => std::future::pending().await,
        _ => Err(Status::unimplemented(method)),
    }
}

type Events = std::pin::Pin<Box<dyn Stream<Item = Result<Vec<u8>, Status>> + Send>>;

/// One event, then nothing until the end. Asked for `flood`: as many as the reader takes, 64 KiB each; for `deaf`: one
/// that does not hear of the end.
async fn follow(request: tonic::Request<Vec<u8>>) -> Result<tonic::Response<Events>, Status> {
    let shutdown = Shutdown::of(request.extensions());
    match request.get_ref().as_slice() {
        b"flood" => Ok(tonic::Response::new(Box::pin(stream::repeat_with(|| Ok(vec![7; 65_536]))))),
        b"deaf" => Ok(tonic::Response::new(Box::pin(stream::pending()))),
        b"panic" => Ok(tonic::Response::new(Box::pin(stream::once(async { panic!("in the stream") })))),
        _ => {
            let end = async move {
                shutdown.triggered().await;
                Err(Shutdown::status())
            };
            Ok(tonic::Response::new(Box::pin(
                stream::iter([Ok(b"token-1".to_vec())]).chain(stream::once(end)),
            )))
        }
    }
}

/// A message in the framing of gRPC.
pub fn framed(message: &Vec<u8>) -> Vec<u8> {
    let encoded = message.encode_to_vec();
    let length = u32::try_from(encoded.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), &encoded].concat()
}
