/*
 * The first program of every container. It replaces itself with the service's program, and reads that program's arguments and variables
 * from a mounted file. So they never appear in the engine client's arguments or environment, nor in files that the engine stores.
 *
 * /.maxcloud/start contains the number of words in decimal digits, the words, then the variables as NAME=value; NUL terminates each.
 * If the starter has arguments, it runs these instead, with the same variables: another program beside the service's (`maxcloud exec`).
 * A variable in the file overrides the image's variable of that name. A program without a slash is searched in the resulting PATH.
 *
 * With a `+` after the number it doesn't replace itself: it runs the program as its child and stays as the container's init. It forwards
 * signals, reaps orphans, and exits with the program's exit code, or 128 plus the signal's number. If SIGTERM, SIGINT or SIGQUIT from outside
 * the container stopped the program, it exits with 192 plus that number. If SIGKILL killed the program, it prints whether memory ran out.
 *
 * It uses no libc, because it must run in an empty image. server/scripts/build-starter.ts compiles it.
 */
typedef unsigned long word;

#if defined(__x86_64__)
enum {
  sys_read = 0,
  sys_write = 1,
  sys_close = 3,
  sys_lseek = 8,
  sys_mmap = 9,
  sys_munmap = 11,
  sys_sigprocmask = 14,
  sys_getpid = 39,
  sys_clone = 56,
  sys_execve = 59,
  sys_wait4 = 61,
  sys_kill = 62,
  sys_setsid = 112,
  sys_sigtimedwait = 128,
  sys_exit = 231,
  sys_openat = 257
};
static long call(long number, word a, word b, word c, word d, word e, word f) {
  register word r10 __asm__("r10") = d;
  register word r8 __asm__("r8") = e;
  register word r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
__asm__(".globl _start\n_start:\n xor %ebp,%ebp\n mov %rsp,%rdi\n and $-16,%rsp\n call begin\n hlt\n");
#elif defined(__aarch64__)
enum {
  sys_openat = 56,
  sys_close = 57,
  sys_lseek = 62,
  sys_read = 63,
  sys_write = 64,
  sys_exit = 94,
  sys_kill = 129,
  sys_sigprocmask = 135,
  sys_sigtimedwait = 137,
  sys_setsid = 157,
  sys_getpid = 172,
  sys_munmap = 215,
  sys_clone = 220,
  sys_execve = 221,
  sys_mmap = 222,
  sys_wait4 = 260
};
static long call(long number, word a, word b, word c, word d, word e, word f) {
  register long x8 __asm__("x8") = number;
  register word x0 __asm__("x0") = a;
  register word x1 __asm__("x1") = b;
  register word x2 __asm__("x2") = c;
  register word x3 __asm__("x3") = d;
  register word x4 __asm__("x4") = e;
  register word x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return (long)x0;
}
__asm__(".globl _start\n_start:\n mov x29, #0\n mov x30, #0\n mov x0, sp\n bl begin\n brk #0\n");
#endif

enum { no_entry = 2, too_big = 7, no_exec = 8, no_memory = 12, no_access = 13, no_folder = 20, longest_path = 4096 };

static word length(const char *text) {
  word n = 0;
  while (text[n]) n++;
  return n;
}

static void say(const char *text) { call(sys_write, 2, (word)text, length(text), 0, 0, 0); }

__attribute__((noreturn)) static void leave(word code) {
  for (;;) call(sys_exit, code, 0, 0, 0, 0, 0);
}

/* Opens for reading (AT_FDCWD; O_RDONLY | O_CLOEXEC). */
static long open_file(const char *path) { return call(sys_openat, (word)-100, (word)path, 02000000, 0, 0, 0); }

/* Reads the beginning of a file and appends a 0. Returns the length, or an error. */
static long read_start(const char *path, char *text, word most) {
  long file = open_file(path);
  if (file < 0) return file;
  long size = call(sys_read, (word)file, (word)text, most - 1, 0, 0, 0);
  call(sys_close, (word)file, 0, 0, 0, 0, 0);
  if (size >= 0) text[size] = 0;
  return size;
}

/*
 * Prints why an existing program can't run. The kernel also reports "no such file" if a script's interpreter or a program's loader is
 * missing, and "exec format error" if the interpreter is for another processor.
 */
static void say_of_file(const char *path, long error) {
  static char text[256];
  if (error != no_entry && error != no_folder && error != no_exec) return;
  long size = read_start(path, text, sizeof text);
  if (size < 0) return;
  if (size >= 4 && text[0] == 0x7f && text[1] == 'E' && text[2] == 'L' && text[3] == 'F') {
    if (error != no_exec) say(": its loader");
    return;
  }
  if (text[0] != '#' || text[1] != '!') {
    say(": neither a program nor a script with #!");
    return;
  }
  char *name = text + 2;
  while (*name == ' ' || *name == '\t') name++;
  word end = 0, windows = 0;
  while (name[end] && name[end] != ' ' && name[end] != '\t' && name[end] != '\n' && name[end] != '\r') end++;
  for (word n = 0; name[n] && name[n] != '\n'; n++) windows |= name[n] == '\r';
  name[end] = 0;
  say(windows ? ": interpreter with a carriage return: " : ": interpreter ");
  say(name);
}

__attribute__((noreturn)) static void fail_at(const char *what, const char *path, long error) {
  say("maxcloud-starter: ");
  say(what);
  if (path) say_of_file(path, error);
  say(error == no_entry || error == no_folder ? ": no such file or directory\n"
      : error == no_access                    ? ": permission denied\n"
      : error == no_exec                      ? ": exec format error\n"
      : error == too_big                      ? ": argument list too long\n"
                                              : ": cannot be run\n");
  leave(error == no_entry || error == no_folder ? 127 : 126);
}

__attribute__((noreturn)) static void fail(const char *what, long error) { fail_at(what, 0, error); }

/* Is `name` the name in `variable`, which has the form NAME=value? */
static int names(const char *variable, const char *name) {
  word n = 0;
  while (variable[n] && variable[n] != '=' && variable[n] == name[n]) n++;
  return variable[n] == '=' && (name[n] == '=' || name[n] == 0);
}

static void *memory(word bytes) {
  /* PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS */
  long found = call(sys_mmap, 0, bytes, 3, 0x22, (word)-1, 0);
  if (found < 0 && found > -4096) fail("memory", no_memory);
  return (void *)found;
}

/* How many processes of the container the kernel has killed because memory ran out (cgroup v2, then v1); -1 if unknown. */
static long killed_for_memory(void) {
  static const char *const files[] = {"/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"};
  static const char field[] = "oom_kill ";
  static char text[512];
  for (word n = 0; n < 2; n++) {
    if (read_start(files[n], text, sizeof text) <= 0) continue;
    for (char *line = text; *line;) {
      word same = 0;
      while (field[same] && line[same] == field[same]) same++;
      if (!field[same]) {
        long count = 0;
        for (char *at = line + same; *at >= '0' && *at <= '9'; at++) count = count * 10 + (*at - '0');
        return count;
      }
      while (*line && *line != '\n') line++;
      if (*line) line++;
    }
  }
  return -1;
}

enum { sig_int = 2, sig_quit = 3, sig_kill = 9, sig_term = 15, sig_chld = 17, no_hang = 1 };

/* Runs as the container's init until the program has exited. When this first process exits, the kernel kills the remaining ones. */
__attribute__((noreturn)) static void stay(word child) {
  static int info[32];
  word all = ~0UL, outside = 0;
  for (;;) {
    long number = call(sys_sigtimedwait, (word)&all, (word)info, 0, sizeof all, 0, 0);
    if (number <= 0) continue;
    if (number != sig_chld) {
      /* The pid of a process outside the container is 0 (pid_namespaces(7)). */
      if (info[4] == 0 && (number == sig_term || number == sig_int || number == sig_quit)) outside = (word)number;
      call(sys_kill, child, (word)number, 0, 0, 0, 0);
      continue;
    }
    for (;;) {
      int status = 0;
      long ended = call(sys_wait4, (word)-1, (word)&status, no_hang, 0, 0, 0);
      if (ended <= 0) break;
      if ((word)ended != child) continue;
      word signal = (word)status & 0x7f;
      word code = signal ? 128 + signal : ((word)status >> 8) & 0xff;
      if (code == 128 + sig_kill) {
        long count = killed_for_memory();
        say(count > 0   ? "maxcloud-starter: killed, out of memory\n"
            : count < 0 ? "maxcloud-starter: killed, for an unknown reason\n"
                        : "maxcloud-starter: killed by SIGKILL\n");
      }
      leave(outside && (code == 0 || code == 128 + outside) ? 192 + outside : code);
    }
  }
}

__attribute__((used, noreturn)) void begin(word *stack) {
  char **inherited = (char **)(stack + 1 + stack[0] + 1);
  static const char path[] = "/.maxcloud/start";
  long file = open_file(path);
  if (file < 0) fail(path, -file);
  long size = call(sys_lseek, (word)file, 0, 2, 0, 0, 0);
  if (size <= 0) fail(path, no_exec);
  /* PROT_READ, MAP_PRIVATE */
  long mapped = call(sys_mmap, 0, (word)size, 1, 2, (word)file, 0);
  if (mapped < 0 && mapped > -4096) fail(path, no_memory);
  char *at = (char *)mapped;
  char *end = at + size;
  call(sys_close, (word)file, 0, 0, 0, 0, 0);
  if (end[-1] != 0) fail(path, no_exec);

  word entries = 0, others = 0, count = 0;
  for (char *here = at; here < end; here++) entries += *here == 0;
  while (inherited[others]) others++;
  for (; *at >= '0' && *at <= '9'; at++) count = count * 10 + (word)(*at - '0');
  word stays = *at == '+';
  at += stays + 1;
  if (count == 0 || count > entries - 1) fail(path, no_exec);

  char **words = memory((entries + others + 4) * sizeof(char *));
  for (word n = 0; n < count; n++, at += length(at) + 1) words[n] = at;
  words[count] = 0;
  char **variables = words + count + 1;
  if (stack[0] > 1) {
    words = (char **)(stack + 2);
    stays = 0;
  }
  word declared = 0;
  for (; at < end; at += length(at) + 1) variables[declared++] = at;
  word all = declared;
  for (word n = 0; n < others; n++) {
    word same = 0;
    while (same < declared && !names(variables[same], inherited[n])) same++;
    if (same == declared) variables[all++] = inherited[n];
  }
  variables[all] = 0;

  /* Only the container's first process inherits orphans. */
  if (stays && call(sys_getpid, 0, 0, 0, 0, 0, 0) == 1) {
    word every = ~0UL, before = 0;
    /* Block all signals, so that they wait for `stay`, even those that are ignored by default. SIG_SETMASK */
    call(sys_sigprocmask, 2, (word)&every, (word)&before, sizeof every, 0, 0);
    long child = call(sys_clone, sig_chld, 0, 0, 0, 0, 0);
    if (child < 0) fail(words[0], no_memory);
    if (child > 0) {
      call(sys_munmap, (word)mapped, (word)size, 0, 0, 0, 0);
      stay((word)child);
    }
    /* The container's first process would be a session leader, so the child becomes one too. */
    call(sys_setsid, 0, 0, 0, 0, 0, 0);
    call(sys_sigprocmask, 2, (word)&before, 0, sizeof before, 0, 0);
  }

  char *program = words[0];
  for (char *here = program; *here; here++)
    if (*here == '/') {
      long result = -call(sys_execve, (word)program, (word)words, (word)variables, 0, 0, 0);
      fail_at(program, program, result);
    }

  const char *folders = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (word n = 0; n < all; n++)
    if (names(variables[n], "PATH")) folders = variables[n] + 5;
  long error = no_entry;
  char *candidate = memory(2 * longest_path);
  char *found = 0;
  word name = length(program);
  while (name > 0) {
    word folder = 0;
    while (folders[folder] && folders[folder] != ':') folder++;
    /* An empty entry in PATH means the working directory. Skip it: write ./program for that. */
    if (folder > 0 && folder + name + 2 < longest_path) {
      for (word n = 0; n < folder; n++) candidate[n] = folders[n];
      candidate[folder] = '/';
      for (word n = 0; n <= name; n++) candidate[folder + 1 + n] = program[n];
      long result = -call(sys_execve, (word)candidate, (word)words, (word)variables, 0, 0, 0);
      if (result != no_entry && result != no_folder) error = result;
      long there = found ? -1 : open_file(candidate);
      if (there >= 0) {
        call(sys_close, (word)there, 0, 0, 0, 0, 0);
        found = candidate + longest_path;
        for (word n = 0; n < longest_path; n++) found[n] = candidate[n];
      }
      if (result == no_exec || result == too_big) break;
    }
    if (!folders[folder]) break;
    folders += folder + 1;
  }
  fail_at(program, found, error);
}
