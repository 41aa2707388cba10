//! What is wrong with something that was typed, as a problem.

use super::{Problem, ProblemCode};
use crate::bmc::WayFault;
use crate::name::{AddressError, NameError};

impl From<NameError> for Problem {
    fn from(error: NameError) -> Self {
        match error {
            NameError::Empty => ProblemCode::NameEmpty.into(),
            NameError::TooLong(max) => Self::new(ProblemCode::NameTooLong).with("max", max),
            NameError::Character => ProblemCode::NameCharacter.into(),
            NameError::Hyphen => ProblemCode::NameHyphen.into(),
        }
    }
}

impl From<AddressError> for Problem {
    fn from(error: AddressError) -> Self {
        match error {
            AddressError::EmptyHost => ProblemCode::HostEmpty.into(),
            AddressError::BadHost => ProblemCode::HostInvalid.into(),
            AddressError::BadPort => ProblemCode::PortInvalid.into(),
            AddressError::BadUser => ProblemCode::SshUserInvalid.into(),
        }
    }
}

impl From<WayFault> for Problem {
    fn from(fault: WayFault) -> Self {
        match fault {
            WayFault::Address(error) => error.into(),
            WayFault::User => ProblemCode::BmcUserInvalid.into(),
            WayFault::Password => ProblemCode::BmcPasswordInvalid.into(),
            WayFault::Cipher => ProblemCode::BmcCipherInvalid.into(),
            WayFault::Vmid => ProblemCode::BmcVmidInvalid.into(),
            WayFault::Domain => ProblemCode::BmcDomainInvalid.into(),
        }
    }
}
