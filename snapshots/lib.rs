//! No code: the snapshots lie here, in a workspace member, because `cargo insta` looks only into members.
