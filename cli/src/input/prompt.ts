import { createInterface } from "node:readline"
import { Effect, Redacted } from "effect"
import { CommandFailed, UsageError } from "../errors/failure.ts"
import type { Terminal } from "../output/terminal.ts"
import { decodeText } from "./decodeText.ts"

const interrupted = new CommandFailed({ tag: "Interrupted", exit: 130, message: "interrupted; nothing was changed" })

/** Asks for a line on stderr, so that stdout stays data. */
export const ask = (question: string): Effect.Effect<string, CommandFailed> =>
  Effect.async((resume) => {
    const reader = createInterface({ input: process.stdin, output: process.stderr, terminal: true })
    reader.question(question, (answer) => {
      resume(Effect.succeed(answer.trim()))
      reader.close()
    })
    reader.on("SIGINT", () => {
      process.stderr.write("\n")
      resume(interrupted)
      reader.close()
    })
    return Effect.sync(() => reader.close())
  })

/** Asks for a line without showing it. */
const askHidden = (question: string): Effect.Effect<string, CommandFailed | UsageError> =>
  Effect.async((resume) => {
    const { stderr, stdin } = process
    const characters: Array<string> = []
    // If somebody pastes a long text, a character's bytes may come in two chunks.
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
    const textOf = (chunk: Buffer): string | undefined => {
      try {
        return decoder.decode(chunk, { stream: true })
      } catch {
        return undefined
      }
    }
    const end = () => {
      stdin.off("data", read)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write("\n")
    }
    const read = (chunk: Buffer) => {
      const text = textOf(chunk)
      if (text === undefined) {
        end()
        return resume(new UsageError({ message: "the input isn't UTF-8", fix: "set the terminal to UTF-8" }))
      }
      for (const character of text) {
        if (character === "\r" || character === "\n" || character === "\u0004") {
          end()
          return resume(Effect.succeed(characters.join("")))
        }
        if (character === "\u0003") {
          end()
          return resume(interrupted)
        }
        if (character === "\u007f" || character === "\b") characters.pop()
        else characters.push(character)
      }
    }
    stderr.write(question)
    stdin.setRawMode(true)
    stdin.on("data", read)
    stdin.resume()
    return Effect.sync(end)
  })

/** Fails if a removal needs confirmation but there is no terminal: then it needs `--yes`. */
export const refuseUnasked = (
  input: { readonly yes: boolean },
  what: string,
  terminal: Terminal
): Effect.Effect<void, UsageError> =>
  input.yes || terminal.canAsk
    ? Effect.void
    : new UsageError({ message: `${what}: can't ask for confirmation without a terminal`, fix: "add --yes" })

/** Asks the user to type `name` before something is removed. */
export const confirmByName = (
  input: { readonly yes: boolean },
  name: string,
  what: string,
  terminal: Terminal
): Effect.Effect<void, CommandFailed | UsageError> =>
  Effect.gen(function* () {
    yield* refuseUnasked(input, what, terminal)
    if (input.yes) return
    const answer = yield* ask(`${what}. Type ${name} to continue: `)
    if (answer === name) return
    return yield* new CommandFailed({ tag: "NotConfirmed", exit: 1, message: "not confirmed; nothing was changed" })
  })

/** A one-line secret: from a hidden prompt, else from standard input without its final line break. */
export const readSecret = (what: string): Effect.Effect<Redacted.Redacted<string>, CommandFailed | UsageError> =>
  Effect.gen(function* () {
    const written = process.stdin.isTTY ? yield* askHidden(`${what}: `) : yield* readStdin
    const secret = written.trim()
    if (secret.length >= 8 && !/\s/.test(secret)) return Redacted.make(secret)
    return yield* new UsageError({
      message: secret === "" ? `the ${what.toLowerCase()} is empty` : `this isn't a valid ${what.toLowerCase()}`,
      fix: "pass it on standard input, and nothing else"
    })
  })

/** All of standard input as text. Fails if it isn't UTF-8. */
export const readStdin: Effect.Effect<string, UsageError> = Effect.promise(async () => {
  const chunks: Array<Buffer> = []
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}).pipe(Effect.flatMap((bytes) => decodeText(bytes, "standard input")))

/**
 * A secret, stored unchanged: from a hidden prompt, else from standard input without one final line break. A byte order mark at the start
 * comes from an editor and would become part of a password.
 */
export const readValue = (what: string, question: string): Effect.Effect<string, CommandFailed | UsageError> =>
  Effect.gen(function* () {
    if (process.stdin.isTTY) return yield* askHidden(question)
    const written = yield* readStdin
    if (!written.startsWith("\uFEFF")) return written.replace(/\r?\n$/, "")
    return yield* new UsageError({
      message: `${what} starts with a byte order mark`,
      fix: "remove it: `tail -c +4 FILE` prints the rest"
    })
  })
