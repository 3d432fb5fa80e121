//! The table as a program for the kernel's packet-filter machine.
//!
//! Written here and not taken from a library, because the libraries at hand know neither how to refuse the second set
//! of numbers of a 64-bit machine (`x32`, whose calls carry the same machine name) nor how to notify a supervisor.

use libc::sock_filter;

use super::{Answer, NEWEST, Refused, When, rows};

/// A program as the kernel takes it.
pub(crate) type Program = Vec<sock_filter>;

/// Where `seccomp_data` holds the call, the machine and the lower half of the first argument.
const CALL: u32 = 0;
const MACHINE: u32 = 4;
const FIRST_ARGUMENT: u32 = 16;

#[cfg(target_arch = "x86_64")]
const THIS_MACHINE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const THIS_MACHINE: u32 = 0xc000_00b7;

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const IF_GREATER: u16 = (libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K) as u16;
const IF_ANY_BIT: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// One step. `then` and `otherwise` count the steps to leave out.
const fn step(code: u16, k: u32, then: u8, otherwise: u8) -> sock_filter {
    sock_filter { code, jt: then, jf: otherwise, k }
}

const fn load(offset: u32) -> sock_filter {
    step(LOAD, offset, 0, 0)
}

const fn give(verdict: u32) -> sock_filter {
    step(RETURN, verdict, 0, 0)
}

/// The whole filter. With `recorded`, starts of programs are told to a listener before they happen.
pub(crate) fn assemble(recorded: bool) -> Program {
    let mut program = vec![
        load(MACHINE),
        step(IF_EQUAL, THIS_MACHINE, 1, 0),
        give(libc::SECCOMP_RET_KILL_PROCESS),
        load(CALL),
        step(IF_GREATER, NEWEST, 0, 1),
        give(answer(Answer::NotThere)),
    ];
    for row in rows() {
        program.extend(refuse(row));
    }
    if recorded {
        for call in [libc::SYS_execve, libc::SYS_execveat] {
            program.push(step(IF_EQUAL, number(call), 0, 1));
            program.push(give(libc::SECCOMP_RET_USER_NOTIF));
        }
    }
    program.push(give(libc::SECCOMP_RET_ALLOW));
    program
}

/// The steps of one row. What follows finds the call's number loaded again.
fn refuse(row: &Refused) -> Program {
    let verdict = give(answer(row.answer));
    let tests = match row.when {
        When::Always => return vec![step(IF_EQUAL, number(row.call), 0, 1), verdict],
        When::AnyOf(argument, bits) => vec![load(place(argument)), step(IF_ANY_BIT, bits, 0, 1)],
        When::Without(argument, bits) => vec![load(place(argument)), step(IF_ANY_BIT, bits, 1, 0)],
        When::Is(argument, values) => {
            let mut tests = vec![load(place(argument))];
            let mut left = length(values.len());
            for value in values {
                left = left.saturating_sub(1);
                tests.push(step(IF_EQUAL, *value, left, u8::from(left == 0)));
            }
            tests
        }
        When::IsNot(argument, values) => {
            let mut tests = vec![load(place(argument))];
            tests.extend(none_of(values));
            tests
        }
        When::Of(first, argument, without, values) => {
            let past = length(values.len()).saturating_add(3);
            let mut tests = vec![
                load(place(0)),
                step(IF_EQUAL, first, 0, past),
                load(place(argument)),
                step(AND, !without, 0, 0),
            ];
            tests.extend(none_of(values));
            tests
        }
        When::Both((first, these), (second, those)) => vec![
            load(place(first)),
            step(IF_ANY_BIT, these, 0, 3),
            load(place(second)),
            step(IF_ANY_BIT, those, 0, 1),
        ],
    };
    let mut steps = vec![step(IF_EQUAL, number(row.call), 0, length(tests.len()).saturating_add(2))];
    steps.extend(tests);
    steps.extend([verdict, load(CALL)]);
    steps
}

