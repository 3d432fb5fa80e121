//! Named ways out of sandboxes, each with the layer that stops it here.
//!
//! Each runs inside and must fail, and runs a second time where nothing stops it and must succeed: a test that cannot
//! fail shows nothing. `docs/attacks.md` has the same names.

use std::collections::BTreeSet;
use std::fs;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::pty::OpenptFlags;
use writ_sandbox::{Danger, Profile};

use crate::runner::Case;
use crate::world::{SECRET, World, run};

/// Where a technique gets through, so that the same script is shown to be able to.
#[derive(Clone, Copy)]
enum Control {
    /// Outside, as the same user.
    Outside,
    /// Outside, and only for root.
    Root,
    /// Outside, and only for an ordinary user.
    User,
    /// Inside, without these layers.
    Without(&'static [Danger]),
    /// Outside, in a world that this script makes around it.
    Within(&'static str),
    /// Not on this kernel, or not without harm. The filter's own tests show the rest.
    Nowhere,
}
use Control::{Nowhere, Outside, Root, User, Within, Without};

/// A process table of its own, whose first process is an ordinary one.
const OWN_TABLE: &str = "exec unshare -Urpf --mount-proc \"$@\"";
/// A network of its own, on which somebody serves what clouds tell their machines.
const OWN_CLOUD: &str = r#"exec unshare -Urn bash -c 'ip link set lo up; ip addr add 169.254.169.254/32 dev lo; exec "$@"' x \
    perl -MIO::Socket::INET -e 'BEGIN { $^F = 99 } $s = IO::Socket::INET->new(Listen => 1, LocalAddr => q(169.254.169.254),
        LocalPort => 80) or die $!; exec @ARGV' "$@""#;
/// A network of its own, with a server of names.
const OWN_NAMES: &str = r#"echo nameserver 127.0.0.1 > $TMPDIR/resolv
exec unshare -Urnm bash -c 'ip link set lo up; mount --bind $TMPDIR/resolv /etc/resolv.conf; exec "$@"' x \
    perl -MIO::Socket::INET -e '
        my $s = IO::Socket::INET->new(Proto => "udp", LocalAddr => "127.0.0.1", LocalPort => 53) or die $!;
        if (!fork) {
            close STDOUT; close STDERR; alarm 20;
            while ($s->recv(my $q, 512)) {
                my $end = index($q, "\0", 12) + 5;
                my $one = unpack("n", substr($q, $end - 4, 2)) == 1;
                $s->send(substr($q, 0, 2) . pack("n5", 0x8180, 1, $one ? 1 : 0, 0, 0) . substr($q, 12, $end - 12)
                    . ($one ? pack("n3Nn", 0xc00c, 1, 1, 60, 4) . "\x7f\0\0\1" : ""));
            }
            exit
        }
        exec @ARGV' "$@""#;
/// A device by the name of the machine's memory, also where the kernel has none.
const OWN_MEMORY: &str = r#"exec unshare -Urm bash -c '
        test -e /dev/mem || { mount -t tmpfs -o mode=755 t /mnt && touch /mnt/mem /mnt/null && mount --bind /dev/null /mnt/null &&
            mount --bind /dev/zero /mnt/mem && mount --rbind /mnt /dev; } || exit
        test ! -e /mnt/mem || exec "$@"
        mount --bind /dev/zero /dev/mem; exec "$@"' x "$@""#;

/// Speaks for all scripts: a raw call of the kernel, which got through unless the kernel said that it may not be.
const PREAMBLE: &str = r#"
call() { perl -e 'my @a = map { /^-?\d+$/ ? $_ + 0 : "$_" } @ARGV; my $n = shift @a; my $r = syscall($n, @a); my $e = $! + 0;
    print $r == -1 && grep({ $_ == $e } 1, 13, 38) ? "refused: $e\n" : "ESCAPED $r $e\n"' "$@"; }
got() { echo ESCAPED; }
device() { test "$(stat -c %t:%T $1)" = 1:3 || test ! -c $1 || { (exec 3<> $1) && got; }; }
"#;

macro_rules! techniques {
    ($($layer:ident { $($name:ident, $control:expr, $script:expr;)* })*) => {
        pub const CASES: &[Case] = &[
            ("technique::every_one_is_in_the_book_of_attacks", in_the_book),
            $($((concat!("technique::", stringify!($name)), || check($control, $script)),)*)*
        ];
        /// Names, with the layer that stops each first.
        const NAMES: &[(&str, &str)] = &[$($((stringify!($name), layer_name(stringify!($layer))),)*)*];
    };
}

techniques! {
    Masks {
        a_link_to_a_hidden_file, Outside, "ln -s $HID/secret l; grep -q . l && got";
        a_hard_link_to_a_hidden_file, Outside, "ln $HID/secret h; grep -q . h && got";
        unmounting_a_mask, Outside, "umount -l $HID; umount $HID; grep -q . $HID/secret && got";
        a_path_through_the_working_directory, Outside, "grep -q . /proc/self/cwd/../hidden/secret && got";
        a_path_through_the_root_of_a_thread, Outside, "grep -q . /proc/$$/task/$$/root$HID/secret && got";
        a_socket_of_a_service, Outside, "perl -MSocket -e 'socket(S,AF_UNIX,SOCK_STREAM,0); connect(S,sockaddr_un(\"$ENV{HID}/docker.sock\")) and print \"ESCAPED\"'";
        watching_what_is_hidden, Outside, "perl -e '$f=syscall(294,0); print \"ESCAPED\" if syscall(254,$f,($p=\"$ENV{HID}/secret\"),2)!=-1'";
        shared_memory_by_name, Outside, "ls /dev/shm/writ-technique-$SUP && got";
        filling_the_disk, Outside, "test $(df --output=size -k $TMPDIR | tail -1) -gt 2200000 && got";
        temporary_files_of_others, Outside, "ls $TMPDIR/of-others && got";
        writing_to_another_terminal, Outside, "(echo spoofed > $TTY) && got";
        reading_another_terminal, Outside, "(exec 3< $TTY) && got";
    }
    ReadOnly {
        planting_a_git_hook, Outside, "echo x > .git/hooks/pre-commit && got";
        pointing_git_at_other_hooks, Outside, "printf '[core]\\nhooksPath=/tmp\\n' >> .git/config && got";
        replacing_the_configuration_of_git, Outside, "echo x > n && mv -f n .git/config && got";
        adding_foreign_objects, Outside, "echo $OUT > .git/objects/info/alternates && got";
        filters_by_attributes, Outside, "echo '* filter=x' > .git/info/attributes && got";
        moving_the_repository_away, Outside, "mv .git gone && mkdir -p .git/hooks && got";
        an_environment_for_the_next_shell, Outside, "echo x > .envrc && got";
        a_task_for_the_editor, Outside, "echo x > .vscode/tasks.json && got";
        moving_the_folder_of_the_editor, Outside, "mv .vscode gone && got";
        a_hard_link_to_a_protected_file, Outside, "ln .git/config h && echo x > h && got";
        exchanging_the_repository_for_another, Outside, "mkdir -p n/hooks; perl -e '$a=\".git\"; $b=\"n\"; print \"ESCAPED\" if syscall(316,-100,$a,-100,$b,2)==0'";
        putting_a_link_in_place_of_a_protected_file, Outside, "ln -s $OUT/file n; mv -f n .git/config && got";
        settings_of_a_client, Outside, "rm -rf .claude && got";
        modes_of_a_file_outside, Outside, "chmod 777 $OUT/file && got";
        times_of_a_file_outside, Outside, "touch -d 2001-01-01 $OUT/file && got";
        attributes_of_a_file_outside, Outside, "perl -e '$f=\"$ENV{OUT}/file\"; $n=\"user.x\"; $v=\"1\"; print \"ESCAPED\" if syscall(188,$f,$n,$v,1,0)!=-1'";
        the_system_itself, Root, "f=/usr/writ-technique-$$; touch $f && rm $f && got";
        programs_of_the_system, Root, "chmod --reference=/bin/true /bin/true && got";
        settings_in_sys, Root, "f=$(find /sys/kernel /sys/module -maxdepth 3 -type f -perm -200 2>/dev/null | head -1); (: >> $f) && got";
        a_control_group_of_ones_own, Root, "for d in /sys/fs/cgroup/unified /sys/fs/cgroup /sys/fs/cgroup/pids; do mkdir $d/writ-technique && rmdir $d/writ-technique && got && break; done";
        the_agent_of_a_control_group, Root, "f=$(find /sys/fs/cgroup -name release_agent -o -name notify_on_release 2>/dev/null | head -1); (: >> $f) && got";
    }
    Pins {
        exchanging_a_link_to_settings, Outside, "rm -f linked && echo x > linked && got";
        putting_a_file_in_place_of_a_link, Outside, "echo x > n; mv -f n linked; test -L linked || got";
        moving_the_folder_of_a_link, Outside, "mv sub gone && mkdir sub && echo x > sub/linked && got";
        exchanging_the_owner_of_a_link, Root, "chown -h 1 linked && got";
        times_of_a_link, Outside, "touch -h -d 2001-01-01 linked && got";
    }
    FileRights {
        writing_outside, Outside, "echo x > $OUT/new && got";
        writing_outside_through_a_link, Outside, "ln -s $OUT l; echo x > l/new && got";
        writing_outside_through_the_working_directory, Outside, "echo x > /proc/self/cwd/../outside/new && got";
        writing_through_a_descriptor_for_reading, Outside, "exec 3< $OUT/file; (echo x > /proc/self/fd/3) && got";
        moving_a_file_out, Outside, "echo x > f; mv f $OUT/f && got";
        writing_by_a_folder_that_a_friend_handed_in, Outside, "python3 -c 'import os,socket; s=socket.socket(socket.AF_UNIX); s.connect(\"friend\"); f=socket.recv_fds(s,1,1)[1]; os.open(\"new\",os.O_CREAT|os.O_WRONLY,dir_fd=f[0]); print(\"ESCAPED\")'";
        a_hard_link_to_a_file_outside, Outside, "ln $OUT/file h && echo x > h && got";
        emptying_a_file_outside, Outside, "truncate -s 0 $OUT/file && got";
        removing_a_file_outside, Outside, "rm -f $OUT/file; test -e $OUT/file || got";
        a_folder_outside, Outside, "mkdir $OUT/d && got";
        a_link_outside, Outside, "ln -s / $OUT/l && got";
        a_pipe_outside, Outside, "mkfifo $OUT/p && got";
        a_socket_outside, Outside, "perl -MSocket -e 'socket(S,AF_UNIX,SOCK_STREAM,0); bind(S,sockaddr_un(\"$ENV{OUT}/s\")) and print \"ESCAPED\"'";
        a_device_of_ones_own, Root, "mknod disk b 8 0 && got";
        the_name_of_a_process, Without(&[Danger::AllFiles]), "(echo x > /proc/self/comm) && got";
        staying_alive_when_memory_runs_out, Without(&[Danger::AllFiles]), "(echo 0 > /proc/self/oom_score_adj) && got";
        the_program_for_core_dumps, Root, "(: >> /proc/sys/kernel/core_pattern) && got";
        // This kernel has no such keys, and where it has, opening the file is all that is tried.
        the_keys_of_the_kernel, Nowhere, "(: >> /proc/sysrq-trigger) && got";
        settings_of_the_kernel, Root, "(: >> /proc/sys/vm/overcommit_memory) && got";
        the_log_of_the_kernel, Root, "device /dev/kmsg";
        the_memory_of_the_machine, Within(OWN_MEMORY), "device /dev/mem";
        file_systems_by_fuse, Root, "device /dev/fuse";
        virtual_machines, Root, "device /dev/kvm";
        tunnels, Root, "device /dev/net/tun";
        a_program_where_none_may_lie, Without(&[Danger::AllFiles]), "cp /bin/true $HOME/t; $HOME/t && got";
        a_program_in_shared_memory, Without(&[Danger::AllFiles]), "cp /bin/true /dev/shm/t; /dev/shm/t && got";
    }
    SystemCalls {
        tracing_oneself, Outside, "call 101 0 0 0 0";
        tracing_another_process, Outside, "sleep 5 & call 101 16 $! 0 0; kill -KILL $!";
        reading_the_memory_of_a_process, Outside, "perl -e '$b=\"x\"x8; $l=pack(\"PQ\",$b,8); $c=\"y\"x8; $r=pack(\"PQ\",$c,8); print \"ESCAPED\" if syscall(310,$$+0,$l,1,$r,1,0)==8'";
        writing_the_memory_of_a_process, Outside, "perl -e '$b=\"x\"x8; $l=pack(\"PQ\",$b,8); $c=\"y\"x8; $r=pack(\"PQ\",$c,8); print \"ESCAPED\" if syscall(311,$$+0,$l,1,$r,1,0)==8'";
        advice_about_the_memory_of_a_process, Outside, "call 440 -1 0 0 0 0";
        freeing_the_memory_of_a_process, Outside, "call 448 -1 0";
        taking_a_descriptor_of_a_process, Outside, "perl -e '$p=syscall(434,$$+0,0); print \"ESCAPED\" if syscall(438,$p,0,0)!=-1'";
        comparing_processes, Outside, "perl -e 'print \"ESCAPED\" if syscall(312,$$+0,$$+0,0,0,0)!=-1'";
        a_user_namespace, Outside, "unshare -Ur true && got";
        a_user_namespace_by_clone, Outside, "perl -e '$r=syscall(56,0x10000011,0,0,0,0); exit if !$r; print \"ESCAPED\" if $r>0'";
        a_user_namespace_by_the_new_clone, Outside, "perl -e '$a=pack(\"Q8\",0x10000000,0,0,0,17,0,0,0); $r=syscall(435,$a,64); exit if !$r; print \"ESCAPED\" if $r>0'";
        a_network_namespace, Outside, "unshare -Urn true && got";
        a_bind_mount_beside_the_mask, Outside, "mkdir m; unshare -Urm mount --bind $HID m && got";
        a_layer_over_a_folder, Outside, "mkdir m u w; unshare -Urm mount -t overlay -o lowerdir=$HID,upperdir=u,workdir=w o m && got";
        another_process_table, Outside, "mkdir m; unshare -Urmpf mount -t proc p m && got";
        another_root, Outside, "unshare -Ur chroot / true && got";
        exchanging_the_root, Outside, "mkdir m; unshare -Urm sh -c 'mount -t tmpfs t m && mkdir m/o && pivot_root m m/o' && got";
        entering_a_namespace, Root, "perl -e 'open F,\"</proc/self/ns/uts\"; print \"ESCAPED\" if syscall(308,fileno(F),0)!=-1'";
        making_a_file_system, Root, "call 430 tmpfs 0";
        cloning_a_mount, Root, "call 428 -100 / 1";
        changing_a_mount, Root, "perl -e '$a=pack(\"Q4\",0,0,0,0); $d=\"/\"; print \"ESCAPED\" if syscall(442,-100,$d,0,$a,32)!=-1'";
        moving_a_mount, Root, "call 429 -1 x -1 x 0";
        picking_a_file_system, Root, "call 433 -100 / 0";
        listing_mounts, Outside, "perl -e '$q=pack(\"IIQQ\",24,0,18446744073709551615,0); $b=\"\\0\"x4096; print \"ESCAPED\" if syscall(458,$q,$b,100,0)!=-1'";
        a_handle_of_a_file, Outside, "perl -e '$h=pack(\"Il\",120,0).(\"\\0\"x120); $m=pack(\"l\",0); $d=\".\"; print \"ESCAPED\" if syscall(303,-100,$d,$h,$m,0)!=-1'";
        opening_by_handle, Root, "perl -e '$h=pack(\"Il\",8,1).(\"\\0\"x8); syscall(304,-100,$h,0); print \"ESCAPED\" unless $!==1'";
        memory_that_runs, Outside, "perl -e '$n=\"x\"; $f=syscall(319,$n,0); exit if $f<0; open S,\"</bin/true\"; local $/; $d=<S>; open D,\">&=\",$f; binmode D; syswrite D,$d; system(\"/proc/$$/fd/$f\")==0 and print \"ESCAPED\"'";
        calls_no_filter_sees, Outside, "perl -e '$p=\"\\0\"x120; print \"ESCAPED\" if syscall(425,4,$p)!=-1'";
        stopping_the_kernel_in_a_copy, Outside, "call 323 1";
        programs_in_the_kernel, Root, "perl -e '$a=pack(\"I4\",2,4,4,1).(\"\\0\"x100); print \"ESCAPED\" if syscall(321,0,$a,72)!=-1'";
        counters_of_other_processes, Root, "perl -e '$a=pack(\"IIQ\",1,112,0).(\"\\0\"x96); print \"ESCAPED\" if syscall(298,$a,0,-1,-1,0)!=-1'";
        // These four and `calls_of_another_kind` are in no kernel that is built without modules, `kexec`, `iopl` and x32.
        another_kernel, Nowhere, "call 246 0 0 0 1";
        code_for_the_kernel, Nowhere, "call 175 x 0 x";
        unloading_code_of_the_kernel, Nowhere, "call 176 no-such-module 0";
        restarting_the_machine, Root, "call 169 1 2 3 0";
        reading_the_kernels_log, Root, "call 103 10 0 0";
        swapping, Root, "call 167 /no/such/file 0";
        ports_of_the_machine, Nowhere, "call 172 0";
        segments_of_old_programs, Outside, "perl -e '$b=\"\\0\"x64; print \"ESCAPED\" if syscall(154,0,$b,64)!=-1'";
        the_clock_of_the_machine, Root, "call 164 0 0";
        accounts_of_all_processes, Root, "call 163 0";
        a_label_of_ones_own, Outside, "call 460 0 0 0 0";
        the_name_of_the_machine, Root, "perl -e 'chomp($h=`uname -n`); print \"ESCAPED\" if syscall(170,$h,length $h)!=-1'";
        adding_a_key, Outside, "call 248 user writ x 1 -2";
        reading_keyrings, Outside, "call 250 0 -2 1";
        asking_for_a_key, Outside, "perl -e '$t=\"user\"; $n=\"no such key\"; syscall(249,$t,$n,0,-2); print \"ESCAPED\" unless $!==1'";
        addresses_that_do_not_change, Outside, "call 135 262144";
        watching_all_files, Outside, "call 300 512 0";
        moving_all_memory_of_a_process, Outside, "call 256 0 0 0 0";
        moving_memory, Outside, "call 279 0 0 0 0 0 0";
        secret_memory, Outside, "call 447 0";
        calls_nobody_has_judged, Outside, "perl -e '$n=\"\"; syscall(467,-1,$n,0,0,0); print \"ESCAPED\" unless $!==38||$!==1'";
        calls_of_another_kind, Nowhere, "perl -e 'print \"ESCAPED\" if syscall(0x40000000+39)!=-1'";
        programs_of_32_bits, Outside, "./old; test $? = 42 && got";
        typing_into_the_terminal, Outside, "script -qec \"perl -e '\\$c=qq(x); print qq(ESCAPED) if ioctl(STDIN,0x5412,\\$c)'\" /dev/null </dev/null";
        typing_into_the_console, Outside, "perl -e '$c=\"\\3\"; ioctl(STDIN,0x541c,$c); print \"ESCAPED\" unless $!==1'";
        taking_the_console, Outside, "perl -e '$c=\"\"; ioctl(STDIN,0x541d,$c); print \"ESCAPED\" unless $!==1'";
        typing_with_more_bits, Outside, "script -qec \"perl -e 'my \\$c=qq(x); print qq(ESCAPED) if syscall(16,0,0x100005412,\\$c)!=-1'\" /dev/null </dev/null";
        a_line_discipline, Outside, "perl -e '$c=pack(\"i\",0); ioctl(STDIN,0x5423,$c); print \"ESCAPED\" unless $!==1'";
        raw_sockets, Root, "perl -MSocket -e 'print \"ESCAPED\" if socket(S,AF_INET,SOCK_RAW,1)'";
        packets, Root, "perl -MSocket -e 'print \"ESCAPED\" if socket(S,17,SOCK_RAW,0)'";
        virtual_machine_sockets, Outside, "perl -MSocket -e 'print \"ESCAPED\" if socket(S,40,SOCK_STREAM,0)'";
        packet_filters, Outside, "perl -MSocket -e 'print \"ESCAPED\" if socket(S,16,SOCK_RAW,12)'";
        rights_by_chmod, Outside, "cp /usr/bin/id s; chmod 6755 s; test -u s -o -g s && got";
        rights_by_a_descriptor, Outside, "python3 -c 'import os; f=os.open(\"s\",os.O_CREAT|os.O_WRONLY,0o755); os.fchmod(f,0o4755)'; test -u s && got";
        rights_from_the_start, Outside, "perl -e '$n=\"s\"; syscall(257,-100,$n,0101,06755); $n=\"t\"; syscall(2,$n,0101,06755); $n=\"u\"; syscall(85,$n,06755)'; for f in s t u; do test -u $f -o -g $f && got; done";
        rights_of_a_file_without_a_name, Outside, "perl -e '$d=\".\"; $f=syscall(257,-100,$d,020200002,06755); print \"ESCAPED\" if $f>=0'";
        rights_by_a_mode_in_memory, Outside, "perl -e '$n=\"s\"; $h=pack(\"Q3\",0101,06755,0); syscall(437,-100,$n,$h,24)'; test -u s && got";
        rights_of_a_node, Outside, "perl -e '$n=\"s\"; syscall(133,$n,0106755,0); $n=\"t\"; syscall(259,-100,$n,0106755,0)'; test -u s -o -u t && got";
        rights_by_the_new_chmod, Outside, "echo > s; perl -e '$n=\"s\"; syscall(452,-100,$n,06755,0)==0 or $!==38 and print \"ESCAPED\"'; test -u s && got";
        audit_messages, Outside, "perl -MSocket -e 'socket(S,16,SOCK_RAW,15) and print \"ESCAPED\"'";
    }
    Namespaces {
        shared_memory_of_others, Outside, "perl -e 'print \"ESCAPED\" if syscall(29,$ENV{KEY}+0,0,0)!=-1'";
        messages_of_others, Outside, "perl -e 'print \"ESCAPED\" if syscall(68,$ENV{KEY}+0,0)!=-1'";
        semaphores_of_others, Outside, "perl -e 'print \"ESCAPED\" if syscall(64,$ENV{KEY}+0,0,0)!=-1'";
        queues_by_name, Outside, "perl -e '$n=\"writ$ENV{KEY}\"; print \"ESCAPED\" if syscall(240,$n,0,0,0)!=-1'";
    }
    Network {
        a_service_of_this_machine, Outside, "(exec 3<>/dev/tcp/127.0.0.1/$PORT) && got";
        an_address_by_number, Outside, "(exec 3<>/dev/tcp/127.0.0.2/$ANY) && got";
        an_address_of_the_sixth_version, Outside, "(exec 3<>/dev/tcp/::1/$SIX) && got";
        a_datagram, Outside, "perl -MSocket -e 'socket(S,AF_INET,SOCK_DGRAM,0); connect(S,sockaddr_in($ENV{UDP},inet_aton(\"127.0.0.2\"))); send(S,\"x\",0); select undef,undef,undef,.05; print \"ESCAPED\" if defined send(S,\"x\",0)'";
        data_about_the_machine, Within(OWN_CLOUD), "(exec 3<>/dev/tcp/169.254.169.254/80) && got";
        names_by_a_server, Within(OWN_NAMES), "getent ahosts example.org && got";
        a_socket_without_a_path, Outside, "perl -MSocket -e 'socket(S,AF_UNIX,SOCK_STREAM,0); connect(S,pack(\"Sa*\",AF_UNIX,\"\\0writ-technique-$ENV{SUP}\")) and print \"ESCAPED\"'";
    }
    ProcessTable {
        a_signal_to_the_supervisor, Outside, "kill -0 $SUP && got";
        the_root_of_the_supervisor, Outside, "grep -q . /proc/$SUP/root$HID/secret && got";
        the_environment_of_the_supervisor, Outside, "cat /proc/$SUP/environ > /dev/null && got";
        descriptors_of_the_supervisor, Outside, "ls /proc/$SUP/fd | grep -q . && got";
        the_memory_of_the_supervisor, Outside, "(exec 3< /proc/$SUP/mem) && got";
        entering_the_supervisors_namespaces, Root, "nsenter -t $SUP -m true && got";
    }
    Undumpable {
        the_root_of_the_first_process, Within(OWN_TABLE), "ls /proc/1/root/ && got";
        descriptors_of_the_first_process, Within(OWN_TABLE), "readlink /proc/1/fd/0 && got";
        the_memory_of_the_first_process, Within(OWN_TABLE), "(exec 3< /proc/1/mem) && got";
        the_program_of_the_first_process, Within(OWN_TABLE), "head -c 1 /proc/1/exe | grep -q . && got";
    }
    Limits {
        // So many processes outside would be an attack on the machine that runs the tests.
        more_processes_than_one_task_may_have, Nowhere, "perl -e 'for (1..8400) { $p = fork; last unless defined $p; if (!$p) { sleep 100; exit } $n++ } print \"ESCAPED $n\" if $n > 8200'";
        a_dump_of_memory, Outside, "sh -c 'ulimit -Hc' | grep -qv '^0$' && got";
    }
    Privileges {
        rights_by_an_attribute, Root, "cp /bin/true s; perl -e '$n=\"s\"; $k=\"security.capability\"; $v=pack(\"V5\",0x02000001,0x2000,0,0,0); print \"ESCAPED\" if syscall(188,$n,$k,$v,20,0)==0'";
        programs_that_give_rights, User, "test $(id -u) = 0 || { passwd -S $(id -un) | grep -q '20[0-9][0-9]-' && got; }";
    }
    Descriptors {
        what_a_careless_parent_left_open, Outside, "for n in $(seq 3 40); do grep -q . <&$n && got; done";
        a_folder_that_was_left_open, Outside, "for n in $(seq 3 40); do (cd /proc/self/fd/$n && grep -q . ../hidden/secret && got); done";
    }
}

/// `FileRights` as the book and `writ doctor` write it.
const fn layer_name(layer: &'static str) -> &'static str {
    match layer.as_bytes() {
        b"Masks" => "masks",
        b"Pins" => "pins",
        b"ReadOnly" => "read-only",
        b"FileRights" => "file-rights",
        b"SystemCalls" => "system-calls",
        b"Namespaces" => "namespaces",
        b"Network" => "network",
        b"ProcessTable" => "process-table",
        b"Undumpable" => "undumpable",
        b"Limits" => "limits",
        b"Privileges" => "privileges",
        b"Descriptors" => "descriptors",
        _ => "",
    }
}

fn in_the_book() {
    let names: BTreeSet<&str> = NAMES.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), NAMES.len(), "a name stands twice");
    assert!(names.len() >= 60, "{}", names.len());
    let book = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/attacks.md");
    // An ordinary user may not get to the sources.
    let Ok(book) = fs::read_to_string(book) else { return };
    let missing: Vec<String> = NAMES
        .iter()
        .map(|(name, layer)| format!("| {} | `{layer}` |", name.replace('_', " ")))
        .filter(|row| !book.contains(row.as_str()))
        .collect();
    assert!(missing.is_empty(), "docs/attacks.md lacks:\n{}", missing.join("\n"));
}

fn check(control: Control, script: &str) {
    let root = rustix::process::geteuid().is_root();
    let stage = Stage::new();
    let inside = run(stage.profile(script)).out;
    assert!(inside.contains("DONE"), "{inside}");
    assert!(!inside.contains("ESCAPED") && !inside.contains(SECRET), "{inside}");
    let stage = Stage::new();
    let freely = match control {
        Outside => stage.outside(script),
        Root if root => stage.outside(script),
        User if !root => stage.outside(script),
        Within(world) => stage.within(world, script),
        Without(danger) => {
            run(Profile { danger: danger.iter().copied().collect(), ..stage.profile(script) }).out
        }
        Root | User | Nowhere => return,
    };
    assert!(freely.contains("ESCAPED"), "it gets through nowhere: {freely}");
}

/// A world with something of everything to get at.
struct Stage {
    world: World,
    key: u32,
    services: (TcpListener, TcpListener, Option<TcpListener>, UdpSocket),
    /// Our end of a terminal that somebody else works in, and its name.
    terminal: (OwnedFd, String),
    /// Kept open.
    _held: (UnixListener, Option<UnixListener>),
    /// Kept open, and left open for every program that is started.
    _careless: [OwnedFd; 2],
}

// === impl Stage ===

impl Stage {
    fn new() -> Self {
        let world = World::new();
        let make = |name: &str, text: &[u8]| {
            let path = world.at(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for name in [
            "hidden/secret",
            "outside/file",
            "tmp/of-others",
            "work/.envrc",
            "work/docs/told",
            "work/.vscode/tasks.json",
            "work/.claude/settings.json",
            "work/.git/config",
            "work/.git/hooks/old",
            "work/.git/info/attributes",
            "work/.git/objects/info/alternates",
        ] {
            make(name, SECRET.as_bytes());
        }
        fs::create_dir(world.at("work/sub")).unwrap();
        std::os::unix::fs::symlink("docs/told", world.at("work/linked")).unwrap();
        std::os::unix::fs::symlink("../docs/told", world.at("work/sub/linked")).unwrap();
        make("work/old", &program_of_32_bits());
        fs::set_permissions(world.at("work/old"), fs::Permissions::from_mode(0o755)).unwrap();
        let key = std::process::id();
        let abstract_name = SocketAddr::from_abstract_name(format!("writ-technique-{key}")).unwrap();
        let bound = UnixListener::bind(world.at("hidden/docker.sock")).unwrap();
        let services = (
            TcpListener::bind("127.0.0.1:0").unwrap(),
            TcpListener::bind("127.0.0.2:0").unwrap(),
            TcpListener::bind("[::1]:0").ok(),
            UdpSocket::bind("127.0.0.2:0").unwrap(),
        );
        let ours =
            rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        rustix::pty::grantpt(&ours).unwrap();
        rustix::pty::unlockpt(&ours).unwrap();
        let name = rustix::pty::ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let terminal = (ours, name);
        let careless = ["hidden/secret", "hidden"]
            .map(|name| rustix::fs::open(world.at(name), OFlags::RDONLY, Mode::empty()).unwrap());
        befriend(&world);
        let _held = (bound, UnixListener::bind_addr(&abstract_name).ok());
        Self { world, key, services, terminal, _held, _careless: careless }
    }

    fn env(&self) -> Vec<(String, String)> {
        let (one, two, six, datagrams) = &self.services;
        let at = |name: &str| self.world.at(name).display().to_string();
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port().to_string();
        [
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
            ("HOME", at("home")),
            ("WORK", at("work")),
            ("OUT", at("outside")),
            ("HID", at("hidden")),
            ("TMPDIR", at("tmp")),
            ("SUP", self.key.to_string()),
            ("KEY", self.key.to_string()),
            ("TTY", self.terminal.1.clone()),
            ("PORT", port(one)),
            ("ANY", port(two)),
            ("SIX", six.as_ref().map(port).unwrap_or_default()),
            ("UDP", datagrams.local_addr().unwrap().port().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn script(script: &str) -> String {
        format!("{PREAMBLE}\n{script}\necho DONE")
    }

    fn profile(&self, script: &str) -> Profile {
        self.make_ipc();
        let at = |name: &str| self.world.at(name);
        let protected = [
            ".envrc",
            ".vscode/tasks.json",
            ".claude",
            ".git/config",
            ".git/hooks",
            ".git/info/attributes",
            ".git/objects/info/alternates",
        ];
        let system: Vec<PathBuf> =
            ["/bin", "/lib", "/lib32", "/lib64", "/sbin", "/usr"].map(PathBuf::from).into();
        Profile {
            command: "bash".into(),
            args: vec!["-c".into(), Self::script(script).into()],
            env: self.env().into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            cwd: at("work"),
            hide: vec![at("hidden")],
            private: vec![at("home"), at("tmp"), "/dev/shm".into()],
            read_only: protected.iter().map(|name| at("work").join(name)).collect(),
            links: vec![at("work/linked"), at("work/sub/linked")],
            write: vec![at("work")],
            run: system.into_iter().chain([at("work")]).collect(),
            ..Profile::default()
        }
    }

    fn outside(&self, script: &str) -> String {
        self.within("exec \"$@\"", script)
    }

    fn within(&self, world: &str, script: &str) -> String {
        self.make_ipc();
        let output = Command::new("bash")
            .args(["-c", world, "within", "bash", "-c", &Self::script(script)])
            .env_clear()
            .envs(self.env())
            .current_dir(self.world.at("work"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }

    /// What lives in the kernel under a key or a name, made outside.
    fn make_ipc(&self) {
        let done = Command::new("perl")
            .args([
                "-e",
                "$k=$ENV{KEY}+0; $n=\"writ$k\"; syscall(29,$k,4096,0700|01000); syscall(68,$k,0700|01000); \
                 syscall(64,$k,1,0700|01000); syscall(240,$n,0102,0700,0); open F,'>',\"/dev/shm/writ-technique-$k\"",
            ])
            .env("KEY", self.key.to_string())
            .status()
            .unwrap();
        assert!(done.success());
    }
}

/// Somebody outside listens in the workspace and hands a folder of theirs to whoever comes.
fn befriend(world: &World) {
    let listener = UnixListener::bind(world.at("work/friend")).unwrap();
    fs::set_permissions(world.at("work/friend"), fs::Permissions::from_mode(0o777)).unwrap();
    let folder = rustix::fs::open(
        world.at("outside"),
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut extra = SendAncillaryBuffer::new(&mut space);
            let handed = [folder.as_fd()];
            assert!(extra.push(SendAncillaryMessage::ScmRights(&handed)));
            // Whoever came may be gone.
            let _ = sendmsg(&socket, &[IoSlice::new(b"x")], &mut extra, SendFlags::empty());
        }
    });
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Fails only for what was not there.
        let _ = Command::new("perl")
            .args([
                "-e",
                "$k=$ENV{KEY}+0; $n=\"writ$k\"; syscall(31,syscall(29,$k,0,0),0,0); syscall(71,syscall(68,$k,0),0,0); \
                 syscall(66,syscall(64,$k,0,0),0,0,0); syscall(241,$n); unlink \"/dev/shm/writ-technique-$k\"",
            ])
            .env("KEY", self.key.to_string())
            .status();
    }
}

/// The smallest program of the old kind: ends with 42.
fn program_of_32_bits() -> Vec<u8> {
    let code: [u8; 12] = [0xb8, 1, 0, 0, 0, 0xbb, 42, 0, 0, 0, 0xcd, 0x80];
    let base: u32 = 0x0804_8000;
    let mut file = vec![0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for half in [2_u16, 3] {
        file.extend(half.to_le_bytes());
    }
    for word in [1_u32, base + 84, 52, 0, 0] {
        file.extend(word.to_le_bytes());
    }
    for half in [52_u16, 32, 1, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    for word in [1_u32, 0, base, base, 96, 96, 5, 0x1000] {
        file.extend(word.to_le_bytes());
    }
    file.extend(code);
    file
}
