import { readFileSync } from "node:fs"
import { basename } from "node:path"
import { Cause, Effect, Exit, Fiber } from "effect"
import type { Command } from "./command.ts"
import { commands, type Entry } from "./commands/index.ts"
import { ExitWith } from "./errors/failure.ts"
import { reportOf, tell } from "./output/report.ts"
import type { Terminal } from "./output/terminal.ts"

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/** Package managers forward a signal that the terminal has already sent to all its programs. Within this time it's the same signal. */
const sameSignalMs = 1_000
const parentCheckMs = 500

const readProcess = (pid: number, file: "cmdline" | "stat"): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8")
  } catch {
    // It has exited, or the system has no /proc.
    return ""
  }
}

/** The parent's pid on Linux, the second field after the name in parentheses (proc(5)); undefined elsewhere. */
const parentOf = (pid: number): number | undefined => {
  const stat = readProcess(pid, "stat")
  const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return parent === undefined ? undefined : Number(parent)
}

const isShellOfScript = (pid: number): boolean => {
  const [program = "", option] = readProcess(pid, "cmdline").split("\0")
  return option === "-c" && ["sh", "dash", "bash", "ash", "zsh"].includes(basename(program))
}

/**
 * Calls `ended` once the package manager that started this process has died (`pnpm exec`, `npx`, `npm run`). If somebody kills only the
 * package manager, it forwards no signal.
 */
const onParentGone = (ended: () => void): (() => void) => {
  const parent = process.ppid
  const isManaged = ["npm_execpath", "npm_command", "npm_config_user_agent"].some(
    (name) => process.env[name] !== undefined
  )
  if (!isManaged || process.platform === "win32") return () => {}
  // npm runs a script through `sh -c`, which survives if npm is killed.
  const beyond = isShellOfScript(parent) ? parentOf(parent) : undefined
  const timer = setInterval(() => {
    if (process.ppid !== parent || (beyond !== undefined && parentOf(parent) !== beyond)) ended()
  }, parentCheckMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** Runs a command and returns its exit code. The first signal interrupts it, so that it can clean up; a second one exits immediately. */
export const execute = async (
  entry: Entry,
  command: Command,
  argv: ReadonlyArray<string>,
  terminal: Terminal
): Promise<number> => {
  const fiber = Effect.runFork(command.run(argv, terminal, commands))
  let interrupted = false
  let since = 0
  const stop = () => {
    if (interrupted && performance.now() - since < sameSignalMs) return
    if (interrupted) process.exit(130)
    interrupted = true
    since = performance.now()
    Effect.runFork(Fiber.interrupt(fiber))
  }
  for (const signal of signals) process.on(signal, stop)
  const stopOnce = () => {
    if (!interrupted) stop()
  }
  const forgetParent = onParentGone(stopOnce)
  if (command.exitOnInterrupt === 0) {
    // The terminal was closed, or a pipe has no reader. Processes that the command started must stop too.
    for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners("error").on("error", stopOnce)
  }
  const exit = await Effect.runPromise(Fiber.await(fiber))
  for (const signal of signals) process.off(signal, stop)
  forgetParent()
  if (Exit.isSuccess(exit)) return 0
  if (interrupted && Cause.isInterrupted(exit.cause)) return command.exitOnInterrupt
  const failure = Cause.failureOption(exit.cause)
  if (failure._tag === "Some" && failure.value instanceof ExitWith) return failure.value.exit
  const report = failure._tag === "Some" ? reportOf(failure.value) : undefined
  if (report !== undefined) {
    const help = report.tag === "UsageError" ? `see \`maxcloud ${entry.name} --help\`` : undefined
    tell({ ...report, fix: report.fix ?? help }, terminal)
    return report.exit
  }
  return tellDefect(entry, exit.cause, argv.includes("--debug"), terminal)
}

const tellDefect = (entry: Entry, cause: Cause.Cause<unknown>, debug: boolean, terminal: Terminal): number => {
  const [error] = Cause.prettyErrors(cause)
  tell(
    {
      exit: 1,
      tag: "Defect",
      message: `internal error in maxcloud: ${(error?.message ?? String(cause)).split("\n")[0]}`,
      details: debug ? Cause.pretty(cause, { renderErrorCause: true }).split("\n") : [],
      fix: debug
        ? "please report it, with the lines above"
        : `run it with --debug (\`maxcloud ${entry.name} … --debug\`), and report the output`,
      data: {}
    },
    terminal
  )
  return 1
}
