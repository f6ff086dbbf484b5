//! Programs that use what is async as if it were not, one mistake in each.
//!
//! They lie in `examples`, are built with the feature `programs` alone, and the test asks clippy what
//! it says of each. Who catches which mistake is the table of the README.
//!
//! [`diagnostics`] is how clippy is asked, for who has programs of his own.

pub mod diagnostics;
