//! `cargo xtask test` and `cargo xtask mutants`: plan, servers, round, report.

use std::{collections::BTreeSet, path::PathBuf, str::FromStr};

use clap::Args;
use dropproof::{
    database::Kind,
    report::Report,
    sweep::Depth,
    verdict::{Plan, Trial, Verdict},
};
use dropproof_databases::Estate;
use miette::miette;

use crate::{
    Ended,
    interrupt::{Interrupt, Interrupted},
    load::{Load, Priority},
    out::outln,
    progress::Terminal,
    reports::{self, Reports},
    round::Round,
    runner::Runner,
    selection::{Selection, database},
    servers,
    target::Target,
    versions::Set,
    workspace,
};

pub(crate) const TEST_EXAMPLES: &str = "\
Examples:
  cargo xtask test                                     the whole matrix
  cargo xtask test --database sqlite                   without a server
  cargo xtask test --check text-comes-back-as-it-was-stored --seed 7
  cargo xtask test --check random-operations-match-the-model --cases 10000
  cargo xtask test --suite drop-guard --depth full     every cut, with cold caches too
  cargo xtask test --allow-blocked postgres            green on a machine without Docker
  cargo xtask test --all-versions                      then on the older versions, one by one
  cargo xtask test --list                              what there is, without running it

A server of your own is used in place of a container where its variable gives a URL:
  DROPPROOF_POSTGRES_URL=postgres://me:secret@127.0.0.1:5432/mine cargo xtask test

The reports are in target/dropproof/latest: report.json, junit.xml, timings.json, run.log.";

pub(crate) const MUTANTS_EXAMPLES: &str = "\
Examples:
  cargo xtask mutants                          every fault on every cell
  cargo xtask mutants --database sqlite        without a server
  cargo xtask mutants --check class-lost       one fault

A check that no planted fault can turn red proves nothing: a mutant is upheld where its check is
violated with the message that it must give. The reports are in target/dropproof/mutants.";

/// What is run and how.
#[derive(Clone, Debug, Default, Args)]
#[group(id = "judge")]
pub(crate) struct Options {
    #[command(flatten)]
    selection: Selection,
    /// The seed of the properties: a number, or `random` for one that is shown
    #[arg(long, value_name = "SEED", default_value = "0")]
    seed: Seed,
    /// How many random cases a property tries [default: 256, and fewer where one operation is dropped]
    #[arg(long, value_name = "CASES", value_parser = clap::value_parser!(u32).range(1..))]
    cases: Option<u32>,
    /// How many of the cuts of a sweep are visited: quick or full
    #[arg(long, value_name = "DEPTH", default_value_t)]
    depth: Depth,
    /// Do not fail because this database is not to be had; may be given several times
    #[arg(long, value_name = "DATABASE")]
    allow_blocked: Vec<String>,
    /// Judge on every version that there are images of; each has a report of its own
    #[arg(long)]
    all_versions: bool,
    /// List the trials and run none
    #[arg(long)]
    list: bool,
    /// Run so often, and fail where two reports differ
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Burn every core meanwhile, so that timing differs as much as it can
    #[arg(long)]
    load: bool,
    /// Leave the containers running, and say how to use and remove them
    #[arg(long)]
    keep: bool,
    /// The folder for the reports, new or with nothing else in it [default: target/dropproof/latest,
    /// or mutants]
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// What runs the trials [default: nextest where it is there]
    #[arg(long, value_enum)]
    runner: Option<Runner>,
}

impl Options {
    /// Everything, where these databases may be blocked.
    pub(crate) fn allowing(allow_blocked: Vec<String>) -> Self {
        Self { allow_blocked, repeat: 1, ..Self::default() }
    }

    /// Takes the reports of an earlier run away, so that no way in which this run ends leaves them.
    ///
    /// Every folder is checked before anything is removed. Arguments that are wrong by themselves
    /// come before, and leave the reports. Names that only the checks know (of an adapter, a suite
    /// or a check) come after, because the checks must be built to know them. Of the older versions,
    /// the folders of all go whose database was asked for.
    ///
    /// # Errors
    ///
    /// Fails if a folder is none for reports, or if a database is not known.
    pub(crate) fn make_way(&self, target: Target) -> miette::Result<()> {
        self.allowed()?;
        let named = self.selection.named_databases()?;
        let all = || Kind::ALL.into_iter().collect();
        let databases = if named.is_empty() { all() } else { named };
        let first = self.folder(target)?;
        let sets = Set::of(&databases, self.all_versions).into_iter();
        let reports = sets.map(|set| Reports::at(&set.folder(&first)));
        let reports: Vec<Reports> = reports.collect::<miette::Result<_>>()?;
        reports.iter().try_for_each(Reports::clear)
    }

