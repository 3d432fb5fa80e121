//! Who can answer requests here. Where nobody could ever give what policy asks for, nobody is made to wait for it.

use writ_model::ApprovalLevel;

/// The people who can reach this control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum People {
    /// Only the operating-system user that it runs as: whoever opens tasks here is whoever answers here.
    OnlyThisUser,
    /// Several, each known by a name of their own.
    Several,
}

// === impl People ===

impl People {
    /// The approvals that can be given here, in rising order. Nobody has roles yet.
    pub fn givable(self) -> Vec<ApprovalLevel> {
        let can = |level: &ApprovalLevel| match (self, level) {
            (_, ApprovalLevel::Role) => false,
            (Self::OnlyThisUser, level) => level.admits_requester(),
            (Self::Several, _) => true,
        };
        ApprovalLevel::RISING.into_iter().filter(can).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_alone_gives_what_one_person_may() {
        use ApprovalLevel::{AnotherPerson, OnePerson, TwoPeople};
        assert_eq!(People::OnlyThisUser.givable(), [OnePerson]);
        assert_eq!(People::Several.givable(), [OnePerson, AnotherPerson, TwoPeople]);
    }
}
