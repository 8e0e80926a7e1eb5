//! The command `watch`: the live board alone, until Ctrl-C.

use super::board_failure;
use crate::board::Rules;
use crate::board::watch::{Running, Settings, WatchError, watch};
use crate::cli::WatchArgs;
use crate::failure::exit;
use crate::run::interrupted;

/// Shows the board.
///
/// # Errors
/// When the port is taken, or the board's servers do not come up.
pub async fn run(args: WatchArgs) -> anyhow::Result<u8> {
    let settings = Settings {
        port: args.port,
        listen: (!args.room).then_some(args.listen),
        redis_url: args.redis_url,
        stack: args.target.map(|target| Running {
            target,
            shared: args.shared,
        }),
        rules: Rules {
            read_only: args.read_only,
            room: args.room,
        },
    };
    match watch(settings, interrupted()).await {
        Ok(()) => Ok(exit::OK),
        Err(WatchError::Board(error)) => Err(board_failure(error)),
        Err(WatchError::Stack(error)) => Err(error),
        Err(error) => Err(error.into()),
    }
}
