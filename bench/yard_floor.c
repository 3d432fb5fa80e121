/* The least that a sandbox of the same kind costs: the system calls of a plan, in one small program that reads the plan as
   it is printed and neither checks nor explains anything.
   Usage: yard_floor PLAN PROGRAM [ARGUMENT ...] */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 512 };
static char *line[MOST];
static int lines, kept[MOST], laid[MOST], recorded;
static unsigned long calls = 70;

static long mount_(const char *from, const char *to, const char *kind, unsigned long flags, const char *options) {
  return syscall(SYS_mount, from, to, kind, flags, options);
}

static int put(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  int failed = file < 0 || write(file, text, strlen(text)) < 0;
  close(file);
  return failed;
}

static const char *after(const char *text, const char *start) {
  size_t length = strlen(start);
  return strncmp(text, start, length) ? NULL : text + length;
}

static void change(const char *path, unsigned long set, unsigned long clear, int flags) {
  struct mount_attr attributes = {.attr_set = set, .attr_clr = clear};
  int place = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
  syscall(SYS_mount_setattr, place, "", AT_EMPTY_PATH | flags, &attributes, sizeof attributes);
  close(place);
}

static int over(const char *path, const char *from, const char *kind, unsigned long flags, const char *options) {
  char name[40];
  struct stat found;
  int place = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
  if (place < 0) return 1;
  fstat(place, &found);
  snprintf(name, sizeof name, "/proc/self/fd/%d", place);
  int failed = mount_(from, name, kind, flags, options) != 0;
  close(place);
  return failed;
}

static void devices(void) {
  static const char *node[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};
  static const char *link_[][2] = {{"/dev/fd", "/proc/self/fd"}, {"/dev/stdin", "/proc/self/fd/0"},
    {"/dev/stdout", "/proc/self/fd/1"}, {"/dev/stderr", "/proc/self/fd/2"}, {"/dev/ptmx", "pts/ptmx"}};
  int opened[6];
  char name[40];
  for (int i = 0; i < 6; i++) opened[i] = open(node[i], O_PATH | O_CLOEXEC);
  over("/dev", "x", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k,nr_inodes=1k");
  for (int i = 0; i < 6; i++) {
    close(open(node[i], O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644));
    snprintf(name, sizeof name, "/proc/self/fd/%d", opened[i]);
    over(node[i], name, 0, MS_BIND | MS_REC, 0);
    close(opened[i]);
  }
  mkdir("/dev/pts", 0755);
  mkdir("/dev/shm", 0755);
  mount_("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620");
  for (int i = 0; i < 5; i++) symlink(link_[i][1], link_[i][0]);
}

/* A file system of this kind that is mounted nowhere, with at most four options. */
static int nowhere(const char *kind, const char *flag, const char *options[][2], int count) {
  int context = syscall(SYS_fsopen, kind, 1 /* FSOPEN_CLOEXEC */);
  if (flag) syscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG, flag, 0, 0);
  for (int i = 0; i < count; i++) syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, options[i][0], options[i][1], 0);
  syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0);
  int made = syscall(SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  close(context);
  return made;
}

/* Copies: a layer over each, in one file system in memory. Needs Linux 6.15. */
static int lay(void) {
  static const char *size[][2] = {{"size", "2g"}, {"nr_inodes", "1m"}, {"mode", "700"}};
  int shelf = -1;
  for (int i = 0; i < lines; i++) {
    if (!after(line[i], "copy, changes end with the task, ")) continue;
    if (shelf < 0) shelf = nowhere("tmpfs", 0, size, 3);
    char number[16], path[3][40];
    struct stat found;
    snprintf(number, sizeof number, "%d", i);
    mkdirat(shelf, number, 0755);
    int place = openat(shelf, number, O_PATH | O_DIRECTORY | O_CLOEXEC);
    mkdirat(place, "upper", 0755);
    mkdirat(place, "work", 0755);
    int part[] = {kept[i], openat(place, "upper", O_PATH | O_CLOEXEC), openat(place, "work", O_PATH | O_CLOEXEC)};
    fstat(kept[i], &found);
    fchmodat(place, "upper", found.st_mode & 07777, 0);
    for (int j = 0; j < 3; j++) snprintf(path[j], sizeof path[j], "/proc/self/fd/%d", part[j]);
    const char *layers[][2] = {{"lowerdir", path[0]}, {"upperdir", path[1]}, {"workdir", path[2]}};
    laid[i] = nowhere("overlay", "userxattr", layers, 3);
    if (laid[i] < 0) return 1;
    close(part[1]), close(part[2]), close(place);
  }
  return 0;
}

