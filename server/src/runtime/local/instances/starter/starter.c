/*
 * The first program of every container: replaces itself by the service's program, with the words and variables of a mounted
 * file. So they are in no argument and no environment of the engine's client, and in nothing that the engine keeps on disk.
 *
 * /.maxcloud/start: the number of words in decimal digits, the words, then the variables as NAME=value; each is ended by NUL.
 * With arguments of its own it runs these words instead, with the same variables: another program beside the service's (`maxcloud exec`).
 * A variable of the file replaces the image's variable of that name. A word without a slash is looked for on the resulting PATH.
 *
 * No libc: it has to run in an image that holds nothing else. server/scripts/build-starter.ts compiles it.
 */
typedef unsigned long word;

#if defined(__x86_64__)
enum { sys_write = 1, sys_close = 3, sys_mmap = 9, sys_lseek = 8, sys_execve = 59, sys_exit = 231, sys_openat = 257 };
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
enum { sys_openat = 56, sys_close = 57, sys_lseek = 62, sys_write = 64, sys_exit = 94, sys_execve = 221, sys_mmap = 222 };
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

__attribute__((noreturn)) static void fail(const char *what, long error) {
  say("maxcloud-starter: ");
  say(what);
  say(error == no_entry || error == no_folder ? ": no such file or directory\n"
      : error == no_access                    ? ": permission denied\n"
      : error == no_exec                      ? ": exec format error\n"
      : error == too_big                      ? ": argument list too long\n"
                                              : ": cannot be run\n");
  for (;;) call(sys_exit, error == no_entry || error == no_folder ? 127 : 126, 0, 0, 0, 0, 0);
}

/* Is `name` the name of the variable `variable`, which is written NAME=value? */
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

__attribute__((used, noreturn)) void begin(word *stack) {
  char **inherited = (char **)(stack + 1 + stack[0] + 1);
  /* AT_FDCWD; O_RDONLY | O_CLOEXEC */
  static const char path[] = "/.maxcloud/start";
  long file = call(sys_openat, (word)-100, (word)path, 02000000, 0, 0, 0);
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
  at++;
  if (count == 0 || count > entries - 1) fail(path, no_exec);

  char **words = memory((entries + others + 4) * sizeof(char *));
  for (word n = 0; n < count; n++, at += length(at) + 1) words[n] = at;
  words[count] = 0;
  char **variables = words + count + 1;
  if (stack[0] > 1) words = (char **)(stack + 2);
  word declared = 0;
  for (; at < end; at += length(at) + 1) variables[declared++] = at;
  word all = declared;
  for (word n = 0; n < others; n++) {
    word same = 0;
    while (same < declared && !names(variables[same], inherited[n])) same++;
    if (same == declared) variables[all++] = inherited[n];
  }
  variables[all] = 0;

  char *program = words[0];
  for (char *here = program; *here; here++)
    if (*here == '/') fail(program, -call(sys_execve, (word)program, (word)words, (word)variables, 0, 0, 0));

  const char *folders = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (word n = 0; n < all; n++)
    if (names(variables[n], "PATH")) folders = variables[n] + 5;
  long error = no_entry;
  char *candidate = memory(longest_path);
  word name = length(program);
  while (name > 0) {
    word folder = 0;
    while (folders[folder] && folders[folder] != ':') folder++;
    /* An empty folder would be the working directory: whoever wants that writes ./program. */
    if (folder > 0 && folder + name + 2 < longest_path) {
      for (word n = 0; n < folder; n++) candidate[n] = folders[n];
      candidate[folder] = '/';
      for (word n = 0; n <= name; n++) candidate[folder + 1 + n] = program[n];
      long result = -call(sys_execve, (word)candidate, (word)words, (word)variables, 0, 0, 0);
      if (result != no_entry && result != no_folder) error = result;
      if (result == no_exec || result == too_big) break;
    }
    if (!folders[folder]) break;
    folders += folder + 1;
  }
  fail(program, error);
}
