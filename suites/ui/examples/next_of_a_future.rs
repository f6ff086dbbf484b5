//! An async function gives a stream, whose first row is asked for at once.

use futures::{Stream, StreamExt, stream};

async fn rows() -> impl Stream<Item = u8> + Unpin {
    stream::iter([1, 2])
}

pub async fn first() -> Option<u8> {
    rows().next().await
}

fn main() {}