/// Goes past the verdict that follows when the value is one of these.
fn none_of(values: &[u32]) -> Program {
    let mut left = length(values.len());
    values
        .iter()
        .map(|value| {
            let past = left;
            left = left.saturating_sub(1);
            step(IF_EQUAL, *value, past, 0)
        })
        .collect()
}

const fn answer(answer: Answer) -> u32 {
    let number = match answer {
        Answer::NotPermitted => libc::EPERM,
        Answer::NotThere => libc::ENOSYS,
        Answer::NoFamily => libc::EAFNOSUPPORT,
    };
    libc::SECCOMP_RET_ERRNO | number.cast_unsigned()
}

const fn place(argument: u32) -> u32 {
    FIRST_ARGUMENT + 8 * argument
}

/// Lists in the table are short.
fn length(count: usize) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}

/// Numbers of calls are small and positive.
fn number(call: libc::c_long) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel would do: the machine of classic packet filters, for the few steps that are used here.
    fn judged(program: &[sock_filter], machine: u32, call: u32, arguments: [u32; 6]) -> u32 {
        let word = |offset: u32| match offset {
            CALL => call,
            MACHINE => machine,
            other => arguments[usize::try_from((other - FIRST_ARGUMENT) / 8).unwrap()],
        };
        let (mut at, mut value) = (0, 0);
        loop {
            let step = program[at];
            at += 1;
            match step.code {
                LOAD => value = word(step.k),
                AND => value &= step.k,
                RETURN => return step.k,
                code => {
                    let holds = match code {
                        IF_EQUAL => value == step.k,
                        IF_GREATER => value > step.k,
                        IF_ANY_BIT => value & step.k != 0,
                        other => panic!("{other}"),
                    };
                    at += usize::from(if holds { step.jt } else { step.jf });
                }
            }
        }
    }

    fn on_this(call: libc::c_long, arguments: [u32; 6]) -> u32 {
        judged(&assemble(false), THIS_MACHINE, number(call), arguments)
    }

    const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

    #[test]
    fn ordinary_calls_pass_and_those_of_the_table_do_not() {
        for call in [libc::SYS_read, libc::SYS_openat, libc::SYS_execve, libc::SYS_futex, libc::SYS_kill] {
            assert_eq!(on_this(call, [0; 6]), ALLOW, "{call}");
        }
        for row in rows().filter(|row| row.when == When::Always) {
            assert_eq!(on_this(row.call, [0; 6]), answer(row.answer), "{}", row.name);
        }
    }

    #[test]
    fn arguments_decide_where_the_table_says_so() {
        let (inet, unix, netlink) = (2, 1, 16);
        for (call, arguments, wanted) in [
            (libc::SYS_clone, [0x0001_1200, 0, 0, 0, 0, 0], ALLOW),
            (libc::SYS_clone, [0x1000_0011, 0, 0, 0, 0, 0], answer(Answer::NotPermitted)),
            (libc::SYS_unshare, [0x0000_0400, 0, 0, 0, 0, 0], ALLOW),
            (libc::SYS_unshare, [0x0002_0000, 0, 0, 0, 0, 0], answer(Answer::NotPermitted)),
            (libc::SYS_socket, [inet, 1 | 0o2_004_000, 6, 0, 0, 0], ALLOW),
            (libc::SYS_socket, [inet, 2, 0, 0, 0, 0], ALLOW),
            (libc::SYS_socket, [inet, 3, 1, 0, 0, 0], answer(Answer::NotPermitted)),
            (libc::SYS_socket, [10, 3 | 0o2_000_000, 58, 0, 0, 0], answer(Answer::NotPermitted)),
            (libc::SYS_socket, [unix, 5, 0, 0, 0, 0], ALLOW),
            (libc::SYS_socket, [netlink, 3, 0, 0, 0, 0], ALLOW),
            (libc::SYS_socket, [netlink, 3, 9, 0, 0, 0], answer(Answer::NotPermitted)),
            (libc::SYS_socket, [40, 1, 0, 0, 0, 0], answer(Answer::NoFamily)),
            (libc::SYS_socket, [17, 3, 0, 0, 0, 0], answer(Answer::NoFamily)),
            (libc::SYS_ioctl, [0, 0x5412, 0, 0, 0, 0], answer(Answer::NotPermitted)),
            (libc::SYS_ioctl, [0, 0x541c, 0, 0, 0, 0], answer(Answer::NotPermitted)),
            (libc::SYS_ioctl, [0, 0x5401, 0, 0, 0, 0], ALLOW),
            (libc::SYS_memfd_create, [0, 1, 0, 0, 0, 0], answer(Answer::NotThere)),
            (libc::SYS_memfd_create, [0, 9, 0, 0, 0, 0], ALLOW),
            (libc::SYS_fchmod, [3, 0o1777, 0, 0, 0, 0], ALLOW),
            (libc::SYS_fchmod, [3, 0o4755, 0, 0, 0, 0], answer(Answer::NotPermitted)),
            (libc::SYS_fchmodat, [0, 0, 0o2755, 0, 0, 0], answer(Answer::NotPermitted)),
            (libc::SYS_openat, [0, 0, 0o101, 0o666, 0, 0], ALLOW),
            (libc::SYS_openat, [0, 0, 0o101, 0o4755, 0, 0], answer(Answer::NotPermitted)),
            (libc::SYS_openat, [0, 0, 0o20_200_001, 0o2755, 0, 0], answer(Answer::NotPermitted)),
            // Whoever makes no file may leave anything in the place of the mode.
            (libc::SYS_openat, [0, 0, 0o200_000, u32::MAX, 0, 0], ALLOW),
            (libc::SYS_mknodat, [0, 0, 0o10_0644, 0, 0, 0], ALLOW),
            (libc::SYS_mknodat, [0, 0, 0o10_4644, 0, 0, 0], answer(Answer::NotPermitted)),
            (libc::SYS_mkdirat, [0, 0, 0o2755, 0, 0, 0], ALLOW),
            (libc::SYS_personality, [u32::MAX, 0, 0, 0, 0, 0], ALLOW),
            (libc::SYS_personality, [0x0004_0000, 0, 0, 0, 0, 0], answer(Answer::NotPermitted)),
        ] {
            assert_eq!(on_this(call, arguments), wanted, "{call} {arguments:x?}");
        }
    }

    #[test]
    fn other_ways_into_the_kernel_are_closed() {
        let program = assemble(false);
        let other_machine = 0x4000_0003;
        assert_eq!(
            judged(&program, other_machine, number(libc::SYS_read), [0; 6]),
            libc::SECCOMP_RET_KILL_PROCESS
        );
        for call in [NEWEST + 1, 0x4000_0000 + number(libc::SYS_read), u32::MAX] {
            assert_eq!(judged(&program, THIS_MACHINE, call, [0; 6]), answer(Answer::NotThere), "{call:x}");
        }
    }

    #[test]
    fn starts_of_programs_are_told_only_where_somebody_listens() {
        for call in [libc::SYS_execve, libc::SYS_execveat] {
            assert_eq!(on_this(call, [0; 6]), ALLOW);
            let told = judged(&assemble(true), THIS_MACHINE, number(call), [0; 6]);
            assert_eq!(told, libc::SECCOMP_RET_USER_NOTIF);
        }
    }

    #[test]
    fn every_row_says_why_and_is_known_to_the_kernel_that_was_judged() {
        for row in rows() {
            assert!(row.reason.len() > 3 && row.name.starts_with("SYS_"), "{}", row.name);
            assert!(number(row.call) <= NEWEST, "{}", row.name);
        }
        assert!(assemble(true).len() < 4096);
    }
}
