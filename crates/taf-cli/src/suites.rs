//! Suites as they are typed.

use std::sync::LazyLock;

use anyhow::Result;
use clap::Args;
use taf::evaluate::Suite;
use taf_video::corrupt::{Family, Severity};

/// Which suites.
#[derive(Clone, Debug, Args)]
pub struct SuiteArgs {
    /// What to evaluate
    #[arg(long, value_name = "A,B,...", value_delimiter = ',', default_value = STANDARD.as_str())]
    pub suite: Vec<String>,
    /// How bad, from 1 to 5; several are pooled, each once
    #[arg(long, value_name = "N,M,...", value_delimiter = ',', default_value = "3")]
    pub severity: Vec<u8>,
}

/// The standard suites as they would be typed, for the help.
static STANDARD: LazyLock<String> = LazyLock::new(|| {
    let names: Vec<String> = Suite::standard(&Severity::ALL).into_iter().map(|suite| suite.name).collect();
    names.join(",")
});

impl SuiteArgs {
    /// The suites that were named, each once, in order.
    pub fn suites(&self) -> Result<Vec<Suite>> {
        let severities: Vec<Severity> = self.severity.iter().map(|&n| Severity::new(n)).collect::<Result<_, _>>()?;
        let mut suites: Vec<Suite> = Vec::new();
        for name in &self.suite {
            let suite = Suite::named(name.trim(), &severities)?;
            if !suites.contains(&suite) {
                suites.push(suite);
            }
        }
        Ok(suites)
    }
}

/// What `--suite` takes, for the help of a command; `examples` go behind it.
pub fn help(examples: &str) -> String {
    let families = Family::ALL.map(Family::name).join(", ");
    format!(
        "\
Suites:
  clean          the videos as they are
  time-shifted   videos that start too early or too late, or have dropped, frozen or black frames
  {families}   all corruptions of one family
  mini-ssv2-c, imagenet-c, ... a benchmark of `taf robustness`, at those of --severity that it has: the mean over its
                 corruptions, which is its mPC where these are all it has
  gaussian_noise, motion_blur, ... one corruption; a wrong name lists them all

{examples}"
    )
}
