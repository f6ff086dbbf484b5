//! What the server still owes: the requests sent, in order, and how answers settle them.
//!
//! A Query, a FunctionCall and a Sync are answered by ReadyForQuery. A Flush is answered when the
//! steps before it are, which is why each step (Parse, Bind, Describe, Execute, Close) is kept too:
//! one byte for each, until it is answered.
//!
//! Two rules of the protocol decide what is never answered: after an error inside a batch the
//! server skips to the next Sync, and while it takes COPY data it ignores Sync and Flush. Any other
//! message than those and data is an error there, after which the server has lost its step: it says
//! so, rolls back and ends the connection, and only then its last word is said.
//! <https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-COPY>

use std::collections::VecDeque;

#[derive(Debug, Default)]
pub(super) struct Answers {
    queue: VecDeque<Ask>,
    /// The requests in the queue.
    requests: usize,
    /// So many asks at the front of the queue hold no Sync, no Flush and no end of COPY data.
    ///
    /// They are not looked at again, so that a server that begins COPY over and over costs no more
    /// than one that does so once.
    bare: usize,
    /// Whether the server waits for the client's COPY data.
    copies: bool,
    /// Whether the server skips to a Sync that has not been sent yet.
    skips: bool,
    /// Whether the server ends the connection, because it has lost its step.
    ends: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Step,
    Sync,
    /// A Query or a FunctionCall.
    Query,
    Flush,
    /// The end of COPY data.
    CopyEnd,
}

impl Ask {
    fn is_request(self) -> bool {
        match self {
            Ask::Sync | Ask::Query | Ask::Flush => true,
            Ask::Step | Ask::CopyEnd => false,
        }
    }
}

impl Answers {
    /// The requests that are not answered in full.
    pub(super) fn requests(&self) -> usize {
        self.requests
    }

    /// Whether the next word is the server's, or its end.
    pub(super) fn owes(&self) -> bool {
        self.ends || (0 < self.requests && !self.copies)
    }

    /// Notes a message of the client, by its type.
    pub(super) fn asked(&mut self, tag: u8) {
        let ask = match tag {
            b'P' | b'B' | b'D' | b'E' | b'C' => Ask::Step,
            b'S' => Ask::Sync,
            b'Q' | b'F' => Ask::Query,
            b'H' => Ask::Flush,
            b'c' | b'f' => Ask::CopyEnd,
            _ => return,
        };
        if (self.skips && ask != Ask::Sync)
            || (self.copies && matches!(ask, Ask::Sync | Ask::Flush))
            || (self.queue.is_empty() && ask == Ask::Flush)
        {
            return;
        }
        self.skips = false;
        self.ends |= self.copies && ask != Ask::CopyEnd;
        self.copies &= ask != Ask::CopyEnd;
        self.requests += usize::from(ask.is_request());
        self.queue.push_back(ask);
    }

    /// Notes a message of the server, by its type.
    pub(super) fn answered(&mut self, tag: u8) {
        match tag {
            b'1' | b'2' | b'3' | b'n' | b'T' | b's' | b'I' | b'C' => self.step(),
            b'E' => self.refuse(),
            b'Z' => while !matches!(self.pop(), None | Some(Ask::Sync | Ask::Query)) {},
            b'G' | b'W' => self.copy(),
            _ => {}
        }
        while let Some(Ask::Flush | Ask::CopyEnd) = self.queue.front() {
            self.pop();
        }
    }

    /// Settles a step; what answers it inside a Query settles nothing.
    fn step(&mut self) {
        if self.queue.front() == Some(&Ask::Step) {
            self.pop();
        }
    }

    /// Skips to the Sync after an error, where it lies inside a batch.
    fn refuse(&mut self) {
        self.copies = false;
        if self.queue.front() == Some(&Ask::Step) {
            while !matches!(self.queue.front(), None | Some(Ask::Sync)) {
                self.pop();
            }
            self.skips = self.queue.is_empty();
        }
    }

    /// Begins COPY: of what was sent ahead, up to the end of the data, a Sync or a Flush is ignored, and
    /// behind the request that is answered nothing else may come.
    fn copy(&mut self) {
        let (mut kept, mut seen) = (self.bare, self.bare);
        while let Some(ask) = self.queue.get(seen).filter(|ask| **ask != Ask::CopyEnd) {
            if !matches!(ask, Ask::Sync | Ask::Flush) {
                self.queue.swap(kept, seen);
                kept += 1;
            }
            seen += 1;
        }
        self.copies = seen == self.queue.len();
        self.queue.drain(kept..seen);
        self.requests -= seen - kept;
        self.bare = kept;
        self.ends |= 1 < kept;
    }

