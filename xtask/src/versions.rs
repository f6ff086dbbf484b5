//! The versions of a run: every database once, then each further version by itself.
//!
//! A report has one version of each database, so that its cells stay those of the plan. A further
//! version has a report of its own, beside the first: `latest-postgres-15`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use dropproof::{database::Kind, verdict::Plan};
use dropproof_databases::Settings;

/// Databases in one version each.
pub(crate) struct Set {
    pub(crate) settings: Settings,
    /// The one database that the set is about, with its version; `None` for all.
    only: Option<(Kind, &'static str)>,
}

impl Set {
    /// The sets that these databases are judged on: the first has every one of them.
    pub(crate) fn of(databases: &BTreeSet<Kind>, all_versions: bool) -> Vec<Self> {
        let settings = Settings::from_env();
        let mut sets = vec![Self { settings: settings.clone(), only: None }];
        for kind in databases.iter().copied().filter(|_| all_versions) {
            sets.extend(settings.other_versions(kind).into_iter().map(|version| Self {
                settings: settings.clone().with_version(kind, version),
                only: Some((kind, version)),
            }));
        }
        sets
    }

    /// The part of a plan that is judged on this set.
    pub(crate) fn part(&self, plan: &Plan) -> Plan {
        let mut part = plan.clone();
        if let Some((kind, _)) = self.only {
            part.cells.retain(|cell| cell.database == kind);
            part.trials.retain(|trial| trial.database == kind);
            part.embedded.clear();
        }
        part
    }

    /// Where the report goes, if that of the first set goes to `first`.
    pub(crate) fn folder(&self, first: &Path) -> PathBuf {
        match self.only {
            None => first.to_owned(),
            Some((kind, version)) => {
                let mut name = first.file_name().unwrap_or_default().to_owned();
                name.push(format!("-{kind}-{version}"));
                first.with_file_name(name)
            }
        }
    }

    /// What a person is told before it is judged; nothing of the first.
    pub(crate) fn title(&self) -> Option<String> {
        self.only.map(|(kind, version)| format!("{kind} {version}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_version_has_a_report_of_its_own() {
        let settings = Settings::new();
        let first = Set { settings: settings.clone(), only: None };
        let further = Set { settings, only: Some((Kind::Postgres, "15")) };
        let latest = Path::new("target/dropproof/latest");

        assert_eq!(first.folder(latest), latest);
        assert_eq!(further.folder(latest), Path::new("target/dropproof/latest-postgres-15"));
    }
}
