//! `taf train`.

use anyhow::Result;

use crate::args::TrainArgs;
use crate::exit::Status;
use crate::fitting;
use crate::reports;
use crate::session::{self, Session};
use crate::trained::autodiff_device;

/// Trains from scratch, or goes on with that.
pub fn run(args: TrainArgs) -> Result<Status> {
    let asked = args.recipe.as_deref().map(|path| session::read_recipe(path, &args.run)).transpose()?;
    let Some(session) = Session::begin(&args.run, asked, None)? else {
        return session::tell_finished(&args.run);
    };
    let model = session.plan.init_model(&autodiff_device());
    let resume = format!("taf train --out {} --resume", args.run.out.display());
    fitting::to_the_end(&session, model, "training", &resume, args.run.json, || reports::training(&session))
}
