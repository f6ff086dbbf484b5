//! The order of results: as the work ends, or as it was given.

use std::{collections::BTreeSet, pin::pin};

use dropproof::{
    contract::{self, Class, Ending, Gate},
    verdict::{Error, Level, Verdict},
};
use futures::{
    FutureExt, StreamExt,
    future::{Either, join_all, select},
    stream::{self, FuturesUnordered},
};
use tokio::task::JoinSet;

use super::work::{ENDS, Log, SESSIONS, WORDS, works};
use crate::{
    Check, Fault, Subject,
    cell::Scenario,
    oracle::{EVERYWHERE, Original, Pair, traces},
    trace::Fact,
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: AS_IT_ENDS.check,
        level: Level::Must,
        requirement: "Work on several sessions that is spawned on one thread MUST begin when its \
            parent first waits, in the order in which it was spawned, and MUST be handed out as \
            it ends, one by one; an error MUST come out in its turn, and the rest after it.",
        claims: &[
            "iter-as-completed-order",
            "iter-lazy-greet-steps",
            "iter-as-completed-start-order",
        ],
        needs: &[],
        since: "0.1.0",
        background: "`JoinSet` and `FuturesUnordered` hand out what has ended. A layer that lets \
            its sessions wait for each other, behind a lock of the pool or in one task that \
            answers in order, makes the first wait for the last.",
        catches: &[
            (Fault::AnswersInTurn, "WORLD is not handed out"),
            (Fault::RefusalHidden, "no error comes out"),
        ],
        run: |cell| {
            cell.play_scenario_lending(SESSIONS, &AS_IT_ENDS, results_come_as_the_work_ends)
        },
    },
    Check {
        id: AS_GIVEN.check,
        level: Level::Must,
        requirement: "Work on several sessions that is joined, or buffered, MUST give its results \
            in the order of the arguments, each its own, in whatever order it ends.",
        claims: &["iter-as-completed-order"],
        needs: &[],
        since: "0.1.0",
        background: "`join_all` and `buffered` keep what has ended until its turn, so a result is \
            told from another by its place alone: it has to be that of the session it was asked \
            of.",
        catches: &[
            (Fault::AnswersInTurn, "is not done when its gate is open"),
            (Fault::LastStepLost, "0 answers"),
        ],
        run: |cell| cell.play_scenario_lending(SESSIONS, &AS_GIVEN, joined_results_keep_the_order),
    },
];

pub(super) const AS_IT_ENDS: Scenario = Scenario {
    check: "async-iter/results-come-as-the-work-ends",
    originals: &[
        Original {
            claim: "iter-as-completed-order",
            traces: traces!("iter-as-completed-order", none),
            pairs: &[
                Pair { theirs: ("as_completed", 0), ours: "as it ends", on: EVERYWHERE },
                Pair {
                    theirs: ("as_completed_with_an_error", 0),
                    ours: "with an error",
                    on: EVERYWHERE,
                },
            ],
            left_out: &[(
                ("gather", 0),
                "async-iter/joined-results-keep-the-order-of-the-arguments has it",
            )],
            deviations: &[],
        },
        Original {
            claim: "iter-lazy-greet-steps",
            traces: traces!("iter-lazy-greet-steps", none),
            pairs: &[
                Pair { theirs: ("before_first_await", 0), ours: "booked", on: EVERYWHERE },
                Pair { theirs: ("whole_order", 0), ours: "the whole order", on: EVERYWHERE },
            ],
            left_out: &[],
            deviations: &[],
        },
    ],
};

pub(super) const AS_GIVEN: Scenario = Scenario {
    check: "async-iter/joined-results-keep-the-order-of-the-arguments",
    originals: &[Original {
        claim: "iter-as-completed-order",
        traces: traces!("iter-as-completed-order", none),
        pairs: &[Pair { theirs: ("gather", 0), ours: "joined", on: EVERYWHERE }],
        left_out: &[
            (("as_completed", 0), "async-iter/results-come-as-the-work-ends has it"),
            (("as_completed_with_an_error", 0), "the same"),
        ],
        deviations: &[],
    }],
};

