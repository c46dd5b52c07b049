//! A stand-in container runtime: as much of the CRI as a kubelet wants to hear before it serves.
//!
//! It says its version, that nothing runs, and, where that is wanted, that it is ready; everything else is not
//! implemented.
//! The messages are those of `k8s.io/cri-api/pkg/apis/runtime/v1/api.proto`, over gRPC's framing on HTTP/2.

use std::path::Path;
use std::thread;

use hyper::body::Bytes;
use hyper::http::{HeaderMap, HeaderValue, Response};
use tokio::net::{UnixListener, UnixStream};

/// `UNIMPLEMENTED` of gRPC.
const NOT_IMPLEMENTED: &str = "12";

/// What a runtime says of itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// Nothing: the node does not become ready.
    NotReady,
    /// That it is ready, and its network too.
    Ready,
}

/// Serves on a socket at `path` until the process ends.
///
/// # Panics
///
/// If there can be no socket there.
pub(crate) fn serve(path: &Path, state: Runtime) {
    let listener = std::os::unix::net::UnixListener::bind(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    listener
        .set_nonblocking(true)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
        runtime.block_on(async move {
            let Ok(listener) = UnixListener::from_std(listener) else {
                return;
            };
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, state));
            }
        });
    });
}

/// Answers the calls of one connection.
async fn answer(stream: UnixStream, state: Runtime) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let method = request.uri().path().rsplit('/').next();
        let message = message(method.unwrap_or_default(), state);
        let mut head = Response::new(());
        let grpc = HeaderValue::from_static("application/grpc");
        head.headers_mut().insert("content-type", grpc);
        let Ok(mut body) = respond.send_response(head, false) else {
            continue;
        };
        let status = if message.is_some() {
            "0"
        } else {
            NOT_IMPLEMENTED
        };
        if let Some(message) = message {
            // Not compressed, then the length.
            let length = u32::try_from(message.len()).unwrap_or(0);
            let frame = [&[0][..], &length.to_be_bytes(), &message].concat();
            drop(body.send_data(Bytes::from(frame), false));
        }
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static(status));
        drop(body.send_trailers(trailers));
    }
}

/// Returns the answer to a call, if there is one.
fn message(method: &str, state: Runtime) -> Option<Vec<u8>> {
    match method {
        // VersionResponse: version, runtime_name, runtime_version, runtime_api_version.
        "Version" => {
            let fields = ["0.1.0", "stand-in", "1.0.0", "v1"];
            let fields = (1_u8..).zip(fields);
            let fields = fields.map(|(number, text)| field(number, text.as_bytes()));
            Some(fields.flatten().collect())
        }
        "Status" if state == Runtime::Ready => Some(status()),
        "ListPodSandbox"
        | "ListContainers"
        | "ListImages"
        | "ListContainerStats"
        | "ListPodSandboxStats"
        | "ImageFsInfo"
        | "UpdateRuntimeConfig" => Some(Vec::new()),
        _ => None,
    }
}

/// Returns a `StatusResponse`: a `RuntimeStatus` whose conditions, type and status, are all true.
fn status() -> Vec<u8> {
    let conditions = ["RuntimeReady", "NetworkReady"].map(|kind| {
        let condition = [&field(1, kind.as_bytes())[..], &[2 << 3, 1]].concat();
        field(1, &condition)
    });
    field(1, &conditions.concat())
}

/// Returns a field whose value has a length, of fewer than 128 bytes.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len()).unwrap_or(0);
    [&[number << 3 | 2, length], value].concat()
}
