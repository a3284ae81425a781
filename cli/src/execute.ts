import { Cause, Effect, Exit, Fiber } from "effect"
import type { Command } from "./command.ts"
import { commands, type Entry } from "./commands/index.ts"
import { ExitWith } from "./failure.ts"
import { reportOf, tell } from "./report.ts"
import type { Terminal } from "./terminal.ts"

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/** Runs a command to its exit code. The first signal interrupts it, so that it may tidy up; a second one ends the process. */
export const execute = async (
  entry: Entry,
  command: Command,
  argv: ReadonlyArray<string>,
  terminal: Terminal
): Promise<number> => {
  const fiber = Effect.runFork(command.run(argv, terminal, commands))
  let interrupted = false
  const stop = () => {
    if (interrupted) process.exit(130)
    interrupted = true
    Effect.runFork(Fiber.interrupt(fiber))
  }
  for (const signal of signals) process.on(signal, stop)
  const exit = await Effect.runPromise(Fiber.await(fiber))
  for (const signal of signals) process.off(signal, stop)
  if (Exit.isSuccess(exit)) return 0
  if (interrupted && Cause.isInterrupted(exit.cause)) return command.exitOnInterrupt
  const failure = Cause.failureOption(exit.cause)
  if (failure._tag === "Some" && failure.value instanceof ExitWith) return failure.value.exit
  const report = failure._tag === "Some" ? reportOf(failure.value) : undefined
  if (report !== undefined) {
    const help = report.tag === "UsageError" ? `\`maxcloud ${entry.name} --help\` tells how` : undefined
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
      message: `a mistake in maxcloud itself: ${(error?.message ?? String(cause)).split("\n")[0]}`,
      details: debug ? Cause.pretty(cause, { renderErrorCause: true }).split("\n") : [],
      fix: debug
        ? "please report it with the lines above"
        : `\`maxcloud ${entry.name} … --debug\` prints where: please report it`,
      data: {}
    },
    terminal
  )
  return 1
}
