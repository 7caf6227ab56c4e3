//! The reasons that every service shares.

crate::reasons! {
    /// The reasons that every service shares.
    pub COMMON_REASONS;
    /// Fields of the request are not as they must be; the details name each.
    INVALID_FIELDS = InvalidArgument, "Correct the fields named in the details.";
    /// There is nothing of this name.
    NOT_FOUND = NotFound, "Check the name; list the collection to see what there is.";
    /// Something of this name exists already.
    NAME_TAKEN = AlreadyExists, "Choose another name, or change what is there.";
    /// The request id was used before, with another payload.
    REQUEST_ID_REUSED = AlreadyExists, "Use a new request id for a new request.";
    /// The resource has changed since the given etag was read.
    ETAG_MISMATCH = Aborted, "Read the resource again and decide on what it is now.";
    /// The call needs the etag that the decision was made on.
    ETAG_REQUIRED = InvalidArgument, "Read the resource and send its etag along.";
    /// The resource changed while the call was at work.
    CONFLICT = Aborted, retryable, "Send the call again.";
    /// The state does not allow it; the details name what is in the way.
    STATE_CONFLICT = FailedPrecondition, "See in the details what is in the way.";
    /// The disk of the service is full; only what takes traffic back is accepted.
    DISK_FULL = ResourceExhausted, retryable, "Free space on the disk of the service's data directory.";
    /// Another process has taken the journal over; this one stops.
    FENCED = Unavailable, retryable, "Send the call again; it will reach the process in charge.";
    /// The journal of the service cannot be written or read.
    STORAGE_FAILED = Unavailable, retryable, "Look at the service's log and its disk; send the call again once it has restarted.";
    /// The stream ends because the server stops.
    DRAINING = Unavailable, retryable, "Reconnect with the last resume token.";
    /// A mistake of Bellwether's.
    INTERNAL = Internal, "Report it with the service's log.";
}
