import { mkdir, open, readFile } from "node:fs/promises"
import { dirname } from "node:path"
import { ErasureCertificate } from "@maxcloud/sdk/api"
import { Data, Effect, Option, Schema } from "effect"
import { errorText } from "../../base/host/systemFault.ts"

/** A line of `erasures.jsonl`: the erased subject, only by id. */
export const JournalLine = Schema.Struct({
  type: Schema.Literal("organization", "person"),
  id: Schema.String,
  /** RFC 3339. */
  at: Schema.String,
  certificate: ErasureCertificate
})
export type JournalLine = typeof JournalLine.Type

export class JournalError extends Data.TaggedError("JournalError")<{
  readonly message: string
  readonly cause: unknown
}> {}

export const journalName = "erasures.jsonl"

const decodeLine = Schema.decodeUnknownOption(Schema.parseJson(JournalLine))
const failed = (path: string) => (cause: unknown) =>
  new JournalError({
    message: `${path} is unreadable or not writable. ${errorText(cause, path)}`,
    cause
  })

/** All lines; none if there is no file. A crash may leave an incomplete last line. It is skipped, because it is written again. */
export const readJournal = (path: string): Effect.Effect<ReadonlyArray<JournalLine>, JournalError> =>
  Effect.tryPromise({
    try: () =>
      readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return ""
        throw cause
      }),
    catch: failed(path)
  }).pipe(Effect.map((text) => text.split("\n").flatMap((line) => Option.toArray(decodeLine(line)))))

const syncFolder = async (path: string) => {
  const folder = await open(dirname(path), "r")
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Durable when it returns. Starts on a new line, whatever a crash has left before. */
export const appendJournal = (path: string, lines: ReadonlyArray<JournalLine>): Effect.Effect<void, JournalError> =>
  lines.length === 0
    ? Effect.void
    : Effect.tryPromise({
        try: async () => {
          await mkdir(dirname(path), { recursive: true, mode: 0o700 })
          const file = await open(path, "a+", 0o600)
          try {
            const { size } = await file.stat()
            const { buffer } =
              size === 0 ? { buffer: Buffer.from("\n") } : await file.read(Buffer.alloc(1), 0, 1, size - 1)
            const torn = buffer.toString("latin1") !== "\n"
            const text = lines
              .map(({ at, certificate, id, type }) => `${JSON.stringify({ type, id, at, certificate })}\n`)
              .join("")
            await file.writeFile(`${torn ? "\n" : ""}${text}`)
            await file.sync()
          } finally {
            await file.close()
          }
          await syncFolder(path)
        },
        catch: failed(path)
      })
