//! Work that waits for a session, and the turns in which it gets one.

use std::pin::pin;

use dropproof::{
    contract::{self, Op, Pool, Session},
    verdict::{Error, Level, Verdict},
};
use futures::{FutureExt, StreamExt, stream::FuturesUnordered};

use super::work::{Log, WORDS, upper, word};
use crate::{
    Check, Fault, Subject,
    cell::Scenario,
    oracle::{EVERYWHERE, Original, Pair, traces},
    trace::Fact,
};

pub(super) const CHECKS: &[Check] = &[Check {
    id: IN_TURN.check,
    level: Level::Should,
    requirement: "Work that waits for the one session of a pool SHOULD get it in the order in \
        which it has asked for it, and MUST all come to its end.",
    claims: &["iter-as-completed-start-order"],
    needs: &[],
    since: "0.1.0",
    background: "In which order joined futures are polled first belongs to what joins them, and \
        no caller may depend on it. In which order a pool serves those who wait belongs to the \
        pool: where the last comes first, whoever has waited longest waits on, and under load \
        for ever.",
    catches: &[(Fault::LastWaiterFirst, "have it as")],
    run: |cell| cell.play_scenario_lending(1, &IN_TURN, waiting_work_gets_its_turn),
}];

pub(super) const IN_TURN: Scenario = Scenario {
    check: "async-iter/waiting-work-gets-its-turn",
    originals: &[Original {
        claim: "iter-as-completed-start-order",
        traces: traces!("iter-as-completed-start-order", none),
        pairs: &[Pair { theirs: ("prebuilt_tasks", 0), ours: "the turns", on: EVERYWHERE }],
        left_out: &[(
            ("bare_coroutines", 0),
            "they go through a set there; futures are kept in a list, whose order is promised by \
            nobody",
        )],
        deviations: &[],
    }],
};

async fn waiting_work_gets_its_turn(subject: &Subject) -> Result<Verdict, Error> {
    let (asks, turns) = (Log::default(), Log::default());
    let lent = subject.pool.session().await?;
    let works: FuturesUnordered<_> = WORDS
        .map(|asked| {
            let (asks, turns) = (asks.clone(), turns.clone());
            async move {
                asks.say(asked.to_owned());
                let mut session = subject.pool.session().await?;
                turns.say(asked.to_owned());
                let question = Op::Fetch(upper(subject.dialect(), asked));
                word(&session.run(&question).await?.rows()?)
            }
        })
        .into_iter()
        .collect();
    let begun = asks.lines();
    let mut all = pin!(works.collect::<Vec<contract::Result<String>>>());
    // One poll lets each of them ask.
    if !begun.is_empty() || all.as_mut().now_or_never().is_some() {
        return Ok(Verdict::violated(format!("work begins, or ends, before it may: {begun:?}")));
    }
    drop(lent);
    let Some(results) = subject.unless_stuck(all).await else {
        return Ok(Verdict::violated("work that waits for a session never gets one"));
    };
    let results = results.into_iter().collect::<contract::Result<Vec<_>>>()?;
    let (asked, had) = (asks.lines(), turns.lines());
    subject.trace.note("the turns", if asked == had { "as they were asked for" } else { "others" });
    subject.trace.fact(Fact::Value, asked == had);
    let due: Vec<String> = had.iter().map(|word| word.to_uppercase()).collect();
    Ok(if asked.len() != WORDS.len() || results != due {
        Verdict::violated(format!("of {asked:?}, {had:?} have had it, and {results:?} came of it"))
    } else if asked != had {
        Verdict::violated(format!("those who wait as {asked:?} have it as {had:?}"))
    } else {
        Verdict::Upheld
    })
}
