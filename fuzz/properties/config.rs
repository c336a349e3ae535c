//! Any text as `seatbatch.toml`: no panic, and what is wrong is told in a sentence of ours that names no value whole.

pub(crate) fn holds(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for profile in [None, Some("onboarding")] {
        if let Err(message) = seatbatch::try_config(text, profile) {
            assert!(!message.is_empty() && !message.contains("TOML parse error"), "{message}");
        }
    }
}
