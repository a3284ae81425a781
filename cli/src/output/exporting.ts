import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { createWriteStream } from "node:fs"
import { rename, rm } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { finished } from "node:stream/promises"
import { Effect, Stream } from "effect"
import { CommandFailed } from "../errors/failure.ts"
import type { Terminal } from "./terminal.ts"

/** The error if the file of `--out` can't be written. */
export const notWritten = (file: string) => (error: unknown) =>
  new CommandFailed({
    tag: "FileNotWritten",
    exit: 1,
    message: `Couldn't write ${file} (${error instanceof Error ? error.message : String(error)})`,
    fix: "choose another file with --out FILE"
  })

/** Writes lines to stdout, or to a file that only its owner can read and that appears only once it is complete. */
export const writeLines = <E>(
  lines: Stream.Stream<string, E>,
  out: string | undefined,
  terminal: Terminal
): Effect.Effect<void, E | CommandFailed> => {
  if (out === undefined || out === "-")
    return Stream.runForEach(lines, (line) => Effect.sync(() => terminal.print(line)))
  const file = resolve(out)
  const temporary = join(dirname(file), `.maxcloud-${randomBytes(6).toString("hex")}`)
  const attempt = <A>(run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: notWritten(out) })
  return Effect.gen(function* () {
    const sink = createWriteStream(temporary, { flags: "wx", mode: 0o600 })
    // The caller awaits it and reports the failure.
    sink.on("error", () => {})
    yield* attempt(() => once(sink, "open"))
    yield* Effect.addFinalizer(() => Effect.sync(() => void sink.destroy()))
    let count = 0
    yield* Stream.runForEach(lines, (line) => {
      count++
      return sink.write(`${line}\n`) ? Effect.void : attempt(() => once(sink, "drain"))
    })
    sink.end()
    yield* attempt(() => finished(sink))
    yield* attempt(() => rename(temporary, file))
    if (terminal.json) terminal.printJson({ file, lines: count })
    else terminal.say(`wrote ${count} lines to ${out}`)
  }).pipe(Effect.ensuring(Effect.promise(() => rm(temporary, { force: true }))), Effect.scoped)
}
