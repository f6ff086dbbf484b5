//! Work whose end the check decides: a transaction that waits at a gate, and then asks its question.

use std::sync::{Arc, Mutex};

use dropproof::contract::{
    self, Answer, BoxedPool, BoxedSession, Class, Dialect, Ending, Gate, Op, Row, Script, Session,
    Statement, Step, Value,
};
use tokio::sync::Semaphore;

use super::steps::lease;

/// The words of the original, in the order in which its work is booked.
pub(super) const WORDS: [&str; 5] = ["hello", "world", "apple", "banana", "cherry"];
/// The places of the words in the order in which their work ends there.
pub(super) const ENDS: [usize; 5] = [1, 4, 3, 0, 2];
/// So many sessions are at work.
pub(super) const SESSIONS: u32 = 5;

/// What has happened, in order.
#[derive(Clone, Debug)]
pub(super) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    /// How much work has ended that nobody has waited for.
    ended: Arc<Semaphore>,
}

impl Default for Log {
    fn default() -> Self {
        Self { lines: Arc::default(), ended: Arc::new(Semaphore::new(0)) }
    }
}

impl Log {
    pub(super) fn say(&self, line: String) {
        self.lines.lock().expect("nobody panics with it").push(line);
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("nobody panics with it").clone()
    }

    /// Waits until some work has ended, each for once.
    pub(super) async fn ended(&self) {
        self.ended.acquire().await.expect("the semaphore is never closed").forget();
    }
}

/// The word that the server makes of another.
pub(super) fn upper(dialect: Dialect, word: &str) -> Statement {
    let sql = match dialect {
        Dialect::MySql => "SELECT UPPER(CAST(? AS CHAR))",
        _ => "SELECT UPPER(CAST(? AS TEXT))",
    };
    Statement::new(sql, [word.into()])
}

/// What an answer to [`upper`] says.
pub(super) fn word(rows: &[Row]) -> contract::Result<String> {
    match rows {
        [row] => match row.as_slice() {
            [Value::Text(word)] => Ok(word.clone()),
            other => Err(contract::Error::new(Class::Data, format!("no word is {other:?}"))),
        },
        other => Err(contract::Error::new(Class::NotFound, format!("no word is {other:?}"))),
    }
}

/// Work on a session of its own, which ends when its gate is opened.
#[derive(Debug)]
pub(super) struct Work<S> {
    pub(super) word: &'static str,
    session: S,
    script: Script,
    record: contract::Record,
}

impl<S: Session> Work<S> {
    /// Waits at the gate, asks for the word in capital letters, and commits.
    pub(super) async fn done(self, log: Log) -> contract::Result<String> {
        let Self { word: asked, mut session, script, record } = self;
        log.say(format!("start {asked}"));
        session.transact(script).await?;
        log.say(format!("end {asked}"));
        log.ended.add_permits(1);
        match record.answers().as_slice() {
            [Answer::Rows(rows)] => word(rows),
            others => Ok(format!("{} answers", others.len())),
        }
    }
}

/// Leases a session for each word, and makes work of it, which nothing has begun yet.
pub(super) async fn works(
    pool: &BoxedPool,
    dialect: Dialect,
    ending: impl Fn(&str) -> Ending,
) -> contract::Result<(Vec<Work<BoxedSession>>, Vec<Gate>)> {
    let (mut works, mut gates) = (Vec::new(), Vec::new());
    for (session, word) in lease(pool, SESSIONS).await?.into_iter().zip(WORDS) {
        let gate = Gate::default();
        let steps = [Step::Hold(gate.clone()), Step::Run(Op::Fetch(upper(dialect, word)))];
        let (script, record) = Script::new(steps, ending(word));
        works.push(Work { word, session, script, record });
        gates.push(gate);
    }
    Ok((works, gates))
}
