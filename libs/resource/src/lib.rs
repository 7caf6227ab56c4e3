//! What every API of Bellwether does alike: Watch, request_id, etag, paging, error details.
