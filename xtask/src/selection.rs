//! Which trials of a plan are asked for.

use std::collections::BTreeSet;

use clap::Args;
use dropproof::{
    database::Kind,
    verdict::{Cell, Plan, Rule, Trial},
};

use crate::names;

/// Narrows a run down; nothing given means everything.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Selection {
    /// Judge on this database only; may be given several times
    #[arg(long, value_name = "NAME")]
    database: Vec<String>,
    /// Judge this adapter only; may be given several times
    #[arg(long, value_name = "NAME")]
    adapter: Vec<String>,
    /// Run the checks of this suite only; may be given several times
    #[arg(long, value_name = "NAME")]
    suite: Vec<String>,
    /// Run this check only, with or without its suite; may be given several times
    #[arg(long, value_name = "ID")]
    check: Vec<String>,
}

impl Selection {
    /// The databases that were asked for by name: these must be had.
    pub(crate) fn named_databases(&self) -> miette::Result<BTreeSet<Kind>> {
        self.database.iter().map(|name| database(name)).collect()
    }

    /// The part of a plan that is asked for.
    pub(crate) fn of(&self, plan: Plan) -> miette::Result<Plan> {
        let adapters = plan.cells.iter().map(|cell| cell.adapter.as_str());
        let ids = plan.rules.iter().map(|rule| rule.id.as_str());
        let databases = self.named_databases()?;
        let adapters = found("adapter", &self.adapter, adapters)?;
        let suites = found("suite", &self.suite, plan.rules.iter().map(Rule::suite))?;
        let checks = found("check", &self.check, ids)?;

        let any = |names: &BTreeSet<String>, name: &str| names.is_empty() || names.contains(name);
        let rule = |rule: &Rule| any(&suites, rule.suite()) && any(&checks, &rule.id);
        let on = |database: Kind, adapter: &str| {
            (databases.is_empty() || databases.contains(&database)) && any(&adapters, adapter)
        };
        let rules: Vec<Rule> = plan.rules.iter().filter(|r| rule(r)).cloned().collect();
        let wanted: BTreeSet<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
        let cell = |cell: &Cell| on(cell.database, &cell.adapter);
        let trial = |trial: &Trial| {
            wanted.contains(trial.check.as_str()) && on(trial.database, &trial.adapter)
        };
        let trials: Vec<Trial> = plan.trials.into_iter().filter(trial).collect();
        if trials.is_empty() {
            return Err(miette::miette!(
                help = "`cargo xtask test --list` shows what there is",
                "nothing is left to run: no cell has that check, adapter and database together"
            ));
        }
        let cells = plan.cells.into_iter().filter(cell).collect();
        Ok(Plan { rules, cells, trials, ..plan })
    }
}

/// Finds a database by its name.
pub(crate) fn database(name: &str) -> miette::Result<Kind> {
    let name = names::find("database", name, Kind::ALL.map(Kind::name))?;
    Ok(name.parse().expect("the name is one of the databases'"))
}

fn found<'a>(
    what: &str,
    typed: &[String],
    names: impl Iterator<Item = &'a str> + Clone,
) -> miette::Result<BTreeSet<String>> {
    typed.iter().map(|typed| Ok(names::find(what, typed, names.clone())?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use dropproof::verdict::Level;

    use super::*;

    fn plan() -> Plan {
        let rule = |id: &str| Rule {
            id: id.into(),
            level: Level::Must,
            requirement: String::new(),
            claims: Vec::new(),
            needs: Vec::new(),
            since: String::new(),
            background: String::new(),
            mutants: Vec::new(),
        };
        let cell = |database, adapter: &str| Cell {
            database,
            adapter: adapter.into(),
            adapter_version: "1".into(),
        };
        let rules = vec![rule("crud/a"), rule("guard/b")];
        let cells = vec![cell(Kind::Postgres, "one"), cell(Kind::Sqlite, "two")];
        let trials = cells
            .iter()
            .flat_map(|cell| rules.iter().map(move |rule| (cell, rule)))
            .map(|(cell, rule)| Trial {
                name: format!("{}/{}", cell.name(), rule.id),
                check: rule.id.clone(),
                adapter: cell.adapter.clone(),
                database: cell.database,
                skipped: None,
            })
            .collect();
        Plan { rules, cells, trials, ..Plan::default() }
    }

    fn names(selection: &Selection) -> Vec<String> {
        let plan = selection.of(plan()).unwrap();
        plan.trials.into_iter().map(|trial| trial.name).collect()
    }

    #[test]
    fn nothing_given_means_everything() {
        assert_eq!(names(&Selection::default()).len(), 4);
    }

    #[test]
    fn each_option_narrows() {
        let selection = Selection {
            database: vec!["sqlite".into()],
            check: vec!["b".into()],
            ..Selection::default()
        };

        assert_eq!(names(&selection), ["sqlite-two/guard/b"]);
    }

    #[test]
    fn empty_selection_is_an_error() {
        let selection = Selection {
            database: vec!["sqlite".into()],
            adapter: vec!["one".into()],
            ..Selection::default()
        };

        assert!(selection.of(plan()).unwrap_err().to_string().contains("nothing is left"));
    }
}
