//! The examples run on recorded input kept beside the checkout.

use std::path::Path;

use crate::command::Failure;

/// Runs what there is recorded input for in `folder`.
pub(crate) fn run(_root: &Path, folder: &Path) -> Result<(), Failure> {
    if !folder.join("corpus").is_dir() {
        return Err(Failure::new(format!("{} holds no folder `corpus`", folder.display())));
    }
    println!("corpus: no example takes recorded input yet");
    Ok(())
}
