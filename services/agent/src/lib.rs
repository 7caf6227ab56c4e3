//! The embedded platform of one host: supervisor and HTTP gateway.
