//! `taf train`.

use anyhow::Result;

use crate::args::TrainArgs;
use crate::exit::Status;
use crate::fitting::{self, Job};
use crate::reports;
use crate::session::{self, Session};
use crate::trained::autodiff_device;

/// Trains from scratch, or goes on with that.
pub fn run(args: TrainArgs) -> Result<Status> {
    let recipe = match &args.recipe {
        Some(path) => args.run.read_recipe(path)?,
        None => args.run.own_recipe()?,
    };
    let Some(session) = Session::begin(&args.run.out, args.run.existing(), recipe, None)? else {
        return session::tell_finished(&args.run);
    };
    let model = session.plan.init_model(&autodiff_device());
    let resume = format!("taf train --out {} --resume", args.run.out.display());
    let job = Job { what: "training", resume: &resume, json: args.run.json };
    fitting::to_the_end(&session, model, &job, || reports::training(&session))
}
