//! A builder becomes a future by `.await` alone, so it is none before.

pub struct Query;

impl IntoFuture for Query {
    type Output = ();
    type IntoFuture = std::future::Ready<()>;

    fn into_future(self) -> Self::IntoFuture {
        std::future::ready(())
    }
}

pub fn query() -> Query {
    Query
}

pub fn forgets() {
    query();
}

fn main() {}
