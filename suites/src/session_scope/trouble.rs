//! Trouble: what a session says when its connection is gone.

use dropproof::{
    contract::{Capability, Class},
    verdict::{Error, Level, Verdict},
};

use super::steps::{End, all_are_back, echoes, task, units};
use crate::{Check, Fault, Subject};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "session-scope/failed-end-says-so-and-loses-nothing",
    level: Level::Must,
    requirement: "A commit, a rollback or a close of a session whose connection is gone MUST be \
        an error of class `connection` or `indeterminate`, keep no connection, and leave a \
        session that can be used after its close.",
    claims: &["guard-cancel-during-close", "scope-orm-session-vs-db-session"],
    needs: &[Capability::UnitOfWork, Capability::Connection],
    since: "0.1.0",
    background: "A rollback stands in an error path, where its own error is swallowed most \
        easily: `let _ = session.rollback().await`. Then nobody learns that the server is gone, \
        and the dead connection goes back to the pool.",
    catches: &[(Fault::RollbackHidesError, "is reported as done")],
    run: |cell| cell.play(failed_end_says_so),
}];

async fn failed_end_says_so(subject: &Subject) -> Result<Verdict, Error> {
    let units = units(subject)?;
    for (end, number) in End::ALL.into_iter().zip(1..) {
        let mut unit = units.unit();
        unit.add(task("planted"));
        unit.flush().await?;
        subject.witness().end_connections().await?;
        subject.settle().await;

        let step = format!("{end} without a connection");
        subject.trace.waits_for(&step);
        let Some(ended) = subject.unless_stuck(end.of(&mut *unit)).await else {
            return Ok(Verdict::violated(format!("the {step} never comes to an end")));
        };
        match ended.map_err(|error| error.class()) {
            Ok(()) => return Ok(Verdict::violated(format!("the {step} is reported as done"))),
            Err(Class::Connection | Class::Indeterminate) => {}
            Err(class) => {
                return Ok(Verdict::violated(format!("the {step} is an error of class `{class}`")));
            }
        }
        if !all_are_back(subject).await? {
            return Ok(Verdict::violated(format!("after a {step} its place is lost")));
        }
        // What has failed is to be given up before anything else is asked.
        unit.close().await?;
        if !echoes(subject, &mut *unit, number).await? {
            return Ok(Verdict::violated(format!("after a {step} the session answers falsely")));
        }
        unit.close().await?;
    }
    let rows = subject.rows("tasks").await?;
    Ok(match rows {
        0 => Verdict::Upheld,
        rows => Verdict::violated(format!("{rows} rows are there, and none was committed")),
    })
}