async fn results_come_as_the_work_ends(subject: &Subject) -> Result<Verdict, Error> {
    if let Some(wrong) = spawned(subject).await? {
        return Ok(Verdict::violated(wrong));
    }
    if let Some(wrong) = unordered(subject).await? {
        return Ok(Verdict::violated(wrong));
    }
    Ok(with_an_error(subject).await?.map_or(Verdict::Upheld, Verdict::violated))
}

fn not_handed_out(word: &str) -> String {
    format!("{} is not handed out when it has ended", word.to_uppercase())
}

/// Spawns the work as the original does; `None` where all is as it must be.
async fn spawned(subject: &Subject) -> Result<Option<String>, Error> {
    let (works, gates) = works(&subject.pool, subject.dialect(), |_| Ending::Commit).await?;
    subject.settle().await;
    let (log, before) = (Log::default(), subject.forwarded());
    log.say("main runs".to_owned());
    let mut tasks = JoinSet::new();
    for work in works {
        tasks.spawn(work.done(log.clone()));
    }
    log.say("main booked five".to_owned());
    let booked = log.lines();
    subject.trace.note("booked", booked.join(", "));
    subject.trace.fact(Fact::Value, booked.clone());
    if booked.len() != 2 || subject.forwarded() != before {
        return Ok(Some(format!("work begins before its parent waits: {booked:?}")));
    }

    let mut order = Vec::new();
    for (place, number) in ENDS.into_iter().zip(1..) {
        log.say(format!("main awaits #{number}"));
        if number == 1 {
            // Threads of a library answer when they like, so nothing ends before all has begun.
            let begun = join_all(gates.iter().map(Gate::reached));
            if subject.unless_stuck(begun).await.is_none() {
                return Ok(Some("the work does not begin when its parent waits".to_owned()));
            }
        }
        gates[place].open();
        match subject.unless_stuck(tasks.join_next()).await.flatten() {
            None => return Ok(Some(not_handed_out(WORDS[place]))),
            Some(Err(_)) => return Ok(Some("a task that works on a session panics".to_owned())),
            Some(Ok(word)) => {
                let word = word?;
                log.say(format!("main has {word}"));
                order.push(word);
            }
        }
    }
    subject.trace.note("the whole order", log.lines().join(", "));
    subject.trace.fact(Fact::Value, log.lines());
    let due: Vec<String> = ENDS.map(|place| WORDS[place].to_uppercase()).into();
    let starts: Vec<String> = WORDS.map(|word| format!("start {word}")).into();
    let started: Vec<String> =
        log.lines().into_iter().filter(|line| line.starts_with("start ")).collect();
    Ok(if order != due {
        Some(format!("what ends as {due:?} is handed out as {order:?}"))
    } else if started != starts {
        Some(format!("the work begins as {started:?}"))
    } else {
        None
    })
}

/// The same work, polled by its parent.
async fn unordered(subject: &Subject) -> Result<Option<String>, Error> {
    let (works, gates) = works(&subject.pool, subject.dialect(), |_| Ending::Commit).await?;
    let works = works.into_iter().map(|work| work.done(Log::default()));
    let mut works: FuturesUnordered<_> = works.collect();
    let mut order = Vec::new();
    for place in ENDS {
        gates[place].open();
        match subject.unless_stuck(works.next()).await.flatten() {
            None => return Ok(Some(not_handed_out(WORDS[place]))),
            Some(word) => order.push(word?),
        }
    }
    subject.trace.note("as it ends", order.join(", "));
    subject.trace.fact(Fact::Value, order.clone());
    let due = ENDS.map(|place| WORDS[place].to_uppercase());
    Ok((order != due).then(|| format!("what ends as {due:?} is handed out as {order:?}")))
}

