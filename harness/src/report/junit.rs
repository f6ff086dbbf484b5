//! JUnit, for CI systems that show nothing else.
//!
//! Skipped and blocked are skips there, violated and healed are failures, errors are errors. It has
//! no times, like every report.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::Report;

impl Report {
    /// The report as JUnit: one suite for each cell.
    ///
    /// # Panics
    ///
    /// Never: what is not allowed in XML is taken out when it is written.
    #[must_use]
    pub fn junit(&self) -> String {
        let mut junit = quick_junit::Report::new("dropproof");
        for row in &self.cells {
            let cell = &row.cell;
            let mut suite = TestSuite::new(cell.name());
            let ours =
                |adapter: &str, database| adapter == cell.adapter && database == cell.database;
            for row in self.verdicts.iter().filter(|row| ours(&row.adapter, row.database)) {
                let text = row.message.as_deref().or(row.reason.as_deref()).or(row.link.as_deref());
                suite.add_test_case(case(&row.check, row.verdict, text.unwrap_or_default()));
            }
            for row in self.errors.iter().filter(|row| ours(&row.adapter, row.database)) {
                suite.add_test_case(case(&row.check, "error", &row.causes.join(": ")));
            }
            junit.add_test_suite(suite);
        }
        junit.to_string().expect("a report is valid XML")
    }
}

fn case(check: &str, word: &str, text: &str) -> TestCase {
    let mut status = match word {
        "upheld" | "known" => TestCaseStatus::success(),
        "skipped" | "blocked" => TestCaseStatus::skipped(),
        "error" => TestCaseStatus::non_success(NonSuccessKind::Error),
        _ => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    if word != "upheld" {
        status.set_type(word);
        status.set_message(text);
    }
    TestCase::new(check, status)
}

#[cfg(test)]
mod tests {
    use crate::report::tests::one_of_each;

    #[test]
    fn a_skip_is_no_pass_and_an_error_no_failure() {
        let junit = one_of_each().junit();

        assert!(junit.contains(r#"tests="14" skipped="8" failures="2" errors="2""#), "{junit}");
    }
}
