//! What is known about each class: what it says, how layers come to it, how others mended it.

use super::Class;

/// All that a person is told about a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explained {
    /// What was seen, and why that is a promise kept or broken.
    pub rule: &'static str,
    /// How layers come to it.
    pub how: &'static str,
    /// How others mended it, or what it costs.
    pub mended: &'static str,
}

const PAGES: [(Class, Explained); 11] = [
    (
        Class::Clean,
        Explained {
            rule: "The same connection was lent again, and it is as good as new: nothing is open \
                    on the server, answers are in step, the session is as a fresh one.",
            how: "The layer read the answer that nobody waited for, or its guard queued a ROLLBACK \
                    that was sent before the next lease.",
            mended: "Nothing is to be mended. A layer whose input and output live in a task of \
                    their own gets here most easily: dropping the caller stops no conversation.",
        },
    ),
    (
        Class::Discarded,
        Explained {
            rule: "The connection was closed, and another took its place. Nothing is left, at the \
                    price of a login.",
            how: "The layer saw that a request was in flight when it was dropped, and did not \
                    trust the connection; or the network broke it.",
            mended: "Nothing is to be mended. It is the simplest safe answer: mark the connection \
                    before the await, take the mark away after it, close what is given back marked.",
        },
    ),
    (
        Class::Finished,
        Explained {
            rule: "All of the operation took effect although its caller had gone, before the \
                    connection was lent again.",
            how: "The last request was on its way, as a COMMIT whose answer nobody read; or the \
                    work runs in a task of its own, which a drop does not stop.",
            mended: "Nothing is to be mended in the layer. The caller does not know the outcome: \
                    repeat only what may be done twice, or look first.",
        },
    ),
    (
        Class::Panicked,
        Explained {
            rule: "Something of the layer was dropped, and that panicked. Where a thread unwinds \
                    already the process is aborted, and elsewhere what was to be dropped after it \
                    may not be.",
            how: "A drop spawns its clean-up, and there is no runtime any more: `main` has returned, \
                    or a test has ended, while a static, a thread or the caller still had the session.",
            mended: "Ask for the runtime by `Handle::try_current`, and close the socket where there \
                    is none: that needs nobody, and the server rolls back.",
        },
    ),
    (
        Class::Busy,
        Explained {
            rule: "After the drop the server got requests that only the operation sends: a part of \
                    it ran on, or it ran on while its connection was lent to another.",
            how: "A spawned task goes on with the work and gives up half-way; a retry outlives the \
                    caller who wanted it; a connection is lent before its queue is empty.",
            mended: "Spawn the whole of it and await the handle, or stop at the drop: abort the \
                    task in a guard, and keep the connection until the task has ended.",
        },
    ),
    (
        Class::Open,
        Explained {
            rule: "The server still has a transaction or a lock open when all is quiet, or a \
                    connection whose pool is gone. It blocks others and holds back the clean-up of \
                    old rows, until the connection ends.",
            how: "The guard is made when the answer to BEGIN has come, so that nothing guards the \
                    await before; or a connection is let go without being closed.",
            mended: "Arm the guard before the await. Where a ROLLBACK cannot be sent from a drop, \
                    close the connection: the server rolls back then.",
        },
    ),
    (
        Class::Lost,
        Explained {
            rule: "The layer reported success, and the effect is not there.",
            how: "A commit that was queued is not awaited; an error of the commit is swallowed; \
                    the work was done in a transaction that somebody else rolls back.",
            mended: "Report success only when the answer of the server has been read, and treat \
                    a ROLLBACK in the answer to COMMIT as a failure.",
        },
    ),
    (
        Class::Torn,
        Explained {
            rule: "A part of the effects is there: neither the state before nor the state after.",
            how: "Statements run outside of the transaction, each committed by itself; a retry \
                    repeats a half; a statement commits by the way, as DDL does on MySQL.",
            mended: "One transaction around all of it, on one connection, and no work beside it. \
                    What must happen after the commit goes into a table that is read later.",
        },
    ),
    (
        Class::Poisoned,
        Explained {
            rule: "The next borrower's work is lost or wrong, without an error: it runs inside a \
                    transaction of the one before, or with settings that are not its own.",
            how: "A connection comes back to the pool inside an open transaction, and the pool \
                    does not look. What the next borrower writes is never committed.",
            mended: "Count up the depth of the transaction before BEGIN is sent; look at the \
                    transaction status that every answer carries when a connection is given back; \
                    reset it, or discard it.",
        },
    ),
    (
        Class::Desynced,
        Explained {
            rule: "The next borrower reads the answers to an earlier request. Nothing fails, and \
                    users see each other's rows.",
            how: "An answer that nobody read is still in the socket, and the client does not count \
                    what it is owed.",
            mended: "Count requests and answers, and read what is owed before the next request; or \
                    close a connection that was dropped while it waited for an answer.",
        },
    ),
    (
        Class::Stuck,
        Explained {
            rule: "The pool does not lend its full number of sessions any more, or a lent one \
                    never answers. The server looks healthy.",
            how: "A slot is counted as taken and not given back; a client waits for an answer that \
                    never comes, because it took another message for it, or lost half of one.",
            mended: "Hold the slot in a value whose drop gives it back. Keep the state of a \
                    half-read message in the connection and not in the future; what cannot be \
                    resumed is closed.",
        },
    ),
];

impl Class {
    /// What is known about the class, in sentences.
    #[must_use]
    pub fn explained(self) -> Explained {
        let page = PAGES.into_iter().find(|(class, _)| *class == self);
        page.expect("each class has its page").1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_page() {
        assert_eq!(PAGES.map(|(class, _)| class), Class::ALL);
    }
}
