import { Effect, Schema, Stream } from "effect"

const decodeType = Schema.decodeUnknownSync(Schema.parseJson(Schema.Struct({ type: Schema.String })))
const typeAtStart = /^\{"type" ?: ?"([A-Za-z]+)"/

export const lineOf = (type: string, data: unknown) => JSON.stringify({ type, data })

const typeOf = (line: string) => typeAtStart.exec(line)?.[1] ?? decodeType(line).type

/** The lines between a header and an end that counts them by type: an export without that end is incomplete. */
export const framed = <E, R>(header: Readonly<Record<string, unknown>>, lines: Stream.Stream<string, E, R>) =>
  Stream.suspend(() => {
    const counts: Record<string, number> = {}
    return Stream.make(lineOf("header", { ...header, version: 1, at: new Date().toISOString() })).pipe(
      Stream.concat(
        Stream.tap(lines, (line) =>
          Effect.sync(() => {
            const type = typeOf(line)
            counts[type] = (counts[type] ?? 0) + 1
          })
        )
      ),
      Stream.concat(Stream.sync(() => lineOf("end", { counts })))
    )
  })
