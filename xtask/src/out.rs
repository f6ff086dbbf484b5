//! Output: the one place through which everything goes that a person or a program reads.
//!
//! A write to a full disk or to a closed pipe must not panic, and must not look like success either.
//! So the first error of each stream is kept, nothing more is written to that stream, and
//! [`exit_code`] has the last word when the command has ended.

use std::{
    fmt::Arguments,
    io::{self, ErrorKind, Write},
    sync::OnceLock,
};

use miette::miette;

/// What could not be written: the first error of each stream.
static FAILED: [OnceLock<io::Error>; 2] = [OnceLock::new(), OnceLock::new()];

/// The exit code of a program whose reader has gone: 128 and the number of SIGPIPE, as of `yes | head`.
const READER_GONE: u8 = 141;
/// The exit code of a command that could not be carried out.
const NOT_CARRIED_OUT: u8 = 2;

/// Where output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// What was asked for.
    Output,
    /// Progress and errors.
    Error,
}

/// Prints a line to standard output.
macro_rules! outln {
    ($($text:tt)*) => {
        $crate::out::print($crate::out::Stream::Output, format_args!("{}\n", format_args!($($text)*)))
    };
}

/// Prints a line to standard error.
macro_rules! errln {
    ($($text:tt)*) => {
        $crate::out::print($crate::out::Stream::Error, format_args!("{}\n", format_args!($($text)*)))
    };
}

pub(crate) use {errln, outln};

/// Prints a text, unless an earlier one could not be written to the same stream.
pub(crate) fn print(stream: Stream, text: Arguments<'_>) {
    if stream.failed().is_some() {
        return;
    }
    // In one write, so that lines of several threads do not mix.
    let text = text.to_string();
    let written = match stream {
        Stream::Output => write(anstream::stdout(), &text),
        Stream::Error => write(anstream::stderr(), &text),
    };
    stream.note(written);
}

/// The exit code of a command, where its own would hide that its output is lost.
///
/// Says on the other stream that one could not be written. A reader of standard output that has
/// gone, as `head` has, has seen enough: that is said by the code alone, and only in place of success.
pub(crate) fn exit_code(code: u8) -> u8 {
    Stream::Output.note(io::stdout().flush());
    let lost = Stream::ALL.into_iter().find_map(|stream| Some((stream, stream.lost()?)));
    if let Some((stream, error)) = lost {
        let help = "free space where it goes, or send it elsewhere";
        let (name, other) = match stream {
            Stream::Output => ("output", Stream::Error),
            Stream::Error => ("error", Stream::Output),
        };
        let report = miette!(help = help, "standard {name} cannot be written: {error}");
        print(other, format_args!("{report:?}\n"));
        return code.max(NOT_CARRIED_OUT);
    }
    match Stream::Output.failed() {
        Some(_) if code == 0 => READER_GONE,
        _ => code,
    }
}

impl Stream {
    const ALL: [Self; 2] = [Stream::Output, Stream::Error];

    /// Keeps the error of a write, if it is the first one.
    pub(crate) fn note(self, written: io::Result<()>) {
        if let Err(error) = written {
            // A later error has the same cause.
            FAILED[self as usize].set(error).ok();
        }
    }

    fn failed(self) -> Option<&'static io::Error> {
        FAILED[self as usize].get()
    }

    /// The error of a stream whose reader may still be there.
    fn lost(self) -> Option<&'static io::Error> {
        self.failed().filter(|error| error.kind() != ErrorKind::BrokenPipe)
    }
}

fn write(mut stream: impl Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
}
