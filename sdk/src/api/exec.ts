import { textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"

/** The WebSocket subprotocol of `services.exec`. */
export const execProtocol = "v1.exec.maxcloud.dev"

/** The first byte of a binary message is the channel of the remaining bytes. Clients may only send `stdin`. */
export const execChannel = { stdin: 0, stdout: 1, stderr: 2 } as const

/** The size of a terminal, in characters. */
export const TerminalSize = Schema.Struct({
  columns: Schema.Int.pipe(Schema.between(1, 10_000)),
  rows: Schema.Int.pipe(Schema.between(1, 10_000))
})
export interface TerminalSize extends Schema.Schema.Type<typeof TerminalSize> {}

const word = textUpTo(32_768, "A word of the command").pipe(
  Schema.filter((text) => !text.includes("\0") || "A word of the command can't contain NUL.")
)

/** A client's first message: the program, its arguments, and its terminal if it has one. */
export const ExecStart = Schema.Struct({
  type: Schema.Literal("start"),
  command: Schema.Array(word).pipe(
    // Has its own sentence, because those of the next two would quote the command.
    Schema.filter(({ length }) => (length >= 1 && length <= 256) || "The command is a list of 1 to 256 words."),
    Schema.minItems(1),
    Schema.maxItems(256),
    Schema.filter(([program]) => program !== "" || "The program's name is empty."),
    Schema.filter((each) => each.join("").length <= 65_536 || "The command can have up to 65,536 characters.")
  ),
  terminal: Schema.optional(TerminalSize)
}).annotations({ identifier: "ExecStart" })
export interface ExecStart extends Schema.Schema.Type<typeof ExecStart> {}

/** A client's later messages. */
export const ExecInput = Schema.Union(
  Schema.Struct({ type: Schema.Literal("resize"), ...TerminalSize.fields }),
  Schema.Struct({ type: Schema.Literal("stdinEnd") })
).annotations({ identifier: "ExecInput" })
export type ExecInput = typeof ExecInput.Type

/** The server's messages: the program's instance, its exit, or why it didn't run (a problem document). */
export const ExecOutput = Schema.Union(
  Schema.Struct({ type: Schema.Literal("started"), instance: Schema.String }),
  Schema.Struct({ type: Schema.Literal("exit"), code: Schema.Int }),
  Schema.Struct({ type: Schema.Literal("error"), problem: Schema.Unknown })
).annotations({ identifier: "ExecOutput" })
export type ExecOutput = typeof ExecOutput.Type
