//! The command `report`: records in, pages out.

use crate::cli::ReportArgs;
use crate::failure::{Failure, exit};
use crate::record::Record;
use crate::report::cost_run::CostRun;
use crate::report::{self, Options};

/// Writes the reports and names the files.
///
/// # Errors
/// When a record cannot be read or a page cannot be written: both are named on the command line.
pub fn run(args: ReportArgs) -> anyhow::Result<u8> {
    let ReportArgs {
        dirs,
        out,
        handler_ms,
        splice,
        ladder,
        cost,
        against,
    } = args;
    let against = against.map(|dir| Record::load(&dir)).transpose();
    let costs = cost.as_deref().map(CostRun::load).transpose();
    let options = Options {
        handler_ms,
        out,
        splice,
        ladder,
        against: against.map_err(|error| Failure::Usage(format!("--against {error}")))?,
        costs: costs.map_err(|error| Failure::Usage(format!("{error:#}")))?,
    };
    let written = report::run(&dirs, &options);
    let written = written.map_err(|error| Failure::Usage(format!("{error:#}")))?;
    for file in written {
        println!("{}", file.display());
    }
    Ok(exit::OK)
}
