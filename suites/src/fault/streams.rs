//! The faults of streams: what is asked for too early, and what is lost, repeated, mixed up or hidden
//! on the way out.

use std::{
    future::ready,
    mem,
    task::{Context, Poll, Waker},
};

use dropproof::contract::{Class, Error, Result, Row, Value};
use futures::{
    FutureExt, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};

use super::{Fault, together::Common};

/// Plants a fault into a stream of rows.
pub(super) fn plant<'a>(
    rows: BoxStream<'a, Result<Row>>,
    fault: Fault,
    common: Common,
) -> BoxStream<'a, Result<Row>> {
    match fault {
        Fault::StreamFetchesAll => {
            rows.collect::<Vec<_>>().map(stream::iter).flatten_stream().boxed()
        }
        Fault::StreamStartsEarly => started(rows),
        Fault::StreamLosesLast => one_behind(rows).boxed(),
        Fault::StreamRepeats => {
            let mut is_first = true;
            rows.flat_map(move |row| {
                let again = match &row {
                    Ok(row) if mem::replace(&mut is_first, false) => Some(Ok(row.clone())),
                    _ => None,
                };
                stream::iter([Some(row), again].into_iter().flatten())
            })
            .boxed()
        }
        Fault::StreamAfterEnd => after_its_end(rows).boxed(),
        Fault::StreamHidesError => rows.take_while(|row| ready(row.is_ok())).boxed(),
        Fault::StreamsCrossed => rows.map_ok(move |row| common.crossed(row)).boxed(),
        Fault::ClassLost => rows.map_err(|error| Error::new(Class::Other, error)).boxed(),
        _ => rows,
    }
}

/// Polls a stream before anybody has asked for it.
fn started(mut rows: BoxStream<'_, Result<Row>>) -> BoxStream<'_, Result<Row>> {
    let mut first = Some(rows.poll_next_unpin(&mut Context::from_waker(Waker::noop())));
    stream::poll_fn(move |cx| match first.take() {
        Some(Poll::Ready(next)) => Poll::Ready(next),
        Some(Poll::Pending) | None => rows.poll_next_unpin(cx),
    })
    .boxed()
}

/// Gives a row when the next one is there.
fn one_behind(
    rows: BoxStream<'_, Result<Row>>,
) -> impl futures::Stream<Item = Result<Row>> + Send + '_ {
    rows.scan(None, |kept: &mut Option<Row>, next| {
        ready(Some(match next {
            Ok(row) => kept.replace(row).map(Ok),
            Err(error) => Some(Err(error)),
        }))
    })
    .filter_map(ready)
}

/// Gives a row when it is asked again after its end.
fn after_its_end(
    mut rows: BoxStream<'_, Result<Row>>,
) -> impl futures::Stream<Item = Result<Row>> + Send + '_ {
    let mut ended = false;
    stream::poll_fn(move |cx| {
        if mem::replace(&mut ended, false) {
            return Poll::Ready(Some(Ok(vec![Value::Null])));
        }
        let next = rows.poll_next_unpin(cx);
        ended = matches!(next, Poll::Ready(None));
        next
    })
}
