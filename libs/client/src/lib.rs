//! Typed clients: deadlines, retries, a Watch that resumes.