static void step(int i) {
  const char *path;
  char name[40];
  if ((path = after(line[i], "own device nodes and terminals at "))) devices();
  else if ((path = after(line[i], "hide directory "))) over(path, "x", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=64k");
  else if ((path = after(line[i], "hide file "))) over(path, "/dev/null", 0, MS_BIND, 0);
  else if ((path = after(line[i], "copy, changes end with the task, "))) {
    mkdir(path, 0755);
    int place = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    syscall(SYS_move_mount, laid[i], "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    close(place), close(laid[i]), close(kept[i]);
  }
  else if ((path = after(line[i], "private, new "))) mkdir(path, 0700), over(path, "x", "tmpfs", MS_NOSUID | MS_NODEV, "mode=700,size=2g");
  else if ((path = after(line[i], "private "))) over(path, "x", "tmpfs", MS_NOSUID | MS_NODEV, "mode=700,size=2g");
  else if ((path = after(line[i], "pin "))) over(path, path, 0, MS_BIND | MS_REC, 0);
  else if ((path = after(line[i], "read-only "))) over(path, path, 0, MS_BIND | MS_REC, 0), change(path, MOUNT_ATTR_RDONLY, 0, AT_RECURSIVE);
  else if ((path = after(line[i], "keep "))) {
    for (char *cut = strchr(path + 1, '/'); cut; cut = strchr(cut + 1, '/')) *cut = 0, mkdir(path, 0755), *cut = '/';
    mkdir(path, 0755);
    snprintf(name, sizeof name, "/proc/self/fd/%d", kept[i]);
    over(path, name, 0, MS_BIND | MS_REC, 0);
    close(kept[i]);
  }
}

static void rules(void) {
  struct landlock_ruleset_attr handled = {.handled_access_fs = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_EXECUTE};
  int set = syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
  for (int i = 0; i < lines; i++) {
    const char *write = after(line[i], "may write below "), *run = after(line[i], "may run programs below ");
    if (!write && !run) continue;
    struct landlock_path_beneath_attr rule = {
      .allowed_access = run ? LANDLOCK_ACCESS_FS_EXECUTE : handled.handled_access_fs & ~LANDLOCK_ACCESS_FS_EXECUTE,
      .parent_fd = open(write ? write : run, O_PATH | O_CLOEXEC)};
    struct stat found;
    fstat(rule.parent_fd, &found);
    syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
  }
  static const char *node[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts"};
  for (int i = 0; i < 8; i++) {
    struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_WRITE_FILE, .parent_fd = open(node[i], O_PATH | O_CLOEXEC)};
    syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
  }
  syscall(SYS_landlock_restrict_self, set, 0);
  close(set);
}

/* The listener at which starts of programs arrive, where they are recorded. */
static int filter(void) {
  struct sock_filter *steps = calloc(2 * calls + 6, sizeof *steps);
  unsigned n = 0;
  steps[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
  if (recorded) {
    steps[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 0, 1);
    steps[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
  }
  for (unsigned i = 0; i < calls; i++) {
    steps[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 500 + i, 0, 1);
    steps[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1);
  }
  steps[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {n, steps};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, recorded ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, &program);
}

/* Lets one start go on, with its path read as a recorder does; what it digests is left out. */
static void record(int listener) {
  struct seccomp_notif asked = {0};
  char name[40], path[4096];
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked)) return;
  snprintf(name, sizeof name, "/proc/%u/mem", asked.pid);
  int memory = open(name, O_RDONLY | O_CLOEXEC);
  if (pread(memory, path, sizeof path, asked.data.args[0]) < 0) path[0] = 0;
  close(memory);
  struct seccomp_notif_resp answer = {.id = asked.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

/* What a canary asks of each mount: what lies there, and whether it comes off. */
static void look(void) {
  for (int i = 0; i < lines; i++) {
    const char *path = strchr(line[i], '/');
    struct statfs kind;
    struct stat found;
    if (!path || after(line[i], "may ") || after(line[i], "mount ") || after(line[i], "in ") || after(line[i], "start ")) continue;
    statfs(path, &kind);
    stat(path, &found);
    syscall(SYS_umount2, path, 2 /* MNT_DETACH */);
  }
}

static int inside(char **argv) {
  if (mount_("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0)) return 20;
  put("/proc/sys/kernel/pid_max", "8192");
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {0};
  syscall(SYS_capset, &header, none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  look();
  rules();
  int listener = filter();
  pid_t child = fork();
  if (child == 0) {
    execv(argv[0], argv);
    _exit(24);
  }
  if (recorded) record(listener);
  int status;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 30;
}

static void read_plan(const char *path) {
  static char text[1 << 16];
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || read(file, text, sizeof text - 1) < 0) exit(3);
  close(file);
  for (char *one = strtok(text, "\n"); one && lines < MOST; one = strtok(0, "\n")) {
    const char *keep = after(one, "keep "), *refuse = after(one, "refuse ");
    if (!keep) keep = after(one, "copy, changes end with the task, ");
    if (after(one, "record the start")) recorded = 1;
    kept[lines] = keep ? open(keep, O_PATH | O_CLOEXEC) : -1;
    if (refuse) calls = strtoul(refuse, 0, 10);
    line[lines++] = one;
  }
}

int main(int argc, char **argv) {
  char map[64];
  if (argc < 3) return 2;
  int user = getuid(), group = getgid();
  prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0);
  syscall(SYS_keyctl, 1, 0);
  struct rlimit none = {0, 0}, some = {8192, 8192};
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_NPROC, &some);
  put("/proc/self/oom_score_adj", "900");
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
  if (mount_(0, "/", 0, MS_REC | MS_PRIVATE, 0)) return 14;
  read_plan(argv[1]);
  if (lay()) return 15;
  for (int i = 0; i < lines; i++) step(i);
  change("/", MOUNT_ATTR_RDONLY, 0, AT_RECURSIVE);
  for (int i = 0; i < lines; i++) {
    const char *write = after(line[i], "may write below ");
    if (write) change(write, 0, MOUNT_ATTR_RDONLY, 0);
  }
  for (int capability = 0; capability <= 40; capability++) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  pid_t child = fork();
  if (child == 0) _exit(inside(argv + 2));
  int status;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 30;
}