    fn pop(&mut self) -> Option<Ask> {
        let ask = self.queue.pop_front()?;
        self.bare = self.bare.saturating_sub(1);
        self.requests -= usize::from(ask.is_request());
        Some(ask)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Upper-case and digits as on the wire; `>` and `<` say who speaks.
    #[rstest]
    #[case::nothing("", 0, false)]
    #[case::query(">Q", 1, true)]
    #[case::query_answered(">Q<TDDCZ", 0, false)]
    #[case::failed_query(">Q<EZ", 0, false)]
    #[case::two_statements_in_a_query(">Q<TDCTDC", 1, true)]
    #[case::batch_without_end(">PBDE", 0, false)]
    #[case::batch(">PBDES", 1, true)]
    #[case::batch_answered(">PBDES<12TDCZ", 0, false)]
    #[case::two_batches(">PBESPBES<12CZ12", 1, true)]
    #[case::error_skips_to_the_sync(">PBESPBES<1E", 2, true)]
    #[case::error_before_the_sync(">PBEH<1E>BEHQ", 0, false)]
    #[case::sync_after_the_error(">PBEH<1E>BES", 1, true)]
    #[case::flush(">PDH<1t", 1, true)]
    #[case::flush_answered(">PDH<1tT", 0, false)]
    #[case::flush_of_nothing(">H", 0, false)]
    #[case::suspended_portal(">BEH<2Ds", 0, false)]
    #[case::function(">F<VZ", 0, false)]
    #[case::copy_waits_for_the_client(">Q<G", 1, false)]
    #[case::copy_done(">Q<G>ddc", 1, true)]
    #[case::copy_answered(">Q<G>ddc<CZ", 0, false)]
    #[case::copy_after_a_sync(">BES<2G", 0, false)]
    #[case::copy_after_a_sync_done(">BES<2G>dcS", 1, true)]
    #[case::copy_after_a_sync_answered(">BES<2G>dcS<CZ", 0, false)]
    #[case::copy_sent_ahead(">BESdcS<2GCZ", 0, false)]
    #[case::copy_refused_midway(">Q<G>d<E", 1, true)]
    #[case::query_instead_of_copy_data(">Q<G>Q", 2, true)]
    #[case::step_instead_of_copy_data(">Q<G>P", 1, true)]
    #[case::query_sent_ahead_of_copy_data(">QQS<G", 2, true)]
    #[case::step_sent_ahead_of_copy_data(">BECS<2G", 0, true)]
    #[case::end_is_still_to_come(">Q<G>QS<EE", 2, true)]
    #[case::commit_fails_at_the_sync(">BES<2CEZ", 0, false)]
    #[case::answers_to_nothing("<EZC1T", 0, false)]
    fn answers_settle_requests(
        #[case] conversation: &str,
        #[case] requests: usize,
        #[case] owes: bool,
    ) {
        let mut answers = Answers::default();
        let mut client = true;
        for tag in conversation.bytes() {
            match tag {
                b'>' | b'<' => client = tag == b'>',
                tag if client => answers.asked(tag),
                tag => answers.answered(tag),
            }
        }

        assert_eq!((answers.requests(), answers.owes()), (requests, owes), "{answers:?}");
    }

    /// Each COPY looked at all requests before: 300000 of them took minutes.
    #[rstest]
    #[case::steps(b'P', "W")]
    #[case::steps_before_the_end_of_data(b'P', "cG")]
    #[case::queries_refused_in_turn(b'Q', "GE")]
    fn copy_that_begins_over_and_over_is_linear_work(#[case] asked: u8, #[case] said: &str) {
        const MANY: usize = 300_000;
        let mut answers = Answers::default();
        let began = std::time::Instant::now();

        for _ in 0..MANY {
            answers.asked(asked);
        }
        let (ahead, said) = said.split_at(usize::from(said.starts_with('c')));
        ahead.bytes().for_each(|tag| answers.asked(tag));
        for _ in 0..MANY {
            said.bytes().for_each(|tag| answers.answered(tag));
        }

        assert!(answers.owes());
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    }
}
