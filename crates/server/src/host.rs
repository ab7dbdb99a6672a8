//! The machine this process runs on.

/// Its name, as other programs on it see it; in a container that of the container.
#[must_use]
pub fn name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_machine_has_a_name() {
        assert!(!super::name().is_empty());
    }
}
