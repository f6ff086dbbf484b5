//! The owner of a run, as its test processes see it: a socket that they hold, and end with.
//!
//! The servers of a run go with their owner. A test process that went on would report errors of
//! connections, and keep what it has made; so it holds a socket to the owner, and ends at its end of
//! file, whatever killed the owner.
//!
//! The same socket takes requests: one line of JSON each, answered by one line, in order. What is
//! lent on a connection is taken back when that ends, so each database is leased on one of its own.
//! The owner's side is `desk` in `dropproof-databases`.

use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
    process,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

use serde::{Deserialize, Serialize};

use crate::database::Kind;

/// What a test process asks of the owner of its run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Whether somebody is there who answers.
    Hello,
    /// A ready database, for as long as the connection lives.
    Lease(Kind),
}

/// What the owner of a run answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The owner is there.
    Welcome,
    /// The name of the database that is lent.
    Leased(String),
    /// The request cannot be carried out, for this reason.
    Refused(String),
}

/// The connection of this process to its owner; a process is part of one run.
static LINK: Mutex<Option<Link>> = Mutex::new(None);

/// Holds the socket of the owner from now on: this process ends when the owner does.
///
/// # Errors
///
/// Fails where nobody listens at the socket.
pub(crate) fn hold(socket: &Path) -> io::Result<()> {
    let mut link = LINK.lock().unwrap_or_else(PoisonError::into_inner);
    if link.is_none() {
        *link = Some(Link::open(socket)?);
    }
    Ok(())
}

/// A database that the owner lends, for as long as the value lives.
#[derive(Debug)]
pub(crate) struct Lease {
    /// The name of the database.
    pub(crate) name: String,
    _held: UnixStream,
}

impl Lease {
    /// Leases a ready database, waiting while the server has no connections left for one more.
    ///
    /// # Errors
    ///
    /// Fails with what the owner says, and where it is gone.
    pub(crate) fn take(socket: &Path, kind: Kind) -> io::Result<Self> {
        let mut stream = UnixStream::connect(socket)?;
        let request = serde_json::to_string(&Request::Lease(kind))? + "\n";
        stream.write_all(request.as_bytes())?;
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line)?;
        match serde_json::from_str(&line)? {
            Answer::Leased(name) => Ok(Self { name, _held: stream }),
            other => Err(unwelcome(other)),
        }
    }
}

fn unwelcome(answer: Answer) -> io::Error {
    match answer {
        Answer::Refused(reason) => io::Error::other(reason),
        Answer::Welcome | Answer::Leased(_) => io::ErrorKind::InvalidData.into(),
    }
}

/// The connection to the owner.
#[derive(Debug)]
struct Link {
    stream: UnixStream,
    answers: mpsc::Receiver<Answer>,
}

impl Link {
    fn open(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        let reading = BufReader::new(stream.try_clone()?);
        let (answered, answers) = mpsc::channel();
        thread::Builder::new().name("dropproof-owner".to_owned()).spawn(move || {
            hear(reading, &answered);
            end();
        })?;
        let mut link = Self { stream, answers };
        match link.ask(&Request::Hello)? {
            Answer::Welcome => Ok(link),
            other => Err(unwelcome(other)),
        }
    }

    /// Asks the owner, blocking until it answers.
    fn ask(&mut self, request: &Request) -> io::Result<Answer> {
        let line = serde_json::to_string(request)? + "\n";
        self.stream.write_all(line.as_bytes())?;
        self.answers.recv().map_err(|_| io::ErrorKind::UnexpectedEof.into())
    }
}

/// Passes answers on until the owner hangs up, or says what is no answer.
fn hear(reading: impl BufRead, answered: &mpsc::Sender<Answer>) {
    for line in reading.lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            // Who does not wait for it any more does not need it.
            Ok(answer) => answered.send(answer).unwrap_or(()),
            Err(_) => return,
        }
    }
}

#[expect(clippy::print_stderr, reason = "the last words of the process")]
fn end() -> ! {
    eprintln!("dropproof: the owner of this run has ended, and its servers with it");
    process::exit(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_heard_until_the_owner_hangs_up() {
        let (answered, answers) = mpsc::channel();

        hear(&b"\"welcome\"\n{\"refused\":\"full\"}\n"[..], &answered);

        drop(answered);
        let heard: Vec<_> = answers.iter().collect();
        assert_eq!(heard, [Answer::Welcome, Answer::Refused("full".to_owned())]);
    }

    #[test]
    fn nobody_at_the_socket_is_an_error() {
        let folder = tempfile::tempdir().unwrap();

        assert!(Link::open(&folder.path().join("owner")).is_err());
    }
}
