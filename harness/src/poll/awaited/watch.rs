//! The watch: who is told of forgotten futures.
//!
//! A watch is entered on the thread that makes it, and a wrapper takes the innermost one of the thread
//! on which it is made. So functions need no handle, and two tests of one process, which have a
//! thread each, know nothing of each other. The wrapper keeps the watch's book, so that it may be
//! dropped on any thread. What is polled elsewhere takes the watch along by [`Watch::over`].

use std::{
    cell::RefCell,
    fmt::Write,
    marker::PhantomData,
    mem,
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    thread,
};

use pin_project_lite::pin_project;

use super::Forgotten;

thread_local! {
    /// The watches that are entered, the innermost last.
    static ENTERED: RefCell<Vec<Arc<Book>>> = const { RefCell::new(Vec::new()) };
}

/// What a watch is told.
#[derive(Debug, Default)]
pub(super) struct Book(Mutex<Vec<Forgotten>>);

impl Book {
    pub(super) fn add(&self, forgotten: Forgotten) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(forgotten);
    }

    fn take(&self) -> Vec<Forgotten> {
        let mut taken = mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        taken.sort_unstable();
        taken
    }
}

/// The book of the innermost watch of this thread.
pub(super) fn innermost() -> Option<Arc<Book>> {
    // A thread that ends has no watches any more, and what its destructors make is not watched.
    ENTERED.try_with(|entered| entered.borrow().last().cloned()).ok().flatten()
}

/// Watches the thread for futures that are forgotten, until it is dropped, and fails then.
///
/// There is one with the feature `awaited` alone. Let it be the first line of a test: what is dropped
/// after the watch is not seen by it.
///
/// # Panics
///
/// Its drop panics where a future of [`awaited`](super::awaited) was forgotten and not
/// [taken](Watch::take), with a line for each. It does not while the thread unwinds already.
///
/// # Examples
///
/// ```
/// use dropproof::poll::{Fate, Watch, awaited};
///
/// # tokio_test::block_on(async {
/// let watch = Watch::new();
/// awaited(async {}).await;
/// drop(awaited(async {}));
///
/// let reports = watch.take();
/// assert_eq!(reports.len(), 1);
/// assert_eq!(reports[0].fate(), Fate::NeverPolled);
/// # });
/// ```
#[derive(Debug)]
#[must_use = "it watches until it is dropped"]
pub struct Watch {
    book: Arc<Book>,
    /// It is entered on this thread, and has to be left on it.
    _of_this_thread: PhantomData<Rc<()>>,
}

impl Watch {
    /// Begins to watch this thread.
    #[expect(clippy::new_without_default, reason = "a default is no place to enter a scope")]
    pub fn new() -> Self {
        let book = Arc::<Book>::default();
        ENTERED.with_borrow_mut(|entered| entered.push(Arc::clone(&book)));
        Self { book, _of_this_thread: PhantomData }
    }

    /// Takes what was reported so far, in the order of the places, so that the watch fails no more for it.
    #[must_use = "what is taken is not told at the end"]
    pub fn take(&self) -> Vec<Forgotten> {
        self.book.take()
    }

    /// Takes the watch along with a future, for a task or another thread.
    ///
    /// What the future makes while it is polled belongs to this watch, and not to one of the thread.
    ///
    /// # Cancel safety
    ///
    /// As safe to drop as the future.
    pub fn over<F: IntoFuture>(&self, future: F) -> Over<F::IntoFuture> {
        Over { future: future.into_future(), book: Arc::clone(&self.book) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        leave(&self.book);
        let forgotten = self.book.take();
        if forgotten.is_empty() || thread::panicking() {
            return;
        }
        panic!("{}", told(&forgotten));
    }
}

/// The text with which a watch fails.
fn told(forgotten: &[Forgotten]) -> String {
    let mut text = match forgotten.len() {
        1 => "1 future was forgotten".to_owned(),
        many => format!("{many} futures were forgotten"),
    };
    for forgotten in forgotten {
        write!(text, "\n  {forgotten}").expect("a string takes all");
    }
    text
}

/// Leaves a watch, which need not be the innermost one.
fn leave(book: &Arc<Book>) {
    ENTERED.with_borrow_mut(|entered| {
        let place = entered.iter().rposition(|other| Arc::ptr_eq(other, book));
        entered.remove(place.expect("it was entered on this thread"));
    });
}

pin_project! {
    /// A future that takes a watch along; made by [`Watch::over`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Over<F> {
        #[pin]
        future: F,
        book: Arc<Book>,
    }
}

impl<F: Future> Future for Over<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        struct Entered<'b>(&'b Arc<Book>);
        impl Drop for Entered<'_> {
            fn drop(&mut self) {
                leave(self.0);
            }
        }
        let this = self.project();
        ENTERED.with_borrow_mut(|entered| entered.push(Arc::clone(this.book)));
        let _entered = Entered(this.book);
        this.future.poll(cx)
    }
}