/// The same work, of which the one that ends first fails.
async fn with_an_error(subject: &Subject) -> Result<Option<String>, Error> {
    let failing = WORDS[ENDS[0]];
    let ending = |word: &str| if word == failing { Ending::Fail } else { Ending::Commit };
    let (works, gates) = works(&subject.pool, subject.dialect(), ending).await?;
    let works = works.into_iter().map(|work| work.done(Log::default()));
    let mut works: FuturesUnordered<_> = works.collect();
    let mut results = Vec::new();
    for place in ENDS {
        gates[place].open();
        match subject.unless_stuck(works.next()).await.flatten() {
            None => return Ok(Some(not_handed_out(WORDS[place]))),
            Some(result) => results.push(result.map_err(|error| error.class())),
        }
    }
    let shown = |result: &Result<String, Class>| match result {
        Ok(word) => word.clone(),
        Err(class) => format!("error {class}"),
    };
    let shown = results.iter().map(shown).collect::<Vec<_>>().join(", ");
    subject.trace.note("with an error", &shown);
    let due = ENDS.map(|place| WORDS[place].to_uppercase());
    let rest = results[1..].iter().zip(&due[1..]).all(|(result, due)| result.as_ref() == Ok(due));
    Ok(match (&results[0], rest) {
        (Err(Class::Planted), true) => None,
        (Err(Class::Planted), false) => Some(format!("after an error the rest is {shown}")),
        _ => Some(format!("no error comes out in its turn: {shown}")),
    })
}

async fn joined_results_keep_the_order(subject: &Subject) -> Result<Verdict, Error> {
    if let Some(wrong) = joined(subject).await? {
        return Ok(Verdict::violated(wrong));
    }
    Ok(buffered(subject).await?.map_or(Verdict::Upheld, Verdict::violated))
}

fn not_done(word: &str) -> String {
    format!("the work on {word} is not done when its gate is open")
}

/// Opens the gates in their order, while all of the work is waited for.
async fn joined(subject: &Subject) -> Result<Option<String>, Error> {
    let (works, gates) = works(&subject.pool, subject.dialect(), |_| Ending::Commit).await?;
    let log = Log::default();
    let mut all = join_all(works.into_iter().map(|work| work.done(log.clone())));
    let mut results = None;
    for place in ENDS {
        gates[place].open();
        match subject.unless_stuck(select(pin!(log.ended()), &mut all)).await {
            None => return Ok(Some(not_done(WORDS[place]))),
            Some(Either::Left(_)) => {}
            Some(Either::Right((all, _))) => results = Some(all),
        }
    }
    let results = match results {
        Some(results) => results,
        None => all.await,
    };
    let results = results.into_iter().collect::<contract::Result<Vec<_>>>()?;
    subject.trace.note("joined", results.join(", "));
    subject.trace.fact(Fact::Value, results.clone());
    let due = WORDS.map(str::to_uppercase);
    Ok((results != due).then(|| format!("the joined results are {results:?}")))
}

/// The same, where a result is handed out as soon as all before it are.
async fn buffered(subject: &Subject) -> Result<Option<String>, Error> {
    let (works, gates) = works(&subject.pool, subject.dialect(), |_| Ending::Commit).await?;
    let (log, at_a_time) = (Log::default(), works.len());
    let works = works.into_iter().map(|work| work.done(log.clone()));
    let mut results = pin!(stream::iter(works).buffered(at_a_time));
    let (mut done, mut given) = (BTreeSet::new(), Vec::new());
    for place in ENDS {
        gates[place].open();
        done.insert(place);
        match subject.unless_stuck(select(pin!(log.ended()), results.next())).await {
            None => return Ok(Some(not_done(WORDS[place]))),
            Some(Either::Left(_)) => {}
            Some(Either::Right((next, ended))) => {
                ended.await;
                given.extend(next.transpose()?);
            }
        }
        while let Some(Some(next)) = results.next().now_or_never() {
            given.push(next?);
        }
        let due = WORDS.iter().enumerate().take_while(|(place, _)| done.contains(place));
        let due: Vec<String> = due.map(|(_, word)| word.to_uppercase()).collect();
        if given != due {
            let word = WORDS[place];
            return Ok(Some(format!("when {word} has ended, {given:?} are given, not {due:?}")));
        }
    }
    Ok(None)
}
