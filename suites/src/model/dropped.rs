//! An operation that is dropped, and what must be so then: the pool lends the session again, who gets
//! it has answers of its own and commits what it writes, nothing is left open, and the tables are as
//! in one of the worlds that the model allows.

use std::time::Duration;

use dropproof::{
    contract::{self, Op, Pool, Statement, Value},
    poll::{Cut, cut_after},
    sweep::Class,
    wire,
};
use tokio::time::{Instant, interval};

use super::{
    case::Place,
    plan::Step,
    play::{Player, Stop},
    seat::Seat,
    worlds::Fork,
};
use crate::spoken;

/// These are asked, so that answers which are one too late are seen.
const QUESTIONS: [i64; 3] = [1001, 1002, 1003];
/// Where other threads do the clean-up, the witness is asked for this long whether it is over.
const CLEAN_UP_MAX: Duration = Duration::from_secs(3);
const ASK_EVERY: Duration = Duration::from_millis(2);

impl Player<'_> {
    /// Does a step, and drops it where the fork says; returns the world in which the case goes on.
    /// Where the step has ended before, nothing is dropped.
    pub(super) async fn fork<'w>(
        &mut self,
        step: &Step,
        fork: &'w Fork,
    ) -> Result<Option<&'w Vec<Step>>, Stop> {
        let subject = self.subject;
        let act = Box::pin(self.act(step));
        let ended = match on_the_wire(fork.place) {
            Ok(place) => subject.drop_at(place, act).await,
            Err(polls) => match cut_after(act, polls).await {
                Cut::Finished(ended) => Some(ended),
                Cut::Dropped => None,
            },
        };
        if let Some(given) = ended {
            return self.came_to(step, given).await.map(|()| None);
        }
        subject.settle().await;
        let met = subject.proxy.as_ref().and_then(|proxy| spoken::met(&proxy.wire()));
        let met = met.map_or(String::new(), |met| format!(", {met}"));
        let said = subject.proxy.as_ref().map(|proxy| spoken::lines(&proxy.wire()));
        let at = format!("; it was dropped {}{met}", fork.place);
        self.dropped = Some((at, said.unwrap_or_default()));
        self.lend_again(step.operation.session).await?;
        self.left_open().await?;
        let world = self.world(step, fork).await?;
        self.views(&world[fork.at]).await?;
        Ok(Some(world))
    }

    /// Gives the seat another session, and works with it as its next borrower.
    async fn lend_again(&mut self, session: u8) -> Result<(), Stop> {
        let lent = self.subject.unless_seen_stuck(self.confirm, self.subject.pool.session()).await;
        let Some(lent) = lent else {
            return broken(Class::Stuck, format!("session {session} is never lent again"));
        };
        match lent {
            Ok(lent) => self.seats[usize::from(session) - 1] = Seat::new(lent),
            Err(error) => {
                let class = error.class();
                let message = format!("session {session} is lent again with class `{class}`");
                return broken(Class::Stuck, message);
            }
        }
        for asked in QUESTIONS {
            let question = Op::Fetch(Statement::echo(self.subject.dialect(), asked));
            let rows = self.borrow(session, question).await?.rows();
            if rows.ok().is_none_or(|rows| rows != [[Value::Int(asked)]]) {
                let message = format!("session {session} gets the answer to another question");
                return broken(Class::Desynced, message);
            }
        }
        // SQLite has one writer.
        if self.subject.proxy.is_some() || self.transactions() == 0 {
            self.write(session).await?;
        }
        self.settings(session).await.map_err(|error| fails(session, error.class()))
    }

    /// Writes a row that must be committed at once.
    async fn write(&mut self, session: u8) -> Result<(), Stop> {
        let canary = QUESTIONS[0];
        let insert =
            Statement::new("INSERT INTO canaries (nonce) VALUES (?)", [Value::Int(canary)]);
        self.borrow(session, Op::Change(insert)).await?;
        if self.subject.witness().rows("canaries").await?.is_empty() {
            let message = format!("what session {session} writes next is not committed");
            return broken(Class::Poisoned, message);
        }
        Ok(())
    }

    async fn borrow(&mut self, session: u8, op: Op) -> Result<contract::Answer, Stop> {
        let seat = &mut self.seats[usize::from(session) - 1];
        match self.subject.unless_seen_stuck(self.confirm, seat.run(op)).await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(fails(session, error.class())),
            None => broken(Class::Stuck, format!("session {session} never answers again")),
        }
    }

    /// How many sessions are in a transaction, as the model has it.
    fn transactions(&self) -> usize {
        self.seats.iter().filter(|seat| seat.is_inside()).count()
    }

    /// Asks whether more is open than the transactions of the other sessions.
    ///
    /// The witness cannot tell those apart, so beside them it is what the server announces that counts.
    async fn left_open(&self) -> Result<(), Stop> {
        let (subject, others) = (self.subject, self.transactions());
        let announced =
            subject.proxy.as_ref().map_or(0, |proxy| spoken::transactions(&proxy.wire()));
        let mut is_open = others < announced;
        if others == 0 && !is_open {
            let mut ask = interval(ASK_EVERY);
            let began = Instant::now();
            let connections = subject.connections().unwrap_or_default();
            loop {
                is_open = !subject.witness().left_open(connections).await?.is_empty();
                // What is said on a wire was waited for.
                if !is_open || subject.proxy.is_some() || CLEAN_UP_MAX <= began.elapsed() {
                    break;
                }
                ask.tick().await;
            }
        }
        match is_open {
            true => broken(Class::Open, "a transaction is left open".to_owned()),
            false => Ok(()),
        }
    }

    /// The world that the tables are in.
    async fn world<'w>(&mut self, step: &Step, fork: &'w Fork) -> Result<&'w Vec<Step>, Stop> {
        let tables = self.subject.witness().tables().await?;
        let known = self.ids.clone();
        let whole = step.created.zip(fork.worlds.first()).map(|(number, nothing)| {
            let nothing = &nothing[fork.at].committed;
            known.with_created(&step.operation.action, number, (&tables, nothing))
        });
        let worlds = fork.worlds.iter().zip([known.clone(), whole.unwrap_or(known.clone())]);
        for (world, ids) in worlds {
            if ids.seen(&tables) == world[fork.at].committed.seen() {
                self.ids = ids;
                return Ok(world);
            }
        }
        let worlds = fork.worlds.iter().map(|world| world[fork.at].committed.seen().to_string());
        let worlds = worlds.collect::<Vec<_>>().join(", or ");
        let seen = known.seen(&tables);
        broken(Class::Torn, format!("the witness sees {seen}, and the model {worlds}"))
    }
}

/// A place on the wire, or a number of polls.
fn on_the_wire(place: Place) -> Result<wire::Place, u32> {
    Ok(match place {
        Place::Held(number) => wire::Place::Held(number.into()),
        Place::Unread(number) => wire::Place::Unread(number.into()),
        Place::Sent(number) => wire::Place::Sent(number.into()),
        Place::Poll(number) => return Err(number.into()),
    })
}

fn fails(session: u8, class: contract::Class) -> Stop {
    let message = format!("session {session}, lent again, fails with class `{class}`");
    Stop::Mismatch(Class::Poisoned, message)
}

fn broken<T>(class: Class, what: String) -> Result<T, Stop> {
    Err(Stop::Mismatch(class, what))
}
