//! A run's users, as its requests name them.

use super::{JournalError, Reader};
use crate::domain::RunId;

impl Reader {
    /// Calls `each` with the address and the person ID of every user of a run of which nothing was sent yet, and with the number that
    /// each had of `count` when the run was imported. Where there are users of whom nothing is sent, the others have been put
    /// behind them since.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn users(
        &self,
        run: RunId,
        count: u32,
        mut each: impl FnMut(u32, Option<&str>, Option<&str>),
    ) -> Result<(), JournalError> {
        let mut read = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare(
                "SELECT assignment, email, person_id FROM assignment WHERE run_id = ?1 ORDER BY assignment",
            )?;
            let (mut stays, mut moved) = (vec![false; count as usize], 0..count);
            let mut rows = statement.query([run.0])?;
            while let Some(row) = rows.next()? {
                let now: u32 = row.get(0)?;
                let before = if let Some(stays) = stays.get_mut(now as usize) {
                    *stays = true;
                    Some(now)
                } else {
                    moved.find(|number| stays.get(*number as usize) == Some(&false))
                };
                if let Some(before) = before {
                    each(before, row.get_ref(1)?.as_str_or_null()?, row.get_ref(2)?.as_str_or_null()?);
                }
            }
            Ok(())
        };
        read().map_err(self.wrong())
    }
}
