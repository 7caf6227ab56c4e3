//! The traits Platform and Router, their conformance kit, and the fake.
