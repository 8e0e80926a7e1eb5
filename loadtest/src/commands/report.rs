//! The command `report`: records in, pages out.

use crate::cli::ReportArgs;
use crate::failure::{Failure, exit};
use crate::record::Record;
use crate::report::{self, Costs, Options};

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
        against,
        costs,
    } = args;
    let against = against.map(|dir| Record::load(&dir)).transpose();
    let costs = costs.map(|dir| {
        Record::load(&dir).map(|record| Costs {
            dir: dir.display().to_string(),
            record,
        })
    });
    let costs = costs.transpose();
    let options = Options {
        handler_ms,
        out,
        splice,
        ladder,
        against: against.map_err(|error| Failure::Usage(format!("--against {error}")))?,
        costs: costs.map_err(|error| Failure::Usage(format!("--costs {error}")))?,
    };
    let written = report::run(&dirs, &options);
    let written = written.map_err(|error| Failure::Usage(format!("{error:#}")))?;
    for file in written {
        println!("{}", file.display());
    }
    Ok(exit::OK)
}
