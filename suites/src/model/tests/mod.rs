//! Tests of the model, of shrinking and of what is kept; and of the check on SQLite, which needs no
//! server.

mod check;
mod dropped;
mod kept;
mod modelled;
mod shrunk;

use dropproof::database::Kind;

use super::{
    case::{Action, Case, Operation},
    rules::Rules,
};

/// A case from its sessions and actions.
fn case(sessions: u8, operations: &[(u8, Action)]) -> Case {
    let operation = |(session, action): &(u8, Action)| Operation {
        session: *session,
        action: action.clone(),
        cut: None,
    };
    Case { sessions, operations: operations.iter().map(operation).collect() }
}

fn create(title: &str) -> Action {
    Action::CreateTask(Some(title.to_owned()))
}

fn rules(kind: Kind) -> Rules {
    Rules::new(kind, &[])
}