    /// The folder of the reports on the first set of versions.
    fn folder(&self, target: Target) -> miette::Result<PathBuf> {
        match &self.output {
            Some(folder) => Ok(folder.clone()),
            None => Ok(workspace::output()?.join(target.folder())),
        }
    }

    /// The databases that may be blocked.
    pub(crate) fn allowed(&self) -> miette::Result<BTreeSet<Kind>> {
        self.allow_blocked.iter().map(|name| database(name)).collect()
    }
}

/// The seed of the properties.
#[derive(Clone, Copy, Debug, Default)]
struct Seed(u64);

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "random" => getrandom::u64().map(Self).map_err(|error| error.to_string()),
            number => number.parse().map(Self).map_err(|_| "a number, or `random`".to_owned()),
        }
    }
}

/// Judges the cells that are asked for by a test target, from the plan to the report.
pub(crate) async fn run(
    target: Target,
    options: &Options,
    estate: &Estate,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    if !options.list {
        options.make_way(target)?;
    }
    let plan = match interrupt.unless(target.plan(estate, terminal)).await {
        Ok(plan) => options.selection.of(plan?)?,
        Err(Interrupted(signal)) => return Ok(Ended::Interrupted(signal)),
    };
    if options.list {
        list(&plan);
        return Ok(Ended::Well);
    }
    let mut ended = Ended::Well;
    let databases = plan.cells.iter().map(|cell| cell.database).collect();
    for set in Set::of(&databases, options.all_versions) {
        match judge(target, options, &set, &set.part(&plan), estate, terminal, interrupt).await? {
            Ended::Well => {}
            Ended::Badly => ended = Ended::Badly,
            interrupted @ Ended::Interrupted(_) => return Ok(interrupted),
        }
    }
    Ok(ended)
}

/// Judges a plan on one version of each database.
async fn judge(
    target: Target,
    options: &Options,
    set: &Set,
    plan: &Plan,
    estate: &Estate,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    if let Some(title) = set.title() {
        terminal.say("version", &title);
    }
    let reports = Reports::at(&set.folder(&options.folder(target)?))?;
    let named = options.selection.named_databases()?;
    let databases = plan.cells.iter().map(|cell| cell.database).collect();
    let started = servers::start(estate, &databases, &named, &set.settings, terminal);
    let owner = match interrupt.unless(started).await {
        Ok(owner) => owner?,
        Err(Interrupted(signal)) => return Ok(Ended::Interrupted(signal)),
    };
    let runner = match options.runner {
        Some(runner) => runner,
        None => Runner::at_hand().await?,
    };
    let Options { seed: Seed(seed), cases, depth, .. } = *options;
    let round = Round { target, plan, seed, cases, depth, runner, owner: &owner };
    let load = options.load.then(|| Load::begin(Priority::Normal));
    let ran = repeat(&round, &reports, options.repeat, terminal, interrupt).await;
    drop(load);
    let allowed = options.allowed()?;
    let ended = ran.map(|ran| match ran {
        Ok(report) if show(&report, &reports) && report.blocked().is_subset(&allowed) => {
            Ended::Well
        }
        Ok(_) => Ended::Badly,
        Err(Interrupted(signal)) => Ended::Interrupted(signal),
    });
    if options.keep {
        servers::keep(owner, terminal).await?;
    } else {
        servers::stop(owner).await?;
    }
    ended
}

/// Runs a round so often, and wants the same report each time.
async fn repeat(
    round: &Round<'_>,
    reports: &Reports,
    times: u32,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Result<Report, Interrupted>> {
    let mut first = None;
    for time in 1..=times {
        let report = match round.run(reports, terminal, interrupt).await? {
            Ok(report) => report,
            Err(interrupted) => return Ok(Err(interrupted)),
        };
        if time == 1 && 0 < report.totals().error {
            // A question that was not answered is not answered alike in every round.
            return Ok(Ok(report));
        }
        let first = first.get_or_insert_with(|| report.clone());
        if first.json() != report.json() {
            outln!("{}", first.terminal());
            outln!("{}", report.terminal());
            reports.clear()?;
            return Err(miette!("report {time} of {times} differs from the first; both are above"));
        }
        if 1 < times {
            terminal.say("round", &format!("{time} of {times}, the same report"));
        }
    }
    Ok(Ok(first.expect("there is at least one round")))
}

/// Prints the matrix, and says whether no verdict is red.
fn show(report: &Report, reports: &Reports) -> bool {
    outln!("\n{}", report.terminal());
    outln!("report: {}", reports.path(reports::REPORT).display());
    let totals = report.totals();
    totals.violated + totals.healed + totals.error == 0
}

fn list(plan: &Plan) {
    for Trial { name, skipped, .. } in &plan.trials {
        match skipped {
            Some(Verdict::Skipped { reason, .. }) => {
                outln!("{name}  skipped: {reason}")
            }
            _ => outln!("{name}"),
        }
    }
}
