//! Close: a unit of work whose close nobody waits for.

use dropproof::{
    contract::Capability,
    verdict::{Error, Level, Verdict},
};

use crate::{
    Check, Fault, Subject,
    cell::Scenario,
    oracle::{Original, pair, traces},
    session_scope::{echoes, steps::units, task},
    trace::Fact,
};

pub(super) const CHECKS: &[Check] = &[Check {
    id: CLOSE.check,
    level: Level::Must,
    requirement: "A unit of work whose close nobody has waited for MUST keep its connection no \
                longer than it lives: when it is dropped its transaction is rolled back, and its \
                connection is back or replaced.",
    claims: &["await-missing-close"],
    needs: &[Capability::UnitOfWork],
    since: "0.1.0",
    background: "In Rust the session is dropped at the end of its scope, and not when somebody \
                collects it. So a forgotten close costs nothing, as long as the drop does all that the \
                close would have done.",
    catches: &[(Fault::LeaksUnclosed, "are not back")],
    run: |cell| cell.play_scenario(&CLOSE, forgotten_close),
}];

pub(super) const CLOSE: Scenario = Scenario {
    check: "missing-await/forgotten-close-ends-with-its-session",
    originals: &[Original {
        claim: "await-missing-close",
        traces: traces!("await-missing-close"),
        pairs: &[
            pair(("dependency_ended", 0), "awaited: close"),
            pair(("session_collected", 0), "awaited: drop"),
            pair(("next_user_after_collection", 0), "awaited: next"),
            pair(("rows", 0), "awaited: rows"),
            pair(("dependency_ended", 1), "forgotten: close"),
            pair(("session_collected", 1), "forgotten: drop"),
            pair(("next_user_after_collection", 1), "forgotten: next"),
            pair(("rows", 1), "forgotten: rows"),
        ],
        left_out: &[
            (("next_user_while_session_is_referenced", 0), "the pool has more than one here"),
            (("next_user_while_session_is_referenced", 1), "the pool has more than one here"),
        ],
        deviations: &[],
    }],
};

async fn forgotten_close(subject: &Subject) -> Result<Verdict, Error> {
    for (awaited, how) in [(true, "awaited"), (false, "forgotten")] {
        let mut used = units(subject)?.unit();
        used.add(task("new"));
        used.flush().await?;
        if awaited {
            used.close().await?;
        } else {
            drop(used.close());
        }
        let lent = u32::from(!awaited);
        if let Some(verdict) = held(subject, &format!("{how}: close"), lent).await? {
            return Ok(verdict);
        }
        drop(used);
        if let Some(verdict) = held(subject, &format!("{how}: drop"), 0).await? {
            return Ok(verdict);
        }
        let mut next = units(subject)?.unit();
        let answers = echoes(subject, &mut *next, 7).await?;
        subject.trace.note(&format!("{how}: next"), if answers { "7" } else { "another" });
        subject.trace.fact(Fact::Value, 7);
        next.close().await?;
        subject.trace.note(&format!("{how}: rows"), "looked at");
        let rows = subject.rows("tasks").await?;
        if rows != 0 || !answers {
            return Ok(Verdict::violated(format!("{how}: {rows} rows are there, not 0")));
        }
    }
    Ok(Verdict::Upheld)
}

/// Whether so many connections are out, each in its transaction.
async fn held(subject: &Subject, step: &str, lent: u32) -> Result<Option<Verdict>, Error> {
    subject.settle().await;
    subject.trace.note(step, "looked at");
    // The place of a connection that was dropped at work is lent again when it is gone, and not before.
    let others = subject.unless_stuck(subject.connections_out(lent)).await.transpose()?;
    let open = subject.open_transactions().await?;
    if others.is_some() && open == lent as usize {
        return Ok(None);
    }
    let back = if others.is_some() { "back" } else { "not back" };
    Ok(Some(Verdict::violated(format!(
        "{step}: {open} transactions are open, not {lent}, and the connections are {back}"
    ))))
}
