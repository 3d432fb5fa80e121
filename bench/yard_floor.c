/* The least that a sandbox of the same kind costs: the same system calls in one small program, no plan, no proof.
   Usage: yard_floor PROGRAM [ARGUMENT ...] */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int put(const char *path, const char *text) {
  int file = open(path, O_WRONLY);
  int failed = file < 0 || write(file, text, strlen(text)) < 0;
  close(file);
  return failed;
}

static int inside(char **argv) {
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0)) return 20;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return 21;
  struct landlock_ruleset_attr handled = {
      .handled_access_fs = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_EXECUTE};
  int rules = syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
  const char *open_to[] = {"/tmp", "/usr", "/lib64"};
  for (int i = 0; i < 3; i++) {
    struct landlock_path_beneath_attr rule = {.allowed_access = handled.handled_access_fs,
                                              .parent_fd = open(open_to[i], O_PATH | O_CLOEXEC)};
    syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  }
  if (syscall(SYS_landlock_restrict_self, rules, 0)) return 22;
  close(rules);
  struct sock_filter steps[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
                                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
                                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
                                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {4, steps};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) return 23;
  execv(argv[1], argv + 1);
  return 24;
}

int main(int argc, char **argv) {
  char map[64];
  if (argc < 2) return 2;
  int user = getuid(), group = getgid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)) return 10;
  put("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "%d %d 1", user, user);
  if (put("/proc/self/uid_map", map)) return 11;
  snprintf(map, sizeof map, "%d %d 1", group, group);
  if (put("/proc/self/gid_map", map)) return 12;
  int socket_ = socket(AF_INET, SOCK_DGRAM, 0);
  struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  if (ioctl(socket_, SIOCSIFFLAGS, &loopback)) return 13;
  close(socket_);
  if (mount(0, "/", 0, MS_REC | MS_PRIVATE, 0)) return 14;
  if (mount("x", "/mnt", "tmpfs", 0, "size=64k") || mount("x", "/tmp", "tmpfs", 0, "size=1m")) return 15;
  pid_t child = fork();
  if (child == 0) _exit(inside(argv));
  int status;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 30;
}
